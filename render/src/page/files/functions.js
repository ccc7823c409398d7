// The function picker: every function the server offers, with its help and a field for each argument.
import { ask, reason } from "./api.js";
import { field, fill, fresh, h, iconButton, way } from "./dom.js";
import { takesSeries, wrapped } from "./expression.js";

let known;

/** All functions by name; asked for once. */
export function allFunctions() {
  known ??= ask("functions").catch((error) => {
    known = undefined;
    throw error;
  });
  return known;
}

/** Asks which function to put around `target`; calls `done` with the new text. */
export async function pickFunction(target, done) {
  const list = h("div", { class: "fn-list", role: "listbox", "aria-label": "Functions", tabindex: "0" });
  const side = h("div", { class: "fn-side" }, h("p", { class: "hint" }, "Choose a function."));
  const input = h("input", { type: "search", placeholder: "Search functions", "aria-label": "Search functions", autocomplete: "off" });
  const back = way(document.activeElement);
  const dialog = h("dialog", { class: "fn", "aria-label": "Function picker", onclose: () => {
    dialog.remove();
    back();
  } },
    h("header", {}, h("h2", {}, "Put a function around it"), iconButton("close", "Close", () => dialog.close())),
    h("code", { class: "fn-target" }, target),
    h("div", { class: "fn-body" }, h("div", { class: "fn-left" }, input, list), side));
  document.body.append(dialog);
  dialog.showModal();
  input.focus();
  let functions;
  try {
    functions = Object.values(await allFunctions());
  } catch (error) {
    fill(side, h("p", { class: "bad", role: "alert" }, reason(error)));
    return;
  }
  const rows = functions.map((about) => {
    const row = h("div", { role: "option", id: fresh("fn"), "aria-selected": "false" }, h("b", {}, about.name), h("span", {}, about.description));
    row.about = about;
    row.words = `${about.name} ${about.group} ${about.description}`.toLowerCase();
    return row;
  });
  let [shown, at] = [[], -1];

  function filter() {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    const rank = (row) => (words[0] && row.about.name.toLowerCase().startsWith(words[0]) ? 0 : 1);
    shown = rows.filter((row) => words.every((word) => row.words.includes(word)));
    shown.sort((a, b) => rank(a) - rank(b) || a.about.group.localeCompare(b.about.group) || a.about.name.localeCompare(b.about.name));
    let group = null;
    if (!shown.length) {
      fill(list, h("p", { class: "hint" }, "Nothing matches."));
      return choose(-1);
    }
    fill(list, shown.flatMap((row) => {
      const head = !words.length && row.about.group !== group ? [h("div", { class: "fn-group", role: "presentation" }, row.about.group)] : [];
      group = row.about.group;
      return [...head, row];
    }));
    choose(words.length && shown.length ? 0 : -1);
  }

  function choose(index) {
    at = index;
    for (const row of rows) row.setAttribute("aria-selected", String(row === shown[at]));
    if (!shown[at]) return list.removeAttribute("aria-activedescendant");
    list.setAttribute("aria-activedescendant", shown[at].id);
    shown[at].scrollIntoView({ block: "nearest" });
    fill(side, form(shown[at].about, target, (text) => {
      dialog.close();
      done(text);
    }));
  }

  function key(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) choose(Math.max(0, Math.min(shown.length - 1, at + step)));
    else if (event.key === "Enter" && shown[at]) (side.querySelector("form input, form select") || side.querySelector("button")).focus();
    else return;
    event.preventDefault();
  }

  input.addEventListener("input", filter);
  input.addEventListener("keydown", key);
  list.addEventListener("keydown", key);
  list.addEventListener("click", (event) => {
    const row = event.target.closest("[role=option]");
    if (row) choose(shown.indexOf(row));
  });
  filter();
}

function form(about, target, done) {
  const params = about.params.filter((param, index) => index > 0 || !takesSeries(param));
  const fields = params.map((param) => ({ param, ...control(param) }));
  const fault = h("p", { class: "bad", role: "alert", hidden: true });
  const result = h("code", { class: "fn-target" });
  const values = () => Object.fromEntries(fields.map(({ param, read }) => [param.name, read()]));
  const preview = () => {
    const made = wrapped(target, about, values());
    result.textContent = made.text || "";
    fault.textContent = made.fault || "";
    fault.hidden = !made.fault;
    return made;
  };
  const form = h("form", { oninput: preview, onsubmit: (event) => {
    event.preventDefault();
    const made = preview();
    if (made.text) done(made.text);
  } },
  h("h3", {}, about.name), h("p", {}, about.description), h("code", { class: "signature" }, about.function),
  fields.map(({ param, element }) => field(`${param.name}${param.required ? "" : " (optional)"}`, element)),
  fault, h("div", { class: "fn-result" }, result), h("div", { class: "row-end" }, h("button", { type: "submit", class: "primary" }, "Apply")));
  preview();
  return form;
}

/** An input for one parameter, and how to read its texts. */
function control(param) {
  const { type, options, suggestions, required, multiple } = param;
  const preset = param.default === undefined || param.default === null ? "" : String(param.default);
  if (type === "boolean" || (options && !multiple)) {
    const choices = (type === "boolean" ? [true, false] : options).filter((choice) => choice !== null).map(String);
    const element = h("select", {}, required && preset ? [] : h("option", { value: "" }, required ? "choose…" : preset ? `default (${preset})` : "default"),
      choices.map((choice) => h("option", { value: choice }, choice)));
    element.required = Boolean(required);
    return { element, read: () => [element.value] };
  }
  const hints = (suggestions || options || []).filter((hint) => hint !== null).map(String);
  const placeholder = [preset && `default ${preset}`, hints.length && `such as ${hints.slice(0, 3).join(", ")}`, multiple && "several parted by commas"].filter(Boolean).join("; ");
  const element = h("input", { type: "text", spellcheck: "false", autocomplete: "off", placeholder: placeholder || type });
  element.required = Boolean(required);
  const read = () => (multiple ? element.value.split(",").map((text) => text.trim()) : [element.value.trim()]);
  return { element, read };
}
