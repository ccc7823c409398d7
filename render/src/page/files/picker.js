// The time picker: quick windows, two moments from a calendar, or anything that Graphite's grammar takes.
import { fill, h, icon, field, fresh } from "./dom.js";
import { ask, reason } from "./api.js";
import { grammar, here, instant, known, local, QUICK, words, zones } from "./time.js";

/** A button with a panel; `get()` gives `{from, until, zone}`, `set` takes what was chosen. */
export function picker({ get, set }) {
  const text = h("span");
  const panel = h("div", { class: "panel-pop time-pop", role: "dialog", "aria-label": "Time range", popover: "auto", id: fresh("pop") });
  const button = h("button", { type: "button", class: "button", "aria-haspopup": "dialog", popovertarget: panel.id }, icon("clock"), text, icon("down"));
  // Filled before it is seen: told afterwards, what was typed into the form of the last time would be lost.
  panel.addEventListener("beforetoggle", (event) => event.newState === "open" && open());
  panel.addEventListener("toggle", (event) => {
    button.setAttribute("aria-expanded", String(event.newState === "open"));
    if (event.newState === "open") place(button, panel);
  });
  button.setAttribute("aria-expanded", "false");

  function choose(change) {
    panel.hidePopover();
    set(change);
  }

  function open() {
    const { from, until, zone } = get();
    const now = Math.floor(Date.now() / 1000);
    const moment = (value, fallback) => local(instant(value, now, zone) ?? fallback, zone);
    const start = h("input", { type: "datetime-local", value: moment(from, now - 3600) });
    const end = h("input", { type: "datetime-local", value: moment(until || "now", now) });
    const fromText = h("input", { type: "text", value: from, spellcheck: "false", autocomplete: "off" });
    const untilText = h("input", { type: "text", value: until || "now", spellcheck: "false", autocomplete: "off" });
    start.addEventListener("input", () => start.value && (fromText.value = grammar(start.value)));
    end.addEventListener("input", () => end.value && (untilText.value = grammar(end.value)));
    const list = h("datalist", { id: fresh("zones") }, zones().map((name) => h("option", { value: name })));
    const zoneText = h("input", { type: "text", value: zone, list: list.id, spellcheck: "false", autocomplete: "off" });
    const quick = QUICK.map(([value, name]) => h("button", {
      type: "button", "aria-pressed": String(value === from && (until === "now" || !until)), onclick: () => choose({ from: value, until: "now" }),
    }, name));
    const fault = h("p", { class: "bad", role: "alert", hidden: true });
    const form = h("form", { onsubmit: async (event) => {
      event.preventDefault();
      const wanted = { from: fromText.value.trim() || "-1h", until: untilText.value.trim() || "now", zone: zoneText.value.trim() || here };
      const wrong = await refused(wanted);
      fault.hidden = !wrong;
      fault.textContent = wrong;
      if (!wrong) choose({ ...wanted, zone: known(wanted.zone) });
    } },
    h("div", { class: "pair" }, field("From", start), field("Until", end)),
    h("div", { class: "pair" }, field("From, as text", fromText), field("Until, as text", untilText)),
    h("p", { class: "hint" }, "Text takes Graphite's times: -6h, -30min, midnight, 10:30_20261121, monday-1w, or seconds since 1970."),
    h("div", { class: "pair" }, field("Time zone", zoneText), h("div", { class: "field zone-quick" },
      h("button", { type: "button", onclick: () => (zoneText.value = here) }, "This browser"),
      h("button", { type: "button", onclick: () => (zoneText.value = "UTC") }, "UTC"))),
    list, fault,
    h("div", { class: "row-end" }, h("button", { type: "submit", class: "primary" }, "Apply")));
    fill(panel, h("div", { class: "quick", role: "group", "aria-label": "Quick ranges" }, quick), form);
  }

  function update() {
    const { from, until, zone } = get();
    text.textContent = words(from, until, zone);
    button.title = `${from} to ${until || "now"}, ${zone}`;
  }

  update();
  return { root: h("div", { class: "pick" }, button, panel), update };
}

/** Why these times cannot be, or nothing: the server reads the grammar, and is asked before anything else is. */
async function refused({ from, until, zone }) {
  if (!known(zone)) return `There is no time zone “${zone}”.`;
  try {
    await ask("render", { target: "constantLine(0)", from, until, tz: zone, maxDataPoints: "1", format: "json" });
    return "";
  } catch (error) {
    // What else is wrong is told by what asks next.
    return error.parameter === "from" || error.parameter === "until" ? reason(error) : "";
  }
}

/** Puts an open panel below its button, inside the window. */
export function place(button, panel) {
  const { left, right, bottom } = button.getBoundingClientRect();
  const wide = panel.offsetWidth;
  const x = right - wide >= 8 ? right - wide : Math.max(8, Math.min(left, innerWidth - wide - 8));
  panel.style.left = `${x}px`;
  panel.style.top = `${bottom + 6}px`;
}
