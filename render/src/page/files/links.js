// Addresses of what is shown, to copy: a picture for mails and wikis, JSON and CSV for programs.
import { address } from "./api.js";
import { announce, h, icon } from "./dom.js";

/** A section with one line for each kind; `parameters()` gives pairs for `/render`, as they are at the last `update`. */
export function links(parameters) {
  const lines = [
    ["Picture", () => [...parameters(), ["width", "800"], ["height", "400"]]],
    ["SVG", () => [...parameters(), ["width", "800"], ["height", "400"], ["format", "svg"]]],
    ["JSON", () => [...parameters(), ["format", "json"]]],
    ["CSV", () => [...parameters(), ["format", "csv"]]],
  ].map(([name, pairs]) => line(name, pairs));
  const root = h("details", { class: "card links" }, h("summary", {}, "Addresses to copy"), lines.map(({ root }) => root));
  return { root, update: () => lines.forEach(({ update }) => update()) };
}

function line(name, pairs) {
  const input = h("input", { type: "text", readonly: true, "aria-label": `${name} address`, onfocus: () => input.select() });
  const button = h("button", { type: "button", class: "button", onclick: () => copied(input, button) }, icon("copy"), "Copy");
  const open = h("a", { class: "button", target: "_blank", rel: "noreferrer" }, icon("link"), "Open");
  const update = () => {
    const href = address("render", pairs()).href;
    input.value = href;
    open.href = href;
  };
  return { root: h("div", { class: "link-line" }, h("b", {}, name), input, button, open), update };
}

async function copied(input, button) {
  try {
    await navigator.clipboard.writeText(input.value);
  } catch {
    // Over plain HTTP browsers offer no clipboard; then the text is selected for the keyboard.
    input.focus();
    input.select();
    announce("The address is selected; copy it with the keyboard.");
    return;
  }
  announce("Copied.");
  const text = button.lastChild;
  text.textContent = "Copied";
  setTimeout(() => (text.textContent = "Copy"), 1500);
}
