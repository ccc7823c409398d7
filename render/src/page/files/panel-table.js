// A panel with a table: a row for each name, a column for each target, and who has fallen silent.
import { reason, to } from "./api.js";
import { render } from "./data.js";
import { fill, h } from "./dom.js";
import { level, levelWord } from "./levels.js";
import { some } from "./names.js";
import { compare, count, rank } from "./order.js";
import { spark } from "./spark.js";
import { ago } from "./time.js";
import { format, summary } from "./units.js";

/** Rows that are asked for, and that are shown at once. */
const MOST = 5000, SHOWN = 200;

/** Points of a small chart. */
const SPARK = 60;

/** A target that only says which part of a name is a row's. */
const BY_NODE = /^aliasByNode\(((?:[^(){},'"|\s]|\{[^(){}]*\})+), ?(-?\d+)\)$/;

export function tablePanel(panel, board) {
  const columns = panel.columns || [];
  const order = { by: "row", down: false };
  const note = h("p", { class: "hint", role: "status" });
  const filter = h("input", { type: "search", placeholder: "Filter", "aria-label": `Filter ${panel.title || "rows"}`, autocomplete: "off", oninput: () => draw() });
  const head = h("tr");
  const body = h("tbody");
  const area = h("div", { class: "table-area", tabindex: "0", role: "region", "aria-label": board.variables.words(panel.title) || "Table" }, h("table", { class: "rows" }, h("thead", {}, head), body));
  const root = h("div", {}, h("div", { class: "table-tools" }, note, filter), area);
  let [rows, window, shown, whole] = [new Map(), [0, 1], SHOWN, false];

  /** Names of the first rows, where the index can tell them: a reader can choose one while values are on their way. */
  async function begin() {
    const [, query, node] = columns.map(({ target }) => BY_NODE.exec(board.variables.target(target))).find(Boolean) || [];
    if (rows.size || !query) return;
    const names = new Set((await some(query)).map((path) => path.split(".").at(Number(node))).filter(Boolean));
    if (rows.size) return;
    rows = new Map([...names].map((name) => [name, blank(name)]));
    draw();
  }

  async function load(signal) {
    const targets = columns.map(({ target }) => board.variables.target(target));
    const live = panel.silent && (board.state.until === "now" || !board.state.until);
    // The long window is averaged for the small charts; who is silent, and what is true now, is told by a short one.
    const recent = { ...board.state, from: `-${Math.max(600, panel.silent * 3)}s`, points: 10000, most: MOST };
    const [long, now] = [[], []];
    let told = whole;
    const each = (times, into) => targets.map(async (text, column) => {
      into[column] = await render({ targets: [text], ...times }, signal);
      // The first answer has the rows; they stay as they are until all is known.
      if (!told) show(long, now);
      told = true;
    });
    try {
      await Promise.all([...each({ ...board.state, points: SPARK, most: MOST }, long), ...(live ? each(recent, now) : [])]);
      whole = true;
      show(long, now);
      const fault = long.flatMap(({ faults }) => [...faults.values()])[0];
      say(fault ? fault.message : rows.size ? "" : "No data in this time range.", Boolean(fault));
    } catch (error) {
      if (error.name !== "AbortError") say(reason(error), true);
      throw error;
    }
  }

  function show(long, now) {
    join(long, now);
    draw();
  }

  /** Series of one name are one row, whichever column they come from; columns that are not answered yet are left out. */
  function join(long, now) {
    rows = new Map();
    window = (long.find(Boolean) || now.find(Boolean))?.window || window;
    const row = (name) => rows.get(name) || rows.set(name, blank(name)).get(name);
    long.forEach(({ series }, column) => series.forEach(({ name, points }) => {
      const { last, at } = summary(points);
      const line = row(name);
      line.cells[column] = { value: last, points };
      line.seen = Math.max(line.seen ?? 0, at ?? 0) || null;
    }));
    now.forEach(({ series }, column) => series.forEach(({ name, points }) => {
      const { last, at } = summary(points);
      const line = row(name);
      if (last !== null) line.cells[column] = { points: [], ...line.cells[column], value: last };
      line.seen = Math.max(line.seen ?? 0, at ?? 0) || null;
    }));
  }

  function draw() {
    const word = filter.value.toLowerCase();
    const now = Math.min(window[1], Date.now() / 1000);
    const age = ({ seen }) => (seen === null ? Infinity : now - seen);
    const of = (line) => ({ row: line.rank, seen: age(line) })[order.by] ?? line.cells[order.by]?.value ?? -Infinity;
    const found = [...rows.values()].filter(({ name }) => name.toLowerCase().includes(word));
    found.sort((a, b) => (order.down ? -1 : 1) * compare(of(a), of(b)));
    filter.hidden = rows.size < 9 && !word;
    heads();
    const more = found.length > shown && h("tr", {}, h("td", { colspan: String(columns.length + 3) },
      h("button", { type: "button", class: "button", onclick: () => { shown += 10 * SHOWN; draw(); } }, `… ${count(found.length - shown)} more`)));
    fill(body, found.slice(0, shown).map((line) => row(line, age(line))), more);
  }

  function heads() {
    const one = (by, text, kind) => {
      const cell = h("th", { scope: "col", class: kind }, h("button", { type: "button", onclick: () => {
        order.down = order.by === by ? !order.down : typeof by === "number";
        order.by = by;
        draw();
      } }, text));
      if (order.by === by) cell.setAttribute("aria-sort", order.down ? "descending" : "ascending");
      return cell;
    };
    fill(head, one("row", panel.row || "Name"), panel.silent ? one("seen", "State") : null,
      columns.map(({ title }, index) => one(index, title || `Column ${index + 1}`, "figure")));
  }

  function row({ name, cells, seen }, age) {
    const link = panel.link && address(board.variables.href(panel.link, { row: name }));
    const silent = age > panel.silent;
    const state = seen === null ? "silent" : silent ? `silent for ${ago(age)}` : "up";
    return h("tr", {}, h("th", { scope: "row" }, link ? h("a", { href: link }, name) : name),
      panel.silent ? h("td", {}, !whole ? null : h("span", { class: silent || seen === null ? "state silent" : "state up" }, state), whole && seen !== null && !silent ? h("span", { class: "hint" }, ` ${ago(age)} ago`) : null) : null,
      columns.map((column, index) => cell(column, cells[index], whole && (silent || seen === null))));
  }

  /** Of who is silent it shows what was, which is no alarm any more. */
  function cell({ unit, decimals, warn, alarm, spark: drawn }, found, past) {
    const name = past && panel.silent ? "" : level(found?.value, warn, alarm);
    return h("td", { class: "figure" }, h("div", {}, drawn && found ? spark(found.points, window) : null,
      h("span", { class: past && panel.silent ? "late" : name === "alarm" ? "bad" : name }, found || whole ? format(found?.value, unit, decimals) : "", name ? h("span", { class: "unseen" }, ` ${levelWord(name)}`) : null)));
  }

  function say(text, bad = false) {
    note.textContent = text;
    note.classList.toggle("bad", bad);
  }

  return { root, begin, load, end() {} };
}

/** A row of which nothing is known yet. */
const blank = (name) => ({ name, rank: rank(name), cells: [], seen: null });

/** Dashboards come from others: a link leads to a page of the web or nowhere. */
export function address(text) {
  const plain = text.replace(/^\/+/, "");
  if (!URL.canParse(plain, to("./"))) return null;
  const url = new URL(plain, to("./"));
  return /^https?:$/.test(url.protocol) ? url.href : null;
}
