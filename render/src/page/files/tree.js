// Names as a tree: branches are fetched when they are opened, long ones are shown in parts, keys move as in any tree.
import { below } from "./names.js";
import { reason } from "./api.js";
import { announce, h, icon } from "./dom.js";
import { count } from "./order.js";

/** Rows of one branch that are shown at once. */
const PART = 200;

export class Tree {
  /** `choose(path)` is called for a leaf, `chosen(path)` says whether it is in use. */
  constructor({ choose, chosen, label }) {
    Object.assign(this, { choose, chosen });
    this.root = h("ul", {
      class: "tree", role: "tree", "aria-label": label, "aria-multiselectable": "true",
      onkeydown: (event) => this.key(event),
      onclick: (event) => this.click(event),
    });
  }

  /** Shows `rows` at the top, `{name, path, branch, leaf}`; with `whole` each by its whole path. */
  show(rows, whole = false) {
    this.root.replaceChildren();
    this.insert(null, rows, 1, whole);
    const first = this.root.firstElementChild;
    if (first) first.tabIndex = 0;
  }

  /** Marks anew what is in use. */
  mark() {
    for (const item of this.root.children) this.markOne(item);
  }

  /** Puts the keyboard's place on the first row. */
  focus() {
    this.move(this.root.firstElementChild);
  }

  insert(parent, rows, level, whole) {
    const items = [];
    const leaves = rows.filter(({ leaf, branch }) => leaf && !branch);
    if (parent && leaves.length > 1) {
      items.push(this.item({ name: `all ${leaves.length} below`, path: `${parent.dataset.path}.*`, leaf: true, all: true }, level));
    }
    items.push(...rows.slice(0, PART).map((row) => this.item(row, level, whole)));
    if (rows.length > PART) items.push(this.more(rows.slice(PART), level, whole));
    if (parent) parent.after(...items);
    else this.root.append(...items);
    return items;
  }

  item({ name, path, branch, leaf, all }, level, whole) {
    const text = h("span", { class: "tree-name" }, whole ? path : name);
    const item = h("li", { role: "treeitem", "aria-level": String(level), tabindex: "-1", class: all ? "all" : null, title: whole ? path : null },
      branch ? icon("right") : h("i", { class: "tick" }), text);
    if (branch) item.setAttribute("aria-expanded", "false");
    item.dataset.path = path;
    // One that is both is opened by its row, and drawn by a row below it.
    if (branch && leaf) item.dataset.both = "1";
    if (all) item.dataset.all = "1";
    item.style.setProperty("--level", level);
    this.markOne(item);
    return item;
  }

  more(rest, level, whole) {
    const item = h("li", { role: "treeitem", "aria-level": String(level), tabindex: "-1", class: "more" }, h("i", { class: "tick" }), `… ${count(rest.length)} more`);
    item.style.setProperty("--level", level);
    item.open = () => {
      const items = rest.slice(0, PART).map((row) => this.item(row, level, whole));
      if (rest.length > PART) items.push(this.more(rest.slice(PART), level, whole));
      item.replaceWith(...items);
      this.move(items[0]);
    };
    return item;
  }

  markOne(item) {
    if (item.hasAttribute("aria-expanded") || item.open) return;
    const used = this.chosen(item.dataset.path, item.dataset.all === "1");
    item.setAttribute("aria-selected", String(used));
  }

  click(event) {
    const item = event.target.closest("[role=treeitem]");
    if (!item) return;
    this.move(item);
    this.act(item);
  }

  act(item) {
    if (item.open) item.open();
    else if (item.hasAttribute("aria-expanded")) this.toggle(item);
    else this.choose(item.dataset.path, item.dataset.all === "1");
  }

  async toggle(item) {
    if (item.getAttribute("aria-expanded") === "true") this.shut(item);
    else await this.unfold(item);
  }

  async unfold(item) {
    const level = Number(item.getAttribute("aria-level"));
    item.setAttribute("aria-expanded", "true");
    item.setAttribute("aria-busy", "true");
    try {
      const rows = await below(item.dataset.path);
      // It may have been shut or removed meanwhile.
      if (!item.isConnected || item.getAttribute("aria-expanded") === "false") return;
      if (item.dataset.both) rows.unshift({ name: `${item.textContent} itself`, path: item.dataset.path, leaf: true });
      const items = this.insert(item, rows, level + 1);
      announce(`${rows.length} below ${item.textContent}`);
      // A branch with nothing but one branch is a corridor.
      if (rows.length === 1 && rows[0].branch) await this.unfold(items[0]);
    } catch (error) {
      item.after(h("li", { class: "tree-fault", role: "none" }, reason(error)));
    } finally {
      item.removeAttribute("aria-busy");
    }
  }

  shut(item) {
    item.setAttribute("aria-expanded", "false");
    const level = Number(item.getAttribute("aria-level"));
    for (let next = item.nextElementSibling; next; next = item.nextElementSibling) {
      if (next.role !== "none" && !next.classList.contains("tree-fault") && Number(next.getAttribute("aria-level")) <= level) break;
      next.remove();
    }
  }

  key(event) {
    const item = event.target.closest("[role=treeitem]");
    if (!item || event.ctrlKey || event.metaKey || event.altKey) return;
    const expanded = item.getAttribute("aria-expanded");
    const steps = {
      ArrowDown: () => this.move(item.nextElementSibling),
      ArrowUp: () => this.move(item.previousElementSibling),
      Home: () => this.move(this.root.firstElementChild),
      End: () => this.move(this.root.lastElementChild),
      ArrowRight: () => (expanded === "false" ? this.toggle(item) : expanded && this.move(item.nextElementSibling)),
      ArrowLeft: () => (expanded === "true" ? this.shut(item) : this.move(this.parent(item))),
      Enter: () => this.act(item),
      " ": () => this.act(item),
    };
    if (!(event.key in steps)) return;
    event.preventDefault();
    steps[event.key]();
  }

  parent(item) {
    const level = Number(item.getAttribute("aria-level"));
    let before = item.previousElementSibling;
    while (before && Number(before.getAttribute("aria-level")) >= level) before = before.previousElementSibling;
    return before;
  }

  move(item) {
    if (!item || item.role === "none") return;
    for (const other of this.root.querySelectorAll('[tabindex="0"]')) other.tabIndex = -1;
    item.tabIndex = 0;
    item.focus();
  }
}
