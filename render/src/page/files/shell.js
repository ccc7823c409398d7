// What surrounds every view: the name, the ways to other views, the time picker, the refresh and the theme.
import { ask, to } from "./api.js";
import { fill, fresh, h, icon, iconButton } from "./dom.js";
import { isDark, onTheme, switchTheme } from "./colors.js";
import { importDashboard } from "./import.js";
import { picker, place } from "./picker.js";

const REFRESH = [[0, "Off"], [5, "5 s"], [10, "10 s"], [30, "30 s"], [60, "1 min"], [300, "5 min"]];

/** Builds the frame. `go(href)` shows another view without loading the page again. */
export function shell(go) {
  const title = h("h1", { class: "view-title" });
  const main = h("main", { id: "main", tabindex: "-1" });
  const tools = h("div", { class: "tools" });
  const boards = menu(go);
  const nav = h("nav", { "aria-label": "Views" });
  const theme = h("button", { type: "button", class: "quiet", onclick: switchTheme });
  const showTheme = () => {
    theme.setAttribute("aria-label", isDark() ? "Light theme" : "Dark theme");
    theme.title = theme.getAttribute("aria-label");
    fill(theme, icon(isDark() ? "sun" : "moon"));
  };
  showTheme();
  onTheme(showTheme);
  const mark = h("a", { class: "mark", href: to("./"), "aria-label": "Plumbago, start" }, h("i", { class: "mark-picture" }), h("span", {}, "Plumbago"));
  fill(nav, h("a", { href: to("explore") }, "Explore"), boards.root);
  document.body.replaceChildren(
    h("a", { class: "skip", href: "#main" }, "Skip to content"),
    h("header", { class: "top" }, mark, nav, title, h("div", { class: "tools-right" }, tools, theme)), main);
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href]");
    if (!link || event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || link.target || link.classList.contains("skip")) return;
    event.preventDefault();
    go(link.href);
  });
  /** Shows a view: its title in the frame, its controls, and what is in it. */
  function show({ name, here, controls, content, visible = true }) {
    call(name);
    title.classList.toggle("unseen", !visible);
    for (const link of nav.querySelectorAll("a")) {
      if (link.href === to(here)) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    fill(tools, controls);
    fill(main, content);
  }
  /** Another name for the view that is shown. */
  function call(name) {
    title.textContent = name;
    document.title = name ? `${name} · Plumbago` : "Plumbago";
  }
  return { show, call, main };
}

/** The list of dashboards, asked for when it is opened. */
function menu(go) {
  const panel = h("div", { class: "panel-pop menu", popover: "auto", id: fresh("pop"), role: "group", "aria-label": "Dashboards" });
  const button = h("button", { type: "button", class: "nav-button", popovertarget: panel.id, "aria-expanded": "false" }, "Dashboards", icon("down"));
  panel.addEventListener("toggle", async (event) => {
    button.setAttribute("aria-expanded", String(event.newState === "open"));
    if (event.newState !== "open") return;
    fill(panel, h("p", { class: "hint" }, "…"));
    place(button, panel);
    try {
      const { dashboards } = await ask("dashboards/");
      const line = ({ name, title, description, error }) => h("a", { href: to(`board/${encodeURIComponent(name)}`), title: error || description || null, onclick: () => panel.hidePopover() },
        title || name, error ? h("span", { class: "bad" }, "broken") : null);
      const own = dashboards.filter(({ ready }) => !ready);
      const ready = dashboards.filter(({ ready, data }) => ready && data !== false);
      fill(panel, own.map(line), own.length && ready.length ? h("hr") : null, ready.map(line), h("hr"),
        h("a", { href: to("board/new?edit=1"), onclick: () => panel.hidePopover() }, icon("plus"), "New dashboard"),
        h("button", { type: "button", onclick: () => {
          panel.hidePopover();
          importDashboard(() => go("board/new?edit=1"));
        } }, icon("copy"), "Import a dashboard"));
    } catch {
      fill(panel, h("p", { class: "hint" }, "The list of dashboards cannot be had now."));
    }
    place(button, panel);
  });
  return { root: h("div", { class: "pick" }, button, panel) };
}

/** Time picker and refresh for a view; `get` and `set` as the picker's, with `refresh` in seconds. */
export function timeControls({ get, set, again }) {
  const times = picker({ get, set });
  const select = h("select", { "aria-label": "Refresh", title: "Refresh", onchange: () => set({ refresh: Number(select.value) }) },
    REFRESH.map(([seconds, name]) => h("option", { value: String(seconds) }, name)));
  const button = iconButton("refresh", "Refresh now", again);
  const update = () => {
    const { refresh } = get();
    if (!REFRESH.some(([seconds]) => seconds === refresh) && ![...select.options].some(({ value }) => value === String(refresh))) {
      select.append(h("option", { value: String(refresh) }, `${refresh} s`));
    }
    select.value = String(refresh);
    times.update();
  };
  update();
  return { nodes: [times.root, h("div", { class: "refresh" }, button, select)], update };
}
