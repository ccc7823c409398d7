// Completes what is typed into a target: names of metrics part by part, and functions.
import { ask } from "./api.js";
import { allFunctions } from "./functions.js";
import { fill, fresh, h } from "./dom.js";

/** Proposals that are shown. */
const SHOWN = 12;

/** Pause after a key before the question goes out. */
const PAUSE = 150;

/** Proposals below `area`, a text area; gives the list to put behind it, and `key`, which is true when it took the key. */
export function completion(area) {
  const list = h("div", { class: "proposals", role: "listbox", id: fresh("proposals"), "aria-label": "Proposals", hidden: true });
  for (const [name, value] of [["aria-autocomplete", "list"], ["aria-controls", list.id]]) area.setAttribute(name, value);
  let [rows, at, pause, running] = [[], -1, 0, new AbortController()];

  /** The word before the caret: a name, or what a function's name begins with. */
  const word = () => area.value.slice(0, area.selectionStart).match(/[^\s(),'"|]*$/)[0];

  function shut() {
    clearTimeout(pause);
    running.abort();
    [rows, at, list.hidden] = [[], -1, true];
    area.removeAttribute("aria-activedescendant");
  }

  async function look() {
    running.abort();
    running = new AbortController();
    const typed = word();
    if (!typed) return shut();
    try {
      const [names, functions] = await Promise.all([
        ask("metrics/find", { query: typed, format: "completer", limit: 200 }, running.signal), typed.includes(".") ? {} : allFunctions()]);
      const lower = typed.toLowerCase();
      const calls = Object.keys(functions).filter((name) => name.toLowerCase().startsWith(lower)).sort((a, b) => a.length - b.length).slice(0, 4);
      show([...names.metrics.slice(0, SHOWN - calls.length).map(({ path }) => path), ...calls.map((name) => `${name}(`)].filter((text) => text !== typed));
    } catch (error) {
      // A proposal that cannot be had is no reason to disturb.
      if (error.name !== "AbortError") shut();
    }
  }

  function show(texts) {
    if (!texts.length || document.activeElement !== area) return shut();
    rows = texts.map((text) => h("div", { role: "option", id: fresh("proposal"), "aria-selected": "false", onmousedown: (event) => {
      event.preventDefault();
      take(text);
    } }, text));
    at = -1;
    fill(list, rows);
    list.hidden = false;
  }

  function choose(index) {
    at = (index + rows.length) % rows.length;
    rows.forEach((row, one) => row.setAttribute("aria-selected", String(one === at)));
    area.setAttribute("aria-activedescendant", rows[at].id);
    rows[at].scrollIntoView({ block: "nearest" });
  }

  function take(text) {
    const caret = area.selectionStart;
    area.setRangeText(text, caret - word().length, caret, "end");
    shut();
    area.dispatchEvent(new Event("input", { bubbles: true }));
  }

  function key(event) {
    if (list.hidden) return false;
    if (event.key === "ArrowDown") choose(at + 1);
    else if (event.key === "ArrowUp") choose(at < 0 ? -1 : at - 1);
    else if (event.key === "Escape") shut();
    else if (["Enter", "Tab"].includes(event.key) && at >= 0) take(rows[at].textContent);
    else return false;
    event.preventDefault();
    return true;
  }

  area.addEventListener("input", () => {
    clearTimeout(pause);
    pause = setTimeout(look, PAUSE);
  });
  area.addEventListener("blur", shut);
  return { list, key };
}
