// Numbers as people read them.

const STEPS = {
  decimal: { base: 1000, names: ["", "k", "M", "G", "T", "P", "E"] },
  binary: { base: 1024, names: ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"] },
};

/** Seconds of each unit of time, the largest first. */
const TIMES = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"], [1e-3, "ms"], [1e-6, "µs"], [1e-9, "ns"]];

/** `value` with its `unit`; a gap is a dash. `decimals` fixes the places after the point. */
export function format(value, unit = "", decimals = undefined) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  // Nothing has no places after the point.
  if (value === 0) decimals = 0;
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  if (unit === "s" || unit === "ms") return time(unit === "ms" ? value / 1000 : value, decimals);
  if (unit === "ratio") return format(value * 100, "%", decimals);
  if (unit === "%") return `${digits(value, decimals)} %`;
  const bytes = unit === "B" || unit === "B/s";
  const { base, names } = bytes ? STEPS.binary : STEPS.decimal;
  const size = Math.abs(value);
  // Plain counts are read as they are up to four digits.
  let step = size < (bytes ? 1024 : unit ? 1000 : 10000) ? 0 : Math.min(Math.floor(Math.log(size) / Math.log(base)), names.length - 1);
  if (step && Math.abs(size / base ** step - base) < base * 5e-4) step = Math.min(step + 1, names.length - 1);
  // There are no parts of a byte.
  const places = unit === "B" && !step && decimals !== undefined ? 0 : decimals;
  const number = digits(value / base ** step, places);
  const blank = unit === "/s" ? (names[step] ? " " : "") : unit || names[step] ? " " : "";
  return `${number}${blank}${names[step]}${unit}`;
}

function time(seconds, decimals) {
  if (seconds === 0) return "0 s";
  const [size, name] = TIMES.find(([size]) => Math.abs(seconds) >= size) || TIMES[TIMES.length - 1];
  return `${digits(seconds / size, decimals)} ${name}`;
}

/** About four digits that count, and never an exponent where a plain number serves. */
function digits(value, decimals) {
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e15)) return value.toExponential(2).replace("-", "−");
  const places = decimals ?? (size >= 1000 ? 0 : size >= 100 ? 1 : size >= 1 ? 2 : size >= 0.1 ? 3 : 4);
  let text = value.toFixed(Math.min(places, 12));
  if (decimals === undefined && text.includes(".")) text = text.replace(/\.?0+$/, "");
  return (text === "-0" ? "0" : text).replace("-", "−");
}

/** Seconds after which a value is not what is true at the end of a window any more, where points lie a `step` apart. */
const OLD = 120;

/** Whether nothing has come since `at` for longer than a late point would take. */
export function isOld(at, points, end) {
  const step = points.length > 1 ? points[1][1] - points[0][1] : 0;
  return at === null || end - at > Math.max(OLD, 3 * step);
}

/** What series of this window come to: `{last, min, max, avg, total, at}`, null where there is no point. */
export function summary(points) {
  let [min, max, sum, count, last, at] = [Infinity, -Infinity, 0, 0, null, null];
  for (const [value, time] of points) {
    if (value === null) continue;
    [last, at] = [value, time];
    sum += value;
    count += 1;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  return count ? { last, min, max, avg: sum / count, total: sum, at } : { last, min: null, max: null, avg: null, total: null, at };
}
