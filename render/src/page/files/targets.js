// The list of targets: each can be edited, switched off, wrapped in a function, unwrapped, doubled and removed.
import { completion } from "./complete.js";
import { h, iconButton } from "./dom.js";
import { inner } from "./expression.js";
import { pickFunction } from "./functions.js";

export class Targets {
  /** `list` holds `{text, on}` and is changed in place; `changed()` is called after each change. */
  constructor(list, changed) {
    this.list = list;
    this.changed = changed;
    this.rows = h("div", { class: "targets" });
    this.root = h("section", { class: "card", "aria-label": "Targets" },
      h("div", { class: "card-head" }, h("h2", {}, "Targets"),
        h("button", { type: "button", class: "button", onclick: () => this.add() }, "Add target")), this.rows);
    this.draw();
  }

  /** Makes the rows anew after the list has changed. */
  draw() {
    this.lines = this.list.map((target, index) => this.row(target, index));
    this.rows.replaceChildren(...this.lines.map(({ root }) => root));
  }

  /** Shows at each row what is wrong with it. */
  tell(faults) {
    this.lines.forEach(({ fault, input, target }) => {
      const found = faults.get(target);
      fault.hidden = !found;
      input.setAttribute("aria-invalid", String(Boolean(found)));
      fault.replaceChildren(...(found ? words(found, target.text) : []));
    });
  }

  row(target, index) {
    const fault = h("div", { class: "target-fault bad", role: "alert", hidden: true });
    const input = h("textarea", {
      "aria-label": `Target ${index + 1}`, rows: "1", spellcheck: "false", autocapitalize: "off", autocomplete: "off", value: target.text,
      oninput: () => fit(input),
      onchange: () => this.set(target, input.value),
      onkeydown: (event) => {
        if (proposals.key(event) || event.key !== "Enter" || event.shiftKey) return;
        event.preventDefault();
        this.set(target, input.value);
      },
    });
    input.setAttribute("aria-invalid", "false");
    const proposals = completion(input);
    const eye = iconButton(target.on ? "eye" : "off", target.on ? "Switch off" : "Switch on", () => {
      target.on = !target.on;
      this.redraw(index, ".eye");
    }, { "aria-pressed": String(target.on), class: "quiet eye" });
    const wrap = h("button", { type: "button", class: "quiet", title: "Put a function around it", "aria-label": "Put a function around it",
      onclick: () => pickFunction(input.value, (text) => this.set(target, text)) }, h("i", { class: "fx" }, "ƒ"));
    const unwrap = iconButton("left", "Take the outermost function away", () => this.set(target, inner(target.text)));
    unwrap.disabled = inner(target.text) === null;
    const copy = iconButton("copy", "Double", () => {
      this.list.splice(index + 1, 0, { ...target });
      this.redraw(index + 1, "textarea");
    });
    const away = iconButton("close", "Remove", () => {
      this.list.splice(index, 1);
      this.redraw(Math.min(index, this.list.length - 1), "textarea");
    });
    const root = h("div", { class: target.on ? "target" : "target off" },
      h("div", { class: "target-line" }, eye, h("div", { class: "target-text" }, input, proposals.list), h("div", { class: "target-tools" }, wrap, unwrap, copy, away)), fault);
    requestAnimationFrame(() => fit(input));
    return { root, input, fault, target };
  }

  set(target, text) {
    const plain = text.replace(/\s*\n\s*/g, "").trim();
    if (plain === target.text) return;
    target.text = plain;
    target.on = true;
    this.redraw(this.list.indexOf(target), "textarea");
  }

  add() {
    this.list.push({ text: "", on: true });
    this.draw();
    this.lines.at(-1).input.focus();
  }

  redraw(index, place) {
    const within = this.rows.contains(document.activeElement);
    this.draw();
    if (within) this.lines[index]?.root.querySelector(place)?.focus();
    this.changed();
  }
}

/** The sentence, the place under the text, and a hint. */
function words(fault, text) {
  const lines = [h("p", {}, fault.message)];
  if (fault.position !== undefined && fault.position <= text.length) {
    const from = Math.max(0, fault.position - 40);
    const start = `${from ? "…" : ""}${text.slice(from, fault.position)}`;
    lines.push(h("pre", { "aria-hidden": "true" }, `${start}${text.slice(fault.position, fault.position + 40)}\n${" ".repeat(start.length)}^`));
  }
  if (fault.hint) lines.push(h("p", { class: "hint" }, fault.hint));
  return lines;
}

function fit(area) {
  area.style.height = "auto";
  area.style.height = `${area.scrollHeight + 2}px`;
}
