// The frame of a panel: its title and its ways to elsewhere, around what its kind draws.
import { address, to } from "./api.js";
import { h, icon } from "./dom.js";
import { limit } from "./levels.js";
import { chartPanel } from "./panel-chart.js";
import { numberPanel } from "./panel-number.js";
import { tablePanel } from "./panel-table.js";
import { windowed, windowWords } from "./repeat.js";

/** A panel of the dashboard: `{root, load, end}`; `heading` is `h2` or `h3`. */
export function panelOf(panel, whole, heading, tools = []) {
  const board = windowed(panel, whole);
  const kinds = { chart: chartPanel, number: numberPanel, table: tablePanel, text: textPanel };
  const make = Object.hasOwn(kinds, panel.kind) ? kinds[panel.kind] : unknown;
  const inside = make(panel, board);
  const width = Math.min(Math.max(Math.round(Number(panel.width) || 6), 1), 12);
  const title = board.variables.words(panel.title);
  const own = windowWords(panel);
  const about = board.variables.words(panel.description);
  const root = h("div", { class: `panel panel-${make === unknown ? "text" : panel.kind}`, role: "group", "aria-label": title || panel.kind },
    title || own || tools.length || ways(panel, board).length ? h("div", { class: "panel-head" },
      h(heading, { title: about || null }, title), own ? h("span", { class: "hint" }, own) : null, h("div", { class: "panel-tools" }, tools.length ? tools : ways(panel, board))) : null,
    inside.root);
  root.style.setProperty("--width", width);
  // Where there is half the room, a third and a quarter of a row become a half of it, and what is alone fills it.
  root.style.setProperty("--half", width <= 2 ? 4 : width <= 5 ? 6 : 12);
  return { ...inside, root };
}

/** Links to the explorer and to the picture of a chart. */
function ways(panel, board) {
  if (panel.kind !== "chart" || !panel.targets?.length) return [];
  const { from, until, zone } = board.state;
  const targets = panel.targets.map((text) => ["target", board.variables.target(text)]);
  const options = Object.entries(panel.options || {}).map(([name, value]) => [name, String(value)]);
  const times = [["from", from], ["until", until], ["tz", zone]];
  const explore = new URL(to("explore"));
  explore.search = new URLSearchParams([...targets, ...times, ...options, ["unit", panel.unit || ""]]).toString();
  const title = board.variables.words(panel.title);
  const limits = [["warn", "orange"], ["alarm", "red"]].filter(([name]) => limit(panel[name]) !== null)
    .map(([name, color]) => ["target", `threshold(${limit(panel[name])},'${name}','${color}')`]);
  const picture = address("render", [...targets, ...limits, ...times, ...options, ["title", title], ["width", "800"], ["height", "400"]]);
  return [
    h("a", { class: "quiet", href: explore.href, title: "Explore", "aria-label": `Explore ${title}` }, icon("search")),
    h("a", { class: "quiet", href: picture.href, target: "_blank", rel: "noreferrer", title: "Picture", "aria-label": `Picture of ${title}` }, icon("link")),
  ];
}

function textPanel({ text }, board) {
  return { root: h("p", { class: "text-panel" }, board.variables.words(text)), load: async () => {}, end() {} };
}

function unknown({ kind }) {
  return { root: h("p", { class: "hint" }, `This page knows no panel of the kind “${kind}”; it is kept as it is.`), load: async () => {}, end() {} };
}
