// `/explore`: names on the left, a chart of what was chosen, its numbers and its targets. All of it is in the address.
import { ask, reason, Fault, to } from "./api.js";
import { Chart } from "./chart.js";
import { MOST, render } from "./data.js";
import { announce, fill, h, icon, iconButton } from "./dom.js";
import { Legend } from "./legend.js";
import { links } from "./links.js";
import { isOn } from "./panel-chart.js";
import { Live } from "./live.js";
import { literal } from "./names.js";
import { addTo } from "./save.js";
import { timeControls } from "./shell.js";
import { sidebar } from "./sidebar.js";
import { Targets } from "./targets.js";
import { moves, zoned } from "./time.js";

/** Parameters of an address that this view has controls for, or that make no difference to a chart. */
const OWN = new Set(["target", "from", "until", "tz", "refresh", "off", "unit", "areaMode", "yMin", "width", "height", "format", "maxDataPoints",
  "rawData", "jsonp", "noCache", "cacheTimeout", "_salt", "_t", "_uniq", "styles"]);

const MODES = [["lines", "Lines"], ["area", "Area"], ["stacked", "Stacked"]];
const UNITS = ["", "%", "B", "B/s", "bit/s", "s", "ms", "/s"];

/** What the address says. */
function read(params) {
  const off = new Set(params.getAll("off"));
  const mode = { stacked: "stacked", all: "area", first: "first" }[params.get("areaMode")] || "lines";
  const number = (name) => (params.get(name) && Number.isFinite(Number(params.get(name))) ? Number(params.get(name)) : null);
  return {
    targets: params.getAll("target").map((text, index) => ({ text, on: !off.has(String(index)) })),
    from: params.get("from") || "-1h", until: params.get("until") || "now", zone: zoned(params.get("tz")),
    refresh: number("refresh") ?? 10, mode, unit: params.get("unit") || "", low: number("yMin"),
    // Others are kept for the addresses to copy.
    others: [...params].filter(([name]) => !OWN.has(name)), high: number("yMax"), lineMode: params.get("lineMode"), logBase: params.get("logBase"),
    zero: isOn(params.get("drawNullAsZero")),
  };
}

/** Pairs for `/render` and for the address of this view. */
function parameters({ targets, from, until, zone, mode, low, others }, all = false) {
  const pairs = targets.filter(({ on, text }) => (on || all) && text).map(({ text }) => ["target", text]);
  pairs.push(["from", from], ["until", until], ["tz", zone]);
  if (mode !== "lines") pairs.push(["areaMode", mode === "area" ? "all" : mode]);
  if (low !== null) pairs.push(["yMin", String(low)]);
  return [...pairs, ...others];
}

/** Builds the view; `move(href, replace)` writes the address. Gives what the frame shows, and `end`. */
export function explore(url, move, hint = "") {
  const state = read(url.searchParams);
  const chart = new Chart({ label: "Graph", height: innerWidth < 700 ? 240 : 340, zone: state.zone, onZoom: zoom, onBack: () => history.back(), onPoint: (at, columns) => legend.point(at, columns) });
  const legend = new Legend(chart);
  const live = new Live(load);
  const used = (path, all) => (all ? `${literal(path.slice(0, -2))}.*` : literal(path));
  const names = sidebar({
    chosen: (path, all) => state.targets.some(({ text }) => text === used(path, all)),
    choose: (path, all) => choose(used(path, all)),
  });
  const targets = new Targets(state.targets, () => changed());
  const copy = links(() => parameters(state));
  const times = timeControls({ get: () => state, set: (change) => changed(change), again: () => live.now() });
  const boards = h("p", { class: "welcome-boards" });
  const welcome = h("div", { class: "welcome" }, h("p", {}, hint || "Choose metrics from the list, or search with ", hint ? null : h("kbd", {}, "/"), hint ? null : "."), boards);
  const modes = h("div", { class: "segments", role: "group", "aria-label": "Drawn as" },
    MODES.map(([mode, name]) => h("button", { type: "button", "data-mode": mode, onclick: () => changed({ mode }) }, name)));
  const unit = h("select", { "aria-label": "Unit", onchange: () => changed({ unit: unit.value }) }, UNITS.map((value) => h("option", { value }, value || "no unit")));
  unit.value = state.unit;
  const zero = h("input", { type: "checkbox", id: "zero", onchange: () => changed({ low: zero.checked ? 0 : null }) });
  const note = h("p", { class: "hint cut", hidden: true });
  const work = h("div", { class: "work" },
    h("section", { class: "card", "aria-label": "Graph" },
      h("div", { class: "card-head chart-head" }, modes, h("label", { class: "check", for: "zero" }, zero, "from zero"), unit,
        h("button", { type: "button", class: "button end", onclick: () => addTo(panel()) }, icon("plus"), "Add to dashboard"),
        iconButton("out", "Zoom out", () => widen())),
      welcome, chart.root, note, legend.root),
    targets.root, copy.root);
  const root = h("div", { class: "explore" }, names.root, work);

  /** What there is to look at, for who does not know yet. */
  async function propose() {
    const { dashboards } = await ask("dashboards/").catch(() => ({ dashboards: [] }));
    const known = dashboards.filter(({ data, error }) => data !== false && !error).slice(0, 12);
    fill(boards, known.map(({ name, title }) => h("a", { class: "button", href: to(`board/${encodeURIComponent(name)}`) }, title || name)));
  }

  function choose(text) {
    const index = state.targets.findIndex((target) => target.text === text);
    if (index >= 0) state.targets.splice(index, 1);
    else state.targets.push({ text, on: true });
    targets.draw();
    changed();
  }

  function changed(change = {}) {
    Object.assign(state, change);
    const pairs = parameters(state, true);
    state.targets.filter(({ text }) => text).forEach(({ on }, index) => on || pairs.push(["off", String(index)]));
    pairs.push(["refresh", String(state.refresh)]);
    if (state.unit) pairs.push(["unit", state.unit]);
    move(`explore?${new URLSearchParams(pairs)}`);
    controls();
    live.now();
  }

  /** What is shown, as a panel of a dashboard. */
  function panel() {
    const options = Object.fromEntries(parameters(state).filter(([name]) => !["target", "from", "until", "tz"].includes(name)));
    const targets = state.targets.filter(({ on, text }) => on && text).map(({ text }) => text);
    return { kind: "chart", width: 6, height: 220, unit: state.unit, targets, options };
  }

  function controls() {
    for (const button of modes.children) button.setAttribute("aria-pressed", String(button.dataset.mode === state.mode));
    zero.checked = state.low === 0;
    const some = state.targets.length > 0;
    welcome.hidden = some;
    root.classList.toggle("busy", some);
    for (const part of [chart.root, modes.parentElement, targets.root, copy.root]) part.hidden = !some;
    times.update();
    if (some) copy.update();
    names.tree.mark();
    live.every(moves(state.until) ? state.refresh : 0);
  }

  function zoom(from, until) {
    changed({ from: String(from), until: String(until) });
  }

  function widen() {
    if (!chart.window) return;
    const [from, until] = chart.window;
    const half = (until - from) / 2;
    const end = Math.ceil(until + half);
    const now = Math.floor(Date.now() / 1000);
    changed({ from: String(Math.floor(from - half)), until: end >= now ? "now" : String(end) });
  }

  async function load(signal) {
    const on = state.targets.filter((target) => target.on && target.text);
    if (!on.length) {
      chart.show([], null);
      chart.say(state.targets.length ? "All targets are switched off." : "");
      legend.show([]);
      targets.tell(new Map());
      return;
    }
    chart.root.setAttribute("aria-busy", "true");
    chart.prepare();
    try {
      const wide = Math.max(100, Math.floor((chart.root.clientWidth || 800) * Math.min(devicePixelRatio, 2)));
      const found = await render({ targets: on.map(({ text }) => text), from: state.from, until: state.until, zone: state.zone, points: wide, zero: state.zero }, signal);
      shown(found, on);
    } catch (error) {
      if (error.name === "AbortError") throw error;
      targets.tell(new Map());
      const help = error instanceof Fault && error.hint ? ` ${error.hint}` : "";
      chart.say(`${reason(error)}${help}`, true);
      announce(reason(error));
    } finally {
      if (!signal.aborted) chart.root.removeAttribute("aria-busy");
    }
  }

  function shown({ series, window, faults, cut }, on) {
    targets.tell(new Map([...faults].map(([index, fault]) => [on[index], fault])));
    chart.show(series, window, { zone: state.zone, mode: state.mode, lineMode: state.lineMode, logBase: state.logBase, unit: state.unit, low: state.low, high: state.high });
    legend.show(series, { unit: state.unit });
    const empty = !series.some(({ points }) => points.some(([value]) => value !== null));
    const wrong = faults.size === on.length;
    chart.say(empty ? (wrong ? "Nothing to draw: see what is wrong below." : "No data in this time range.") : "", wrong);
    note.hidden = !cut;
    note.textContent = `These are the first ${MOST} series. A function such as highestAverage or averageSeries shows what the others come to.`;
  }

  function key(event) {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.target.closest("input, textarea, select, dialog")) return;
    event.preventDefault();
    names.focus();
  }

  /** Follows the browser's way back without making the view anew. */
  function accept(next) {
    const { targets: list, ...others } = read(next.searchParams);
    state.targets.splice(0, state.targets.length, ...list);
    Object.assign(state, others);
    unit.value = state.unit;
    targets.draw();
    controls();
    live.now();
  }

  document.addEventListener("keydown", key);
  controls();
  if (!state.targets.length) propose();
  live.now();
  return {
    accept,
    name: "Explore", here: "explore", visible: false, controls: times.nodes, content: root,
    end() {
      document.removeEventListener("keydown", key);
      names.end();
      live.end();
      chart.end();
    },
  };
}
