// What `$name` stands for on a dashboard: values from names of metrics or from a list, one or several chosen at a time.
import { ask } from "./api.js";
import { fill, fresh, h, icon } from "./dom.js";
import { literal } from "./names.js";
import { ordered } from "./order.js";
import { place } from "./picker.js";

/** Stands for every value. */
export const ALL = "*";

/** Choices that are shown at once. */
const SHOWN = 200;

const REFERENCE = /\$(?:\{(\w+)\}|(\w+))/g;

/** Replaces `$name` and `${name}`; what nobody knows stays as it is. */
export function replaced(text, value) {
  return String(text ?? "").replace(REFERENCE, (whole, braced, plain) => value(braced || plain) ?? whole);
}

/**
 * Those of `values` that `regex` finds, written as `/…/flags` or for the whole value: each as the group `value` gives it, or
 * the first group, or as it was.
 */
export function picked(values, regex) {
  if (!regex) return values;
  const [, inner, flags] = /^\/(.*)\/([a-z]*)$/s.exec(regex) || [null, `^${regex}$`, ""];
  const expression = new RegExp(inner, flags.replace(/[gy]/g, ""));
  return values.map((value) => {
    const found = expression.exec(value);
    return found && (found.groups?.value ?? found[1] ?? value);
  }).filter((value) => value !== null && value !== "");
}

export class Variables {
  /** `list` as in the dashboard; `chosen(name)` gives what the address says; `changed()` is called after a choice. */
  constructor(list, chosen, changed) {
    this.list = (list || []).filter(({ name }) => name);
    this.changed = changed;
    this.values = new Map(this.list.map(({ name }) => [name, chosen(name)]));
    this.found = new Map();
    this.root = h("div", { class: "variables" });
  }

  /** Finds the values, each with those chosen before it, and settles what is chosen. */
  async load(signal) {
    for (const variable of this.list) {
      const { name, default: preset, all } = variable;
      const found = await this.look(variable, signal);
      this.found.set(name, found);
      const kept = (this.values.get(name) || []).filter((value) => value !== "");
      const first = preset && (found.includes(preset) || preset === ALL) ? preset : all ? ALL : found[0];
      // What the address names is believed even if nothing of that name is there: it may have been, or be to come.
      this.values.set(name, kept.length ? kept : first === undefined ? [] : [first]);
    }
    const told = JSON.stringify([...this.found, ...this.values]);
    // A list that somebody has just opened stays.
    if (told !== this.told && !this.root.querySelector(":popover-open")) this.draw();
    this.told = told;
  }

  async look({ query, node, values, regex }, signal) {
    if (values?.length) return values.map(String);
    if (!query) return [];
    const rows = await ask("metrics/find", { query: this.target(query), format: "json" }, signal);
    const part = ({ path }) => {
      const parts = path.split(".");
      return parts.at(node ?? -1);
    };
    return ordered([...new Set(picked(rows.map(part).filter((value) => value !== undefined), regex))], (value) => value);
  }

  /** The values that are chosen, one by one. */
  each(name) {
    const values = this.values.get(name) || [];
    return values.includes(ALL) ? this.found.get(name) || [] : values;
  }

  /** These variables with one value chosen of `name`. */
  only(name, value) {
    return Object.assign(Object.create(this), { values: new Map(this.values).set(name, [value]) });
  }

  /** `text` as a target or pattern. */
  target(text, more = {}) {
    return replaced(text, (name) => {
      if (name in more) return literal(more[name]);
      const chosen = this.values.get(name);
      if (!chosen) return undefined;
      const { regex, values: own } = this.list.find((variable) => variable.name === name);
      const all = chosen.includes(ALL) || !chosen.length;
      // Where the values are fewer than what is there, all of them are less than everything.
      const values = all && (regex || own?.length) ? this.found.get(name) || [] : all ? [] : chosen;
      // A value of a list was written by whoever made the dashboard, and may be a pattern.
      const texts = values.map((value) => (own?.length ? value : literal(value)));
      if (texts.length > 1 && (!all || texts.every((text) => !/(^|[^\\])[{},]/.test(text)))) return `{${texts.join(",")}}`;
      return texts.length === 1 ? texts[0] : ALL;
    });
  }

  /** `text` for people. */
  words(text) {
    return replaced(text, (name) => {
      const values = this.values.get(name);
      return values && (values.includes(ALL) ? "all" : values.join(", "));
    });
  }

  /** `text` as part of an address. */
  href(text, more = {}) {
    return replaced(text, (name) => {
      const value = name in more ? more[name] : this.values.get(name)?.join(",");
      return value === undefined ? undefined : encodeURIComponent(value);
    });
  }

  /** Pairs for the address. */
  pairs() {
    return [...this.values].flatMap(([name, values]) => values.map((value) => [name, value]));
  }

  draw() {
    fill(this.root, this.list.map((variable) => this.control(variable)));
  }

  control({ name, label, all }) {
    const chosen = this.values.get(name);
    const found = this.found.get(name) || [];
    const panel = h("div", { class: "panel-pop choices", popover: "auto", role: "dialog", "aria-label": label || name, id: fresh("pop") });
    const words = chosen.includes(ALL) ? "All" : chosen.length > 2 ? `${chosen.length} of ${found.length}` : chosen.join(", ") || "none";
    const button = h("button", { type: "button", class: "button", popovertarget: panel.id, "aria-haspopup": "dialog", "aria-label": `${label || name}: ${words}` }, words, icon("down"));
    panel.addEventListener("toggle", (event) => {
      if (event.newState === "open") this.open(name, all, panel, button);
      else if (panel.isConnected) this.shut(name);
    });
    return h("div", { class: "variable" }, h("span", { class: "variable-name" }, label || name), button, panel);
  }

  /** Shows what was chosen, with the keyboard where it was. */
  shut(name) {
    const here = this.root.contains(document.activeElement);
    this.draw();
    if (here) this.root.children[this.list.findIndex((variable) => variable.name === name)]?.querySelector("button").focus();
  }

  open(name, several, panel, button) {
    const found = this.found.get(name) || [];
    const input = h("input", { type: "search", placeholder: `Search ${found.length}`, "aria-label": "Search values", autocomplete: "off" });
    const list = h("div", { class: "choice-list" });
    const choose = (values, done) => {
      this.values.set(name, values);
      if (done) panel.hidePopover();
      this.changed();
    };
    const line = (value, text) => {
      const chosen = this.values.get(name).includes(value);
      if (!several) {
        return h("button", { type: "button", "aria-pressed": String(chosen), onclick: () => choose([value], true) }, text);
      }
      const box = h("input", { type: "checkbox", onchange: () => {
        const others = this.values.get(name).filter((one) => one !== value && one !== ALL);
        const values = value === ALL ? [ALL] : box.checked ? [...others, value] : others;
        choose(values.length ? values : [ALL], value === ALL);
        draw();
      } });
      box.checked = chosen;
      return h("label", {}, box, text);
    };
    const draw = () => {
      const word = input.value.toLowerCase();
      const matching = found.filter((value) => value.toLowerCase().includes(word));
      fill(list, several && !word ? line(ALL, "All") : null, matching.slice(0, SHOWN).map((value) => line(value, value)),
        matching.length > SHOWN ? h("p", { class: "hint" }, `… ${matching.length - SHOWN} more`) : null,
        matching.length ? null : h("p", { class: "hint" }, "Nothing matches."));
    };
    input.addEventListener("input", draw);
    draw();
    fill(panel, found.length > 8 ? input : null, list);
    place(button, panel);
    (found.length > 8 ? input : list.querySelector("button, input"))?.focus();
  }
}
