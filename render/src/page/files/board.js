// `/board/NAME`: a dashboard with its variables, live, and its edit mode.
import { reason, tagged } from "./api.js";
import { Editor } from "./board-edit.js";
import { fill, h, iconButton, way } from "./dom.js";
import { imported } from "./import.js";
import { Live } from "./live.js";
import { panelOf } from "./panel.js";
import { repeated } from "./repeat.js";
import { timeControls } from "./shell.js";
import { moves, zoned } from "./time.js";
import { Variables } from "./variables.js";

/** Parameters of the address that are no variables. */
const OURS = new Set(["from", "until", "tz", "refresh", "edit"]);

const BLANK = () => ({ title: "New dashboard", from: "-1h", until: "now", refresh: 10, rows: [{ title: "", panels: [] }] });

/** Panels that are drawn: a repetition within a repetition makes many. */
const DRAWN = 500;

/** Panels that may be in sight at the start. */
const FIRST = 12;

/** Milliseconds between two looks whether somebody has changed the dashboard. */
const RENEWED = 15_000;

/** The dashboard `name` as it is on the server, with its tag. */
export const stored = (name, signal) => tagged(`dashboards/${encodeURIComponent(name)}`, signal);

/**
 * Loads the dashboard `name` and builds the view; `path` is where the view's address lies, `ways` are those to other views,
 * to another address and to another name of this one. `coming` is what `stored` gave, if that was asked for before.
 */
export async function board(name, path, url, ways, coming = null) {
  const isNew = name === "new" && url.searchParams.has("edit");
  const taken = isNew ? imported() : null;
  const { value, tag } = isNew ? { value: taken?.dashboard || BLANK(), tag: null } : await (coming || stored(name));
  return new Board(name, path, value, tag, url, ways).view(isNew, taken?.leftOut);
}

class Board {
  constructor(name, path, value, tag, url, ways) {
    Object.assign(this, { name, path, value, tag, ...ways, panels: [], looked: Date.now() });
    this.read(url);
    this.editor = new Editor(this);
    this.live = new Live((signal) => this.load(signal));
    this.note = h("p", { class: "board-note bad", role: "alert", hidden: true });
    this.rows = h("div", { class: "board-rows" });
    this.bar = h("div", { class: "board-bar" });
    this.root = h("div", { class: "board" }, this.bar, this.note, this.rows);
    this.times = timeControls({ get: () => this.state, set: (change) => this.changed(change), again: () => this.live.now() });
    this.enter = iconButton("edit", "Edit dashboard", () => this.editor.enter());
    // Panels out of sight are not asked for.
    this.watch = new IntersectionObserver((entries) => this.seen(entries), { rootMargin: "300px" });
  }

  view(edit, leftOut = []) {
    this.variables = this.pickers(this.params);
    this.draw();
    this.settle();
    if (edit) this.editor.enter();
    if (leftOut.length) this.root.prepend(h("details", { class: "board-note left-out", open: true }, h("summary", {}, `Left out of what was imported: ${leftOut.length}`),
      h("ul", {}, leftOut.map((text) => h("li", {}, text)))));
    return {
      name: this.value.title || this.name, here: this.path, controls: [...this.times.nodes, this.enter], content: this.root,
      accept: (url) => this.accept(url), end: () => this.end(), changes: () => this.editor.changes(), leave: () => !this.editor.changes() || confirm("Leave without saving the changes?"),
    };
  }

  read({ searchParams }) {
    const { from, until, refresh } = this.value;
    const seconds = Number(searchParams.get("refresh") ?? refresh ?? 0);
    this.params = searchParams;
    this.state = {
      from: searchParams.get("from") || from || "-1h", until: searchParams.get("until") || until || "now",
      zone: zoned(searchParams.get("tz")), refresh: Number.isFinite(seconds) && seconds > 0 ? Math.max(1, seconds) : 0,
    };
  }

  pickers(params) {
    return new Variables(this.value.variables, (name) => (OURS.has(name) ? [] : params.getAll(name)), () => this.changed());
  }

  accept(url) {
    this.read(url);
    this.variables = this.pickers(url.searchParams);
    this.times.update();
    this.draw();
    this.settle();
  }

  end() {
    this.live.end();
    this.watch.disconnect();
    for (const panel of this.panels) panel.end();
  }

  changed(change = {}) {
    Object.assign(this.state, change);
    const { from, until, zone, refresh } = this.state;
    const pairs = [...this.variables.pairs(), ["from", from], ["until", until], ["tz", zone], ["refresh", String(refresh)]];
    this.move(`${this.path}?${new URLSearchParams(pairs)}`);
    this.times.update();
    this.draw();
    this.settle();
  }

  zoom(from, until) {
    this.changed({ from: String(from), until: String(until) });
  }

  /** Asks for everything anew. */
  settle() {
    this.live.now();
    this.live.every(moves(this.state.until) ? this.state.refresh : 0);
  }

  async load(signal) {
    try {
      await this.renew(signal);
      const before = this.shown();
      await this.variables.load(signal);
      this.say("");
      // Titles and links may name what has only now been found, and panels be repeated for it.
      if (before !== this.shown()) this.draw();
      await this.begin(signal);
      this.fresh = new Set();
      this.signal = signal;
      await Promise.all(this.panels.filter(({ visible }) => visible).map((panel) => this.one(panel)));
    } catch (error) {
      if (error.name === "AbortError") throw error;
      this.say(reason(error));
    }
  }

  /** Takes over what somebody has saved, or changed in the file, meanwhile: a wall screen is never loaded again. */
  async renew(signal) {
    if (this.editor.on || this.name === "new" || Date.now() - this.looked < RENEWED) return;
    const { value, tag } = await stored(this.name, signal);
    this.looked = Date.now();
    if (tag === this.tag || this.editor.on) return;
    Object.assign(this, { value, tag });
    this.call(value.title || this.name);
    this.variables = this.pickers(new URLSearchParams(this.variables.pairs()));
    this.draw();
  }

  /** What the drawing depends on. */
  shown() {
    const names = (this.value.rows || []).flatMap((row) => [row.repeat, ...(row.panels || []).map(({ repeat }) => repeat)]).filter(Boolean);
    return JSON.stringify([this.variables.pairs(), [...new Set(names)].map((name) => this.variables.each(name))]);
  }

  /** The rows of tables near the top come before all else: behind the questions of other panels they would wait long. */
  async begin(signal) {
    const first = this.panels.slice(0, FIRST).filter(({ begin }) => begin);
    // What is wrong is told by the panel when it loads.
    await Promise.all(first.map((panel) => panel.begin().catch(() => {})));
    signal.throwIfAborted();
  }

  async one(panel) {
    if (!this.fresh || this.fresh.has(panel)) return;
    this.fresh.add(panel);
    // The panel has said what is wrong with it.
    await panel.load(this.signal).catch(() => {});
  }

  seen(entries) {
    for (const { target, isIntersecting } of entries) {
      const panel = this.panels.find(({ root }) => root === target);
      if (!panel) continue;
      panel.visible = isIntersecting;
      if (isIntersecting) this.one(panel);
    }
  }

  say(text) {
    this.note.hidden = !text;
    this.note.textContent = text;
  }

  /** Draws the dashboard as it is now, in the edit mode or out of it. */
  draw(place) {
    const back = this.root.contains(document.activeElement) ? way(document.activeElement) : null;
    this.watch.disconnect();
    for (const panel of this.panels) panel.end();
    this.panels = [];
    this.fresh = this.fresh && new Set();
    this.enter.hidden = this.editor.on;
    this.bar.hidden = !this.editor.on && !this.variables.list.length;
    // Moving an open list in the document would shut it.
    if (!this.variables.root.isConnected || this.barred !== this.editor.on) {
      fill(this.bar, this.variables.root, this.editor.on ? h("div", { class: "board-tools" }, this.editor.tools()) : null);
    }
    this.barred = this.editor.on;
    fill(this.rows, (this.value.rows || []).map((row, index) => this.repeated(row, this, (board) => this.row(row, index, board))).flat(),
      this.panels.length < DRAWN ? null : h("p", { class: "hint" }, `These are the first ${DRAWN} panels.`));
    for (const { root } of this.panels) this.watch.observe(root);
    back?.(place);
  }

  row(row, index, board) {
    const { editor } = this;
    const panels = (row.panels || []).map((panel, at) => this.repeated(panel, board, (seen) => {
      const made = panelOf(panel, seen, row.title && !editor.on ? "h3" : "h2", editor.on ? editor.panelTools(index, at) : []);
      this.panels.push(made);
      made.root.dataset.place = `panel-${index}-${at}`;
      return made.root;
    }));
    const head = editor.on ? editor.rowTools(row, index) : row.title ? h("h2", { class: "row-title" }, board.variables.words(row.title)) : null;
    return h("div", { class: "board-row", "data-place": `row-${index}` }, head, h("div", { class: "panels" }, panels.flat()));
  }

  /** What `draw` makes, once for each value; while somebody edits, once. */
  repeated(of, board, draw) {
    if (this.editor.on) return [draw(board)];
    if (this.panels.length >= DRAWN) return [];
    const { boards, more } = repeated(of, board);
    return [...boards.map(draw), more ? h("p", { class: "hint" }, `… ${more} more`) : null].filter(Boolean);
  }

  /** Draws what has changed as a whole, its variables too. */
  redraw() {
    this.variables = this.pickers(new URLSearchParams(this.variables.pairs()));
    this.draw();
    this.settle();
  }
}
