// `/board/NAME`: a dashboard with its variables, live, and its edit mode.
import { reason, tagged } from "./api.js";
import { announce, fill, h, icon, iconButton, way } from "./dom.js";
import { editPanel, editSettings, showJson } from "./edit.js";
import { imported } from "./import.js";
import { Live } from "./live.js";
import { panelOf } from "./panel.js";
import { remove, save, saveAs } from "./save.js";
import { timeControls } from "./shell.js";
import { moves, zoned } from "./time.js";
import { Variables } from "./variables.js";

/** Parameters of the address that are no variables. */
const OURS = new Set(["from", "until", "tz", "refresh", "edit"]);

const BLANK = () => ({ title: "New dashboard", from: "-1h", until: "now", refresh: 10, rows: [{ title: "", panels: [] }] });

/** Milliseconds between two looks whether somebody has changed the dashboard. */
const RENEWED = 15_000;

/**
 * Loads the dashboard `name` and builds the view; `path` is where the view's address lies, `ways` are those to other views,
 * to another address and to another name of this one.
 */
export async function board(name, path, url, ways) {
  const isNew = name === "new" && url.searchParams.has("edit");
  const taken = isNew ? imported() : null;
  const { value, tag } = isNew ? { value: taken?.dashboard || BLANK(), tag: null } : await tagged(`dashboards/${encodeURIComponent(name)}`);
  return new Board(name, path, value, tag, url, ways).view(isNew, taken?.leftOut);
}

class Board {
  constructor(name, path, value, tag, url, ways) {
    Object.assign(this, { name, path, value, tag, ...ways, editing: false, panels: [], looked: Date.now() });
    this.read(url);
    this.live = new Live((signal) => this.load(signal));
    this.note = h("p", { class: "board-note bad", role: "alert", hidden: true });
    this.rows = h("div", { class: "board-rows" });
    this.bar = h("div", { class: "board-bar" });
    this.root = h("div", { class: "board" }, this.bar, this.note, this.rows);
    this.times = timeControls({ get: () => this.state, set: (change) => this.changed(change), again: () => this.live.now() });
    this.enter = iconButton("edit", "Edit dashboard", () => this.edit(true));
    // Panels out of sight are not asked for.
    this.watch = new IntersectionObserver((entries) => this.seen(entries), { rootMargin: "300px" });
  }

  view(edit, leftOut = []) {
    this.variables = this.pickers(this.params);
    this.draw();
    this.settle();
    if (edit) this.edit(true);
    if (leftOut.length) this.root.prepend(h("details", { class: "board-note left-out", open: true }, h("summary", {}, `Left out of what was imported: ${leftOut.length}`),
      h("ul", {}, leftOut.map((text) => h("li", {}, text)))));
    return {
      name: this.value.title || this.name, here: this.path, controls: [...this.times.nodes, this.enter], content: this.root,
      accept: (url) => this.accept(url), end: () => this.end(), changes: () => this.changes(), leave: () => !this.changes() || confirm("Leave without saving the changes?"),
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
      const before = JSON.stringify(this.variables.pairs());
      await this.variables.load(signal);
      this.say("");
      // Titles and links may name what has only now been found.
      if (before !== JSON.stringify(this.variables.pairs())) this.draw();
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
    if (this.editing || this.name === "new" || Date.now() - this.looked < RENEWED) return;
    const { value, tag } = await tagged(`dashboards/${encodeURIComponent(this.name)}`, signal);
    this.looked = Date.now();
    if (tag === this.tag || this.editing) return;
    Object.assign(this, { value, tag });
    this.call(value.title || this.name);
    this.variables = this.pickers(new URLSearchParams(this.variables.pairs()));
    this.draw();
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

  draw(place) {
    const back = this.root.contains(document.activeElement) ? way(document.activeElement) : null;
    this.watch.disconnect();
    for (const panel of this.panels) panel.end();
    this.panels = [];
    this.fresh = this.fresh && new Set();
    this.enter.hidden = this.editing;
    this.bar.hidden = !this.editing && !this.variables.list.length;
    // Moving an open list in the document would shut it.
    if (!this.variables.root.isConnected || this.barred !== this.editing) {
      fill(this.bar, this.variables.root, this.editing ? h("div", { class: "board-tools" }, this.editTools()) : null);
    }
    this.barred = this.editing;
    fill(this.rows, (this.value.rows || []).map((row, index) => this.row(row, index)));
    for (const { root } of this.panels) this.watch.observe(root);
    back?.(place);
  }

  row(row, index) {
    const panels = (row.panels || []).map((panel, at) => {
      const made = panelOf(panel, this, row.title && !this.editing ? "h3" : "h2", this.editing ? this.panelTools(index, at) : []);
      this.panels.push(made);
      made.root.dataset.place = `panel-${index}-${at}`;
      return made.root;
    });
    const head = this.editing ? this.rowTools(row, index) : row.title ? h("h2", { class: "row-title" }, this.variables.words(row.title)) : null;
    return h("div", { class: "board-row", "data-place": `row-${index}` }, head, h("div", { class: "panels" }, panels));
  }

  /** Enters or leaves the edit mode; leaving takes back what was not saved. */
  edit(on) {
    if (on) this.before = JSON.stringify(this.value);
    else this.value = JSON.parse(this.before);
    this.editing = on;
    this.redraw();
    (on ? this.bar.querySelector(".board-tools button") : this.enter).focus();
    announce(on ? "Edit mode" : "Changes taken back");
  }

  changes() {
    return this.editing && this.before !== JSON.stringify(this.value);
  }

  redraw() {
    this.variables = this.pickers(new URLSearchParams(this.variables.pairs()));
    this.draw();
    this.settle();
  }

  editTools() {
    const button = (text, onclick, kind = "button") => h("button", { type: "button", class: kind, onclick }, text);
    return [
      button("Add row", () => this.change(() => this.value.rows.push({ title: "", panels: [] }))),
      button("Settings", () => editSettings(this.value, (changed) => this.replace(changed))),
      button("JSON", () => showJson(this.value, (changed) => this.replace(changed))),
      button("Save as", () => saveAs(this.value, (name) => this.go(`board/${encodeURIComponent(name)}`, true))),
      this.tag && button("Delete", () => remove(this.name, this.value.title || this.name, this.tag, () => this.go("", true))),
      button("Cancel", () => (this.name === "new" ? this.go("explore", true) : this.edit(false))),
      button("Save", () => this.save(), "primary"),
    ];
  }

  save() {
    if (this.name === "new") return saveAs(this.value, (name) => this.go(`board/${encodeURIComponent(name)}`, true));
    return save(this.name, this.value, this.tag, (tag) => {
      this.tag = tag;
      this.before = JSON.stringify(this.value);
      this.editing = false;
      this.call(this.value.title || this.name);
      this.redraw();
      this.enter.focus();
      announce("Saved");
    });
  }

  replace(changed) {
    this.value = changed;
    this.value.rows ||= [];
    this.redraw();
  }

  /** Changes the dashboard; `place` is where the keyboard goes on, if that moves. */
  change(how, place) {
    this.value.rows ||= [];
    how();
    this.draw(place);
    this.settle();
  }

  rowTools(row, index) {
    const { rows } = this.value;
    const swap = (to) => this.change(() => ([rows[index], rows[to]] = [rows[to], rows[index]]), `row-${to}`);
    const up = iconButton("up", "Row up", () => swap(index - 1));
    const down = iconButton("down", "Row down", () => swap(index + 1));
    [up.disabled, down.disabled] = [index === 0, index === rows.length - 1];
    return h("div", { class: "row-tools" },
      h("input", { type: "text", value: row.title || "", placeholder: "Row without a title", "aria-label": "Row's title", onchange: (event) => (row.title = event.target.value) }),
      up, down, iconButton("close", "Remove row", () => this.change(() => rows.splice(index, 1))),
      h("button", { type: "button", class: "button", onclick: () => this.add(row) }, icon("plus"), "Add panel"));
  }

  add(row) {
    editPanel({ kind: "chart", title: "", width: 6, height: 220, targets: [] }, (panel) => this.change(() => (row.panels ||= []).push(panel)));
  }

  panelTools(index, at) {
    const { rows } = this.value;
    const { panels } = rows[index];
    const panel = panels[at];
    const wider = (by) => this.change(() => (panel.width = Math.min(12, Math.max(1, (Number(panel.width) || 6) + by))));
    // At the end of a row it goes to the next one.
    const shift = (by) => {
      const to = at + by < 0 ? [index - 1, (rows[index - 1].panels ||= []).length] : at + by < panels.length ? [index, at + by] : [index + 1, 0];
      this.change(() => {
        panels.splice(at, 1);
        (rows[to[0]].panels ||= []).splice(to[1], 0, panel);
      }, `panel-${to.join("-")}`);
    };
    const left = iconButton("left", "Move left", () => shift(-1));
    const right = iconButton("right", "Move right", () => shift(1));
    left.disabled = at === 0 && index === 0;
    right.disabled = at === panels.length - 1 && index === rows.length - 1;
    return [left, right,
      h("button", { type: "button", class: "quiet", "aria-label": "Narrower", title: "Narrower", onclick: () => wider(-1) }, "−"),
      h("button", { type: "button", class: "quiet", "aria-label": "Wider", title: "Wider", onclick: () => wider(1) }, "+"),
      iconButton("edit", "Edit panel", () => editPanel(panel, (changed) => this.change(() => (panels[at] = changed)))),
      iconButton("close", "Remove panel", () => this.change(() => panels.splice(at, 1)))];
  }
}
