// One chart: uPlot with our axes, a crosshair that tells values, zoom by dragging, and keys for those without a mouse.
import { announce, fill, h } from "./dom.js";
import { ink, onTheme } from "./colors.js";
import { aligned, stacked } from "./align.js";
import { byteSteps, hours, logarithmic, span, timeLabels, width } from "./axes.js";
import { drawLimits } from "./limits.js";
import { bands, isLayer, line, shade } from "./lines.js";
import { plotting } from "./plotting.js";
import { full, short } from "./time.js";
import { format } from "./units.js";

/** Lines that the box at the crosshair tells. */
const TOLD = 12;

export class Chart {
  /**
   * `options`: label, height, unit, decimals, zone, mode (`lines`, `area`, `first` or `stacked`), lineMode, logBase, low, high,
   * limits (`[value, kind]` pairs, drawn as lines of that level), sync, onZoom, onBack, onPoint.
   */
  constructor(options) {
    this.options = options;
    this.series = [];
    this.hidden = new Set();
    this.note = h("p", { class: "chart-note", hidden: true });
    this.tip = h("div", { class: "tip", hidden: true });
    this.plot = h("div", { class: "plot" });
    this.root = h("div", {
      class: "chart", tabindex: "0", role: "group", "aria-roledescription": "chart", onkeydown: (event) => this.key(event),
      onblur: () => this.rest(),
    }, this.plot, this.note, this.tip);
    // Its room is there from the start: what is below does not jump, and is not asked for before it is seen.
    this.root.style.minHeight = `${options.height}px`;
    this.left = new AbortController();
    this.resized = new ResizeObserver(() => this.fit());
    this.resized.observe(this.root);
    onTheme(() => this.draw(true), this.left.signal);
    this.label();
  }

  /** Fetches what draws, while the series are on their way. */
  prepare() {
    // Who waits for it tells what is wrong.
    plotting().catch(() => {});
  }

  /** Takes new series and draws them. */
  show(series, window, options = {}) {
    Object.assign(this.options, options);
    this.window = window;
    const before = this.signature;
    this.series = series;
    this.signature = JSON.stringify([series.map(({ name, style }) => [name, style]), this.options.mode, this.options.lineMode, this.options.logBase, this.options.unit, this.options.zone, this.options.low, this.options.high]);
    this.label();
    this.draw(before !== this.signature);
  }

  /** Says in words why nothing is drawn; an empty text takes the words away. */
  say(text, bad = false) {
    this.note.hidden = !text;
    this.note.classList.toggle("bad", bad);
    this.note.textContent = text;
  }

  /** Stops listening; the chart is not used again. */
  end() {
    this.left.abort();
    this.resized.disconnect();
    this.uplot?.destroy();
  }

  /** Shows or hides the series at `index`; gives whether it is shown now. */
  toggle(index) {
    const { name } = this.series[index];
    if (!this.hidden.delete(name)) this.hidden.add(name);
    this.draw(true);
    return !this.hidden.has(name);
  }

  /** Makes the series at `index` stand out, none for null. */
  highlight(index) {
    this.uplot?.setSeries(index === null ? null : index + 1, { focus: true });
  }

  label() {
    const { label, zone } = this.options;
    const count = this.series.filter(({ style }) => !style?.invisible).length;
    const when = this.window ? `, ${short(this.window[0], zone)} to ${short(this.window[1], zone)}` : "";
    const told = `${label || "Chart"}: ${count} ${count === 1 ? "series" : "series"}${when}. Left and right move the crosshair, plus and minus zoom.`;
    this.root.setAttribute("aria-label", told);
  }

  fit() {
    const width = Math.floor(this.root.clientWidth);
    if (!width) return;
    if (!this.uplot) this.draw(true);
    else if (this.uplot.width !== width || this.uplot.height !== this.options.height) {
      this.uplot.setSize({ width, height: this.options.height });
    }
  }

  draw(anew) {
    if (!this.window) {
      this.uplot?.destroy();
      this.uplot = undefined;
    }
    if (!this.window || !this.root.clientWidth) return;
    if (!globalThis.uPlot) return this.wait();
    this.raw = aligned(this.series);
    const data = this.options.mode === "stacked" ? stacked(this.raw, this.series.map((series) => this.hidden.has(series.name) || !isLayer(series))) : this.raw;
    if (!anew && this.uplot) {
      this.uplot.setData(data);
      return;
    }
    this.uplot?.destroy();
    this.tip.hidden = true;
    this.uplot = new uPlot(this.shape(), data, this.plot);
  }

  /** Draws as soon as there is something to draw with. */
  async wait() {
    try {
      await plotting();
      if (!this.left.signal.aborted) this.draw(true);
    } catch (error) {
      this.say(error.message, true);
    }
  }

  shape() {
    const { height, unit, zone, sync } = this.options;
    const { text, grid, tick } = ink();
    const axis = { stroke: text, font: "12px system-ui, sans-serif", grid: { stroke: grid, width: 1 }, ticks: { stroke: tick, width: 1, size: 4 }, gap: 4 };
    const bytes = unit === "B" || unit === "B/s";
    const values = { ...axis, size: (_, values) => width(values), values: (_, splits) => splits.map((value) => (value === null ? "" : format(value, unit))), ...(bytes ? { incrs: byteSteps } : {}) };
    const second = this.series.some(({ style }) => style?.secondYAxis);
    const { mode, lineMode } = this.options;
    const shown = (index) => !this.hidden.has(this.series[index].name);
    return {
      width: Math.floor(this.root.clientWidth),
      height,
      padding: [8, 20, 0, 0],
      legend: { show: false },
      tzDate: (instant) => uPlot.tzDate(new Date(instant * 1000), zone),
      scales: { x: { time: true, range: () => this.window }, y: logarithmic(this.options) || { range: (_, low, high) => this.range(low, high) }, ...(second ? { second: { range: (_, low, high) => span(low, high, { unit }) } } : {}) },
      axes: [
        { ...axis, size: 40, space: 64, incrs: hours, values: (_, splits, __, ___, step) => timeLabels(splits, step, zone) },
        values,
        ...(second ? [{ ...values, scale: "second", side: 1, grid: { show: false } }] : []),
      ],
      series: [{}, ...this.series.map((_, index) => line(this.series, index, this.raw[index + 1] || [], { mode, lineMode, shown: shown(index) }))],
      bands: bands(this.series, mode, shown),
      focus: { alpha: 0.3 },
      cursor: {
        drag: { x: true, y: false, setScale: false, dist: 5 },
        focus: { prox: this.series.length > 1 ? 24 : -1 },
        points: { size: 7 },
        ...(sync ? { sync: { key: sync, setSeries: false } } : {}),
        bind: { dblclick: () => () => { this.options.onBack?.(); return null; } },
      },
      hooks: { draw: [(plot) => drawLimits(plot, this.options.limits)], setSelect: [(plot) => this.selected(plot)], setCursor: [(plot) => this.pointed(plot)], setSeries: [(_, index) => (this.near = index === null ? null : index - 1)] },
    };
  }

  range(low, high) {
    const { unit, mode, low: lowest, high: highest } = this.options;
    const [from, to] = span(low, high, { unit, filled: mode !== "lines" });
    const fixed = [lowest ?? from, highest ?? to];
    return fixed[0] < fixed[1] ? fixed : [fixed[0], fixed[0] + 1];
  }

  selected(plot) {
    const { left, width } = plot.select;
    if (width < 5) return;
    const [from, until] = [plot.posToVal(left, "x"), plot.posToVal(left + width, "x")];
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    this.zoom(from, until);
  }

  zoom(from, until) {
    // Ten seconds are the least that is worth looking at.
    const middle = (from + until) / 2;
    const half = Math.max((until - from) / 2, 5);
    this.options.onZoom?.(Math.floor(middle - half), Math.ceil(middle + half));
  }

  pointed(plot) {
    const { idx, left, top } = plot.cursor;
    const out = idx === null || idx === undefined || left < 0;
    this.options.onPoint?.(out ? null : idx, this.raw);
    // With crosshairs in step only the chart under the pointer tells its values.
    if (out || (!this.root.matches(":hover") && this.at === undefined)) {
      this.tip.hidden = true;
      return;
    }
    fill(this.tip, h("div", { class: "tip-time" }, full(this.raw[0][idx], this.options.zone)), this.told(idx, plot).map((line) => this.row(line)));
    this.tip.hidden = false;
    const [wide, high] = [this.tip.offsetWidth, this.tip.offsetHeight];
    const x = plot.over.offsetLeft + left;
    const right = x + 16 + wide < this.root.clientWidth;
    this.tip.style.left = `${Math.max(0, right ? x + 16 : x - 16 - wide)}px`;
    this.tip.style.top = `${Math.max(0, Math.min(top - high / 2, this.options.height - high))}px`;
  }

  /** What the box tells: all, or those closest to the pointer when there are many; the highest first. */
  told(idx, plot) {
    const all = this.series.map(({ name, style }, index) => ({ name, index, silent: style?.invisible, value: this.raw[index + 1][idx], drawn: plot.data[index + 1][idx] }));
    const shown = all.filter(({ name, value, silent }) => !silent && value !== null && value !== undefined && !this.hidden.has(name));
    const y = plot.posToVal(Math.max(0, plot.cursor.top), "y");
    shown.sort((a, b) => Math.abs(a.drawn - y) - Math.abs(b.drawn - y));
    return shown.slice(0, TOLD).sort((a, b) => b.drawn - a.drawn);
  }

  row({ name, index, value }) {
    const mark = h("i", { class: "swatch" });
    mark.style.background = shade(this.series[index], index);
    const { unit, decimals } = this.options;
    return h("div", { class: index === this.near ? "tip-row near" : "tip-row" }, mark, h("span", {}, name), h("b", {}, format(value, unit, decimals)));
  }

  key(event) {
    if (!this.uplot || event.target !== this.root || event.ctrlKey || event.metaKey || event.altKey) return;
    const times = this.raw[0];
    const [from, until] = this.window;
    const span = until - from;
    const last = times.length - 1;
    const moves = { ArrowLeft: (this.at ?? last + 1) - 1, ArrowRight: (this.at ?? -1) + 1, Home: 0, End: last };
    if (event.key in moves && last >= 0) this.point(Math.max(0, Math.min(last, moves[event.key])));
    else if (event.key === "+") this.zoom(from + span / 4, until - span / 4);
    else if (event.key === "-") this.zoom(from - span / 2, until + span / 2);
    else if (event.key === "Escape") this.rest();
    else return;
    event.preventDefault();
  }

  point(index) {
    this.at = index;
    const { uplot, raw } = this;
    uplot.setCursor({ left: uplot.valToPos(raw[0][index], "x"), top: uplot.over.clientHeight / 2 });
    const { unit, decimals, zone } = this.options;
    const values = this.told(index, uplot).map(({ name, value }) => `${name} ${format(value, unit, decimals)}`);
    announce(`${full(raw[0][index], zone)}: ${values.join(", ") || "no data"}`);
  }

  rest() {
    if (this.at === undefined) return;
    this.at = undefined;
    this.uplot?.setCursor({ left: -10, top: -10 });
  }
}
