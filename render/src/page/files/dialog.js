// A dialog with a form, and the fields of those that change a dashboard.
import { h, iconButton, way } from "./dom.js";

/** Opens a dialog around `content`; `apply` gives true when it may close. */
export function dialog(title, content, apply, action = "Apply") {
  const back = way(document.activeElement);
  const box = h("dialog", { "aria-label": title, onclose: () => {
    box.remove();
    back();
  } },
    h("header", {}, h("h2", {}, title), iconButton("close", "Close", () => box.close())),
    h("form", { onsubmit: async (event) => {
      event.preventDefault();
      if (await apply()) box.close();
    } }, content, h("div", { class: "row-end" },
      h("button", { type: "button", class: "button", onclick: () => box.close() }, "Cancel"), h("button", { type: "submit", class: "primary" }, action))));
  document.body.append(box);
  box.showModal();
  return box;
}

export const text = (value, attributes = {}) => h("input", { type: "text", value: value ?? "", autocomplete: "off", spellcheck: "false", ...attributes });
export const lines = (values, label, attributes = {}) => h("textarea", { "aria-label": label, rows: String(Math.max(3, values.length + 1)), spellcheck: "false", class: "code", value: values.join("\n"), ...attributes });
export const select = (value, options) => {
  const element = h("select", {}, options.map(([key, name]) => h("option", { value: key }, name)));
  if (!options.some(([key]) => key === value)) element.append(h("option", { value }, value));
  element.value = value;
  return element;
};

/** Sets a field, or takes it away when it is empty. */
export function put(object, name, value) {
  if (value === "" || value === null || value === undefined || value === false) delete object[name];
  else object[name] = value;
}

export const figure = (input) => (input.value.trim() === "" || !Number.isFinite(Number(input.value)) ? undefined : Number(input.value));
export const parted = (area) => area.value.split("\n").map((line) => line.trim()).filter(Boolean);
