// A panel with a chart, its values in words below it.
import { reason } from "./api.js";
import { Chart } from "./chart.js";
import { MOST, render } from "./data.js";
import { fill, h } from "./dom.js";
import { limit } from "./levels.js";
import { shade } from "./lines.js";
import { format, isOld, summary } from "./units.js";

/** What a panel says that has nothing else to say. */
export const NOTHING = "No data in this time range.";

/** A switch among graph options. */
export const isOn = (text) => /^(true|1|on|yes)$/i.test(String(text ?? ""));

/** `{root, load, end}`; `board` gives times, variables and the zoom. */
export function chartPanel(panel, board) {
  const { options = {}, unit = "", decimals } = panel;
  const mode = { stacked: "stacked", all: "area", first: "first" }[options.areaMode] || "lines";
  const chart = new Chart({
    label: board.variables.words(panel.title) || "Chart", height: Math.min(Math.max(Number(panel.height) || 220, 80), 1200), unit, decimals, mode, lineMode: options.lineMode, logBase: options.logBase,
    low: limit(options.yMin), high: limit(options.yMax), zone: board.state.zone,
    // Instants of other windows are not in step with it.
    sync: panel.from || panel.until ? null : "board", limits: ["warn", "alarm"].map((name) => [limit(panel[name]), name]).filter(([value]) => value !== null),
    onZoom: (from, until) => board.zoom(from, until), onBack: () => history.back(), onPoint: (at, columns) => point(at, columns),
  });
  const legend = h("div", { class: "legend-line" });
  let lines = [];

  async function load(signal) {
    const points = Math.max(100, Math.floor((chart.root.clientWidth || 600) * Math.min(devicePixelRatio, 2)));
    const targets = (panel.targets || []).map((text) => board.variables.target(text));
    let found;
    chart.prepare();
    try {
      found = await render({ targets, ...board.state, points, zero: isOn(options.drawNullAsZero) }, signal);
    } catch (error) {
      if (error.name !== "AbortError") chart.say(reason(error), true);
      throw error;
    }
    const { series, window, faults, cut } = found;
    chart.show(series, window, { zone: board.state.zone });
    draw(series, window, cut);
    const empty = !series.some(({ points }) => points.some(([value]) => value !== null));
    const fault = [...faults.values()][0];
    chart.say(fault ? fault.message : empty ? board.variables.words(panel.empty) || NOTHING : "", Boolean(fault));
  }

  function draw(series, [, end], cut) {
    // The lower edge of a band is named as its upper one, which speaks for both.
    const spoken = series.map((one, index) => ({ one, index })).filter(({ one }) => !one.style?.invisible);
    lines = spoken.map(({ one, index }) => {
      const { name, points } = one;
      const mark = h("i", { class: "swatch" });
      mark.style.background = shade(one, index);
      const value = h("b");
      const button = h("button", { type: "button", title: name, "aria-pressed": String(!chart.hidden.has(name)),
        onclick: () => button.setAttribute("aria-pressed", String(chart.toggle(index))),
        onmouseenter: () => chart.highlight(index), onmouseleave: () => chart.highlight(null) }, mark, h("span", {}, name), value);
      const { last, at } = summary(points);
      return { index, button, value, last: isOld(at, points, end) ? null : last };
    });
    fill(legend, lines.map(({ button }) => button), cut ? h("span", { class: "hint" }, `the first ${MOST} series`) : null);
    point(null);
  }

  function point(at, columns) {
    lines.forEach(({ index, value, last }) => (value.textContent = format(at === null ? last : columns[index + 1]?.[at], unit, decimals)));
  }

  return { root: h("div", {}, chart.root, legend), load, end: () => chart.end() };
}
