// Series from `/render`, for charts and numbers. One wrong target does not take the others with it.
import { ask, Fault } from "./api.js";
import { instant } from "./time.js";

/** Series of one target that are drawn; nobody can tell more apart, and a browser has to hold them. */
export const MOST = 200;

/** Gives the first and last instant of a window that only the server can read. */
const PROBE = "constantLine(0)";

/**
 * Asks for `targets`, a list of texts. Gives `{series, window, faults}`: each series `{name, tags, style, points}`, the
 * window in seconds, and the faults by the target's index. With `zero` gaps are zeros. Rejects only if nothing can be answered.
 */
export async function render({ targets, from, until, zone, points, most = MOST, zero = false }, signal) {
  const faults = new Map();
  const now = Math.floor(Date.now() / 1000);
  let window = [instant(from, now, zone), instant(until || "now", now, zone)];
  const known = window.every((side) => side !== null);
  for (;;) {
    const asked = targets.map((text, index) => ({ text, index })).filter(({ text, index }) => text.trim() && !faults.has(index));
    if (!asked.length) return { series: [], window: ordered(window, now), faults, cut: false };
    const params = asked.map(({ text }) => ["target", `limit(${text},${most + 1})`]);
    if (!known) params.push(["target", PROBE]);
    params.push(["from", from], ["until", until || "now"], ["tz", zone], ["maxDataPoints", String(points)], ["format", "json"], ["styles", "1"]);
    try {
      const found = await ask("render", params, signal);
      if (!known) window = ends(found.pop());
      const series = found.map(({ target: name, tags, style, datapoints }) => ({ name, tags, style, points: zero ? datapoints.map(([value, time]) => [value ?? 0, time]) : datapoints }));
      return { series: series.slice(0, most), cut: series.length > most, window: ordered(window, now), faults };
    } catch (error) {
      const index = error instanceof Fault ? blamed(error, asked, most) : null;
      if (index === null) throw error;
      faults.set(index, error);
    }
  }
}

function ends(probe) {
  const times = (probe?.datapoints || []).map(([, time]) => time);
  return times.length ? [times[0], times[times.length - 1]] : [null, null];
}

function ordered([from, until], now) {
  const [a, b] = [from ?? now - 86400, until ?? now];
  return a < b ? [a, b] : a > b ? [b, a] : [a - 60, b];
}

/** The target that a fault speaks of; its place is told in the text that was typed, without what we put around it. */
function blamed(fault, asked, most) {
  if (fault.target === undefined) return asked.length === 1 && fault.status === 400 && !fault.parameter ? asked[0].index : null;
  // The server shortens what it sends back.
  const told = fault.target.replace(/…$/, "");
  const found = asked.find(({ text }) => `limit(${text},${most + 1})`.startsWith(told));
  if (!found) return null;
  if (fault.position !== undefined) {
    fault.position = Math.min(Math.max(0, fault.position - "limit(".length), found.text.length);
  }
  return found.index;
}
