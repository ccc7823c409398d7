// The edit mode of a dashboard: its buttons, those of rows and panels, and what they do.
import { announce, h, icon, iconButton } from "./dom.js";
import { editSettings, showJson } from "./edit-board.js";
import { editPanel } from "./edit-panel.js";
import { remove, save, saveAs } from "./save.js";

const BLANK = { kind: "chart", title: "", width: 6, height: 220, targets: [] };

export class Editor {
  /** Changes `board.value` and has the board drawn again. */
  constructor(board) {
    this.board = board;
    this.on = false;
  }

  enter() {
    this.before = JSON.stringify(this.board.value);
    this.turn(true);
    this.board.bar.querySelector(".board-tools button").focus();
    announce("Edit mode");
  }

  /** Leaves the edit mode and takes back what was not saved. */
  leave() {
    this.board.value = JSON.parse(this.before);
    this.turn(false);
    this.board.enter.focus();
    announce("Changes taken back");
  }

  turn(on) {
    this.on = on;
    this.board.redraw();
  }

  changes() {
    return this.on && this.before !== JSON.stringify(this.board.value);
  }

  tools() {
    const { board } = this;
    const button = (text, onclick, kind = "button") => h("button", { type: "button", class: kind, onclick }, text);
    return [
      button("Add row", () => this.change(() => board.value.rows.push({ title: "", panels: [] }))),
      button("Settings", () => editSettings(board.value, (changed) => this.replace(changed))),
      button("JSON", () => showJson(board.value, (changed) => this.replace(changed))),
      button("Save as", () => this.saveAs()),
      board.tag && button("Delete", () => remove(board.name, board.value.title || board.name, board.tag, () => board.go("", true))),
      button("Cancel", () => (board.name === "new" ? board.go("explore", true) : this.leave())),
      button("Save", () => this.save(), "primary"),
    ];
  }

  saveAs() {
    return saveAs(this.board.value, (name) => this.board.go(`board/${encodeURIComponent(name)}`, true));
  }

  save() {
    const { board } = this;
    if (board.name === "new") return this.saveAs();
    return save(board.name, board.value, board.tag, (tag) => {
      board.tag = tag;
      board.call(board.value.title || board.name);
      this.turn(false);
      board.enter.focus();
      announce("Saved");
    });
  }

  replace(changed) {
    this.board.value = changed;
    changed.rows ||= [];
    this.board.redraw();
  }

  /** Changes the dashboard; `place` is where the keyboard goes on, if that moves. */
  change(how, place) {
    this.board.value.rows ||= [];
    how();
    this.board.draw(place);
    this.board.settle();
  }

  rowTools(row, index) {
    const { rows } = this.board.value;
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
    editPanel(BLANK, (panel) => this.change(() => (row.panels ||= []).push(panel)));
  }

  panelTools(index, at) {
    const { panels } = this.board.value.rows[index];
    const panel = panels[at];
    const wider = (by) => this.change(() => (panel.width = Math.min(12, Math.max(1, (Number(panel.width) || 6) + by))));
    const left = iconButton("left", "Move left", () => this.shift(index, at, -1));
    const right = iconButton("right", "Move right", () => this.shift(index, at, 1));
    left.disabled = at === 0 && index === 0;
    right.disabled = at === panels.length - 1 && index === this.board.value.rows.length - 1;
    return [left, right,
      h("button", { type: "button", class: "quiet", "aria-label": "Narrower", title: "Narrower", onclick: () => wider(-1) }, "−"),
      h("button", { type: "button", class: "quiet", "aria-label": "Wider", title: "Wider", onclick: () => wider(1) }, "+"),
      iconButton("edit", "Edit panel", () => editPanel(panel, (changed) => this.change(() => (panels[at] = changed)))),
      iconButton("close", "Remove panel", () => this.change(() => panels.splice(at, 1)))];
  }

  /** Moves a panel; at the end of a row it goes to the next one. */
  shift(index, at, by) {
    const { rows } = this.board.value;
    const { panels } = rows[index];
    const to = at + by < 0 ? [index - 1, (rows[index - 1].panels ||= []).length] : at + by < panels.length ? [index, at + by] : [index + 1, 0];
    this.change(() => {
      const [panel] = panels.splice(at, 1);
      (rows[to[0]].panels ||= []).splice(to[1], 0, panel);
    }, `panel-${to.join("-")}`);
  }
}
