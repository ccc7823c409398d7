// Builds the document. Text from outside goes in as text alone; nothing here takes markup.

/** An element: `on...` attributes are listeners, null and false ones are left out, children are nodes or text. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value") element.value = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

const SHAPES = {
  plus: "M8 3v10M3 8h10",
  close: "M4 4l8 8M12 4l-8 8",
  copy: "M6 6h7v7H6zM10 6V3H3v7h3",
  eye: "M1.5 8S4 3.5 8 3.5 14.5 8 14.5 8 12 12.5 8 12.5 1.5 8 1.5 8zM8 6.2a1.8 1.8 0 100 3.6 1.8 1.8 0 000-3.6z",
  off: "M3 3l10 10M4 5.2C2.4 6.4 1.5 8 1.5 8S4 12.5 8 12.5c1 0 1.9-.3 2.7-.7M6.5 3.7c.5-.1 1-.2 1.5-.2 4 0 6.5 4.5 6.5 4.5s-.6 1.1-1.7 2.2",
  sun: "M8 5a3 3 0 100 6 3 3 0 000-6zM8 1v1.500M8 13.500V15M1 8h1.500M13.5 8H15M3 3l1 1M12 12l1 1M3 13l1-1M12 4l1-1",
  moon: "M13.5 9.500A6 6 0 016.5 2.500a6 6 0 107 7z",
  clock: "M8 2a6 6 0 100 12A6 6 0 008 2zM8 4.800V8l2.2 1.5",
  down: "M4 6l4 4 4-4",
  right: "M6 4l4 4-4 4",
  left: "M10 4L6 8l4 4",
  up: "M4 10l4-4 4 4",
  search: "M7 2.500a4.5 4.5 0 100 9 4.5 4.5 0 000-9zM10.3 10.300L14 14",
  edit: "M3 13l.8-3L10.5 3.300l2.2 2.200L6 12.200z",
  link: "M6.5 9.500l3-3M7 4.500l1.5-1.500a2.8 2.8 0 014 4L11 8.500M5 7.500L3.5 9a2.8 2.8 0 004 4L9 11.5",
  check: "M3 8.500l3.5 3.500L13 4.5",
  menu: "M2.5 4h11M2.5 8h11M2.5 12h11",
  refresh: "M13 4v3.200H9.800M12.8 7.200A5 5 0 103 9.5",
  out: "M7 2.500a4.5 4.5 0 100 9 4.5 4.5 0 000-9zM10.3 10.300L14 14M5 7h4",
};

/** A small picture that says nothing to a screen reader; what holds it has a name. */
export function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", SHAPES[name]);
  svg.append(path);
  return svg;
}

/** A button that shows a picture and is called `label`. */
export function iconButton(name, label, onclick, attributes = {}) {
  return h("button", { type: "button", class: "quiet", "aria-label": label, title: label, onclick, ...attributes }, icon(name));
}

/** Puts `children` in the place of what is inside `element`. */
export function fill(element, ...children) {
  element.replaceChildren(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
}

let ids = 0;

/** A name for an element that another one points at. */
export const fresh = (word) => `${word}-${++ids}`;

/** A labelled control. */
export function field(label, control, attributes = {}) {
  control.id ||= fresh("field");
  return h("div", { class: "field", ...attributes }, h("label", { for: control.id }, label), control);
}

const called = (control) => control.getAttribute("aria-label") || control.textContent;

/**
 * A way back to `control` for the keyboard, even if it is made anew meanwhile: by its name, in the part of the page with
 * the same `data-place`, or with the one that is given then.
 */
export function way(control) {
  const [name, before] = [called(control), control.closest("[data-place]")?.dataset.place];
  return (place = before) => {
    if (control.isConnected && control !== document.body && place === before) return control.focus();
    const holder = place && document.querySelector(`[data-place="${place}"]`);
    const controls = [...(holder || document.createElement("i")).querySelectorAll("button, a, input, select")].filter(({ disabled }) => !disabled);
    (controls.find((one) => called(one) === name) || controls[0] || document.getElementById("main")).focus();
  };
}

let told;

/** Tells a screen reader what has changed. */
export function announce(text) {
  if (!told) {
    told = h("div", { class: "unseen", role: "status", "aria-live": "polite" });
    document.body.append(told);
  }
  told.textContent = text;
}
