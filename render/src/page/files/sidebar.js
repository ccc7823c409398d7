// The explorer's left side: a search field over the tree of names.
import { below, MOST, search } from "./names.js";
import { reason } from "./api.js";
import { announce, h, icon } from "./dom.js";
import { Tree } from "./tree.js";

/** Pause after a key before the search goes out. */
const PAUSE = 80;

/** Pause before a server that did not answer, or had nothing, is asked again. */
const AGAIN = 5000;

/** `{root, tree, focus}`; `choose` and `chosen` are the tree's. */
export function sidebar({ choose, chosen }) {
  const tree = new Tree({ choose, chosen, label: "Metrics" });
  const state = h("p", { class: "tree-state" });
  const input = h("input", {
    type: "search", placeholder: "Search metrics", "aria-label": "Search metrics", autocomplete: "off", spellcheck: "false",
    oninput: () => later(), onkeydown: (event) => key(event),
  });
  const root = h("aside", { class: "sidebar", "aria-label": "Metrics" },
    h("button", { type: "button", class: "browse button", "aria-expanded": "false", onclick: (event) => {
      event.currentTarget.setAttribute("aria-expanded", String(root.classList.toggle("open")));
    } }, icon("menu"), "Metrics"),
    h("div", { class: "search" }, icon("search"), input, h("kbd", { "aria-hidden": "true" }, "/")), state, tree.root);
  let pause = 0;
  let running = new AbortController();

  function later() {
    clearTimeout(pause);
    pause = setTimeout(look, PAUSE);
  }

  function key(event) {
    if (event.key === "ArrowDown") {
      event.preventDefault();
      tree.focus();
    } else if (event.key === "Enter") {
      clearTimeout(pause);
      look();
    } else if (event.key === "Escape" && input.value) {
      input.value = "";
      look();
    }
  }

  async function look() {
    clearTimeout(pause);
    running.abort();
    running = new AbortController();
    const { signal } = running;
    const text = input.value.trim();
    try {
      const { rows, more } = text ? await search(text, signal) : { rows: await below("", signal), more: false };
      tree.show(rows, Boolean(text));
      say(text ? found(rows.length, more) : rows.length ? "" : "No metrics yet. They appear here as soon as an agent or a program sends some.");
      if (!text && !rows.length) pause = setTimeout(look, AGAIN);
      // A lone branch is opened, so that there is something to choose from.
      if (!text && rows.length === 1 && rows[0].branch) await tree.unfold(tree.root.firstElementChild);
    } catch (error) {
      if (error.name === "AbortError") return;
      tree.show([]);
      say(reason(error), true);
      pause = setTimeout(look, AGAIN);
    }
  }

  function found(count, more) {
    if (more) return `The first ${MOST} matches; another word narrows them.`;
    return count ? `${count} ${count === 1 ? "match" : "matches"}` : "Nothing matches.";
  }

  function say(text, bad = false) {
    state.textContent = text;
    state.classList.toggle("bad", bad);
    if (text) announce(text);
  }

  look();
  return { root, tree, focus: () => input.select(), end() {
      clearTimeout(pause);
      running.abort();
    } };
}
