// What stands at the axes of a chart.

const MINUTE = 60, HOUR = 3600, DAY = 86400;

/** Distances between ticks of time that people count in. */
export const hours = [
  1, 2, 5, 10, 15, 30, MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 3 * HOUR,
  6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY, 14 * DAY, 28 * DAY, 91 * DAY, 182 * DAY, 365 * DAY,
];

/** Distances between ticks of bytes: round numbers of KiB, MiB and so on. */
export const byteSteps = [0.01, 0.1, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 256, 512]
  .concat([1, 2, 3, 4, 5].flatMap((power) => [1, 2, 4, 8, 16, 32, 64, 128, 256, 512].map((times) => times * 1024 ** power)));

/** The hour, and below it the day where it begins. */
export function timeLabels(splits, step, zone) {
  const say = (options) => new Intl.DateTimeFormat("en-GB", { timeZone: zone, hourCycle: "h23", ...options });
  const clock = say({ hour: "2-digit", minute: "2-digit", ...(step < MINUTE ? { second: "2-digit" } : {}) });
  const date = say(step >= 300 * DAY ? { year: "numeric" } : { day: "numeric", month: "short" });
  if (step >= DAY) return splits.map((at) => date.format(at * 1000));
  let before = null;
  return splits.map((at) => {
    const day = date.format(at * 1000);
    const text = clock.format(at * 1000);
    const label = day === before ? text : `${text}\n${day}`;
    before = day;
    return label;
  });
}

/** Room for the longest of `labels` beside the chart. */
export function width(labels) {
  const longest = Math.max(3, ...(labels || []).map((label) => label.length));
  return Math.ceil(longest * 6.8) + 14;
}

/** From where to where an axis of values goes for what lies between `low` and `high`. */
export function span(low, high, { unit, filled }) {
  if (low === null || !Number.isFinite(low) || (low === 0 && high === 0)) return [0, 1];
  // What never changes is seen from zero on.
  const ends = low === high ? [Math.min(0, low), Math.max(0, low)] : [low, high];
  const [from, to] = uPlot.rangeNum(...ends, { min: { pad: 0.06, soft: 0, mode: filled ? 1 : 3 }, max: { pad: 0.06, soft: 0, mode: 1 } });
  return [from, unit === "%" && low >= 0 && high <= 100 && high > 85 ? 100 : to];
}

/** A scale of values whose steps are factors, if one is asked for; values of zero and below have no place on it. */
export function logarithmic({ logBase, low, high }) {
  const base = Number(logBase);
  if (!(base > 1)) return null;
  const log = base === 2 ? 2 : 10;
  const above = (value) => (value > 0 ? value : null);
  return { distr: 3, log, range: (_, least, most) => uPlot.rangeLog(above(low) ?? above(least) ?? 1, above(high) ?? above(most) ?? log, log, !above(low)) };
}
