// A panel with one number: the last known value or what the window comes to, of all series together if there are several.
import { reason } from "./api.js";
import { render } from "./data.js";
import { fill, h } from "./dom.js";
import { level, levelWord } from "./levels.js";
import { NOTHING } from "./panel-chart.js";
import { spark } from "./spark.js";
import { ago } from "./time.js";
import { format, isOld, summary } from "./units.js";

/** Enough that short windows are not averaged. */
const POINTS = 400;

/** What a number may be made of in place of the last value, and the way in which it is consolidated. */
const OVER_WINDOW = { avg: "average", min: "min", max: "max", total: "sum" };

export function numberPanel(panel, board) {
  const value = h("span", { class: "big" });
  const word = h("span", { class: "unseen" });
  const note = h("p", { class: "hint" });
  const line = h("div", { class: "big-spark" });
  const root = h("div", { class: "number" }, h("div", {}, value, word), note, line);

  const reduce = Object.hasOwn(OVER_WINDOW, panel.reduce ?? "") ? panel.reduce : null;
  // Points are joined in the way in which the number is made of them.
  const consolidated = (text) => (reduce ? `consolidateBy(${text},'${OVER_WINDOW[reduce]}')` : text);

  async function load(signal) {
    const targets = (panel.targets || []).map((text) => consolidated(board.variables.target(text)));
    try {
      const { series, window, faults } = await render({ targets, ...board.state, points: POINTS }, signal);
      const fault = [...faults.values()][0];
      if (fault) return say(fault.message, true);
      const known = series.map(({ points }) => ({ points, ...summary(points) })).filter(({ last }) => last !== null);
      if (!known.length) return say(board.variables.words(panel.empty) || NOTHING);
      if (reduce) return show(known.reduce((sum, series) => sum + series[reduce], 0), series, window);
      const now = known.filter(({ at, points }) => !isOld(at, points, window[1]));
      const sum = (now.length ? now : known).reduce((sum, { last }) => sum + last, 0);
      show(sum, series, window);
      // A number that nobody has sent for a while is not to be taken for what is true now.
      if (!now.length) late(window[1] - Math.max(...known.map(({ at }) => at)));
    } catch (error) {
      if (error.name !== "AbortError") say(reason(error), true);
      throw error;
    }
  }

  function show(sum, series, window) {
    const name = level(sum, panel.warn, panel.alarm);
    value.textContent = panel.words?.[sum] ?? format(sum, panel.unit, panel.decimals);
    value.className = `big ${name === "alarm" ? "bad" : name}`;
    word.textContent = levelWord(name);
    note.textContent = "";
    note.classList.remove("bad");
    fill(line, panel.spark ? spark(total(series), window, 240, 36) : null);
  }

  function late(seconds) {
    value.className = "big late";
    note.textContent = `${ago(seconds)} before the end`;
  }

  function say(text, bad = false) {
    value.textContent = "–";
    value.className = "big";
    word.textContent = "";
    note.textContent = text;
    note.classList.toggle("bad", bad);
    fill(line);
  }

  return { root, load, end() {} };
}

/** All series as one, time by time. */
function total(series) {
  if (series.length === 1) return series[0].points;
  const sums = new Map();
  for (const { points } of series) {
    for (const [value, time] of points) {
      const before = sums.get(time) ?? null;
      sums.set(time, value === null ? before : (before ?? 0) + value);
    }
  }
  return [...sums].sort((a, b) => a[0] - b[0]).map(([time, value]) => [value, time]);
}
