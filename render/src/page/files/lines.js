// How each series of a chart is drawn: as the chart's mode says, and as functions such as `dashed` have marked it.
import { color, veiled } from "./colors.js";

/** The colour of the series at `index`: a function's, else the next of ours. */
export const shade = ({ style }, index) => style?.color?.slice(0, 7) || color(index);

/** Which layers a series is one of, if any; the order is that of the series. */
const stack = ({ style }) => (style?.stacked ? (style.stack ?? "between") : null);

/** Whether the series at `index` is the lower edge of a band, which the next one closes and speaks for. */
function isEdge(all, index) {
  const [one, next] = [all[index], all[index + 1]];
  return Boolean(one.style?.invisible && next && !next.style?.invisible && stack(next) !== null && stack(next) === stack(one));
}

/** Points without neighbours, which no line would show. */
function lone(plot, index, show) {
  if (show) return null;
  const [values, [from, to]] = [plot.data[index], plot.series[index].idxs || [0, -1]];
  const found = [];
  // An undefined value is a time of other series; a null is a gap.
  const known = (at, by) => {
    let next = at + by;
    while (next >= 0 && next < values.length && values[next] === undefined) next += by;
    return values[next] !== null && values[next] !== undefined;
  };
  for (let at = from; at <= to; at += 1) {
    if (values[at] !== null && values[at] !== undefined && !known(at, -1) && !known(at, 1)) found.push(at);
  }
  return found;
}

/** Each value that is not zero as a line from top to bottom. */
function upright(plot, index, from, to) {
  const stroke = new Path2D();
  const { top, height } = plot.bbox;
  for (let at = from; at <= to; at += 1) {
    if (!plot.data[index][at]) continue;
    const x = Math.round(plot.valToPos(plot.data[0][at], "x", true));
    stroke.moveTo(x, top);
    stroke.lineTo(x, top + height);
  }
  return { stroke, fill: null, clip: null, flags: 1 };
}

/** The series at `index` of `all` as uPlot takes it; `values` are its own, without those below it. */
export function line(all, index, values, { mode, lineMode, shown }) {
  const series = all[index];
  const { style = {} } = series;
  const edge = isEdge(all, index);
  const own = edge ? shade(all[index + 1], index + 1) : shade(series, index);
  const stroke = style.alpha === undefined || stack(series) ? own : veiled(own, style.alpha);
  const layered = mode === "stacked" && !style.secondYAxis && !style.infinite;
  // A layer that is mostly nothing would lie on the edge of the one below.
  const hidden = (style.invisible && !edge) || (layered && values.filter((value) => value).length * 2 < values.filter((value) => value !== null && value !== undefined).length);
  const few = values.length < 3;
  const { stepped } = uPlot.paths;
  return {
    label: series.name,
    scale: style.secondYAxis ? "second" : "y",
    show: shown,
    stroke,
    width: hidden ? 0 : style.lineWidth ?? (layered ? 1 : 1.5),
    dash: style.dashed ? [style.dashed, style.dashed] : undefined,
    fill: fill(all, index, mode, own),
    spanGaps: lineMode === "connected",
    paths: style.infinite ? upright : lineMode === "staircase" ? stepped({ align: 1 }) : undefined,
    points: hidden || style.infinite ? { show: false } : { show: few || undefined, size: few ? 5 : 4, width: 0, fill: stroke, filter: lone },
  };
}

/** Down to the axis; what lies on another series is filled by a band. */
function fill(all, index, mode, own) {
  const { style = {} } = all[index];
  if (style.infinite || style.invisible) return undefined;
  if (mode === "stacked" && !style.secondYAxis) return veiled(own, style.alpha ?? 0.45);
  if (stack(all[index])) return veiled(own, style.alpha ?? 0.45);
  const filled = mode === "area" || (mode === "first" && index === 0);
  return filled ? veiled(own, style.alpha ?? 0.14) : undefined;
}

/** Between each layer and the one below it. */
export function bands(all, mode, shown) {
  const below = new Map();
  const found = [];
  all.forEach((series, index) => {
    const { style = {} } = series;
    const name = stack(series) ?? (mode === "stacked" && !style.secondYAxis && !style.infinite ? "all" : null);
    if (name === null || !shown(index)) return;
    if (below.has(name)) found.push({ series: [index + 1, below.get(name) + 1], fill: veiled(shade(series, index), style.alpha ?? (isEdge(all, below.get(name)) ? 0.35 : 0.45)) });
    below.set(name, index);
  });
  return found;
}

/** Whether a series takes part in the layers of a stacked chart. */
export const isLayer = ({ style }) => !style?.secondYAxis && !style?.infinite && !style?.stacked;
