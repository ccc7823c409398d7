// Begins here: finds out by the address which view to show, and shows it.
import { root } from "./api.js";
import { explore } from "./explore.js";
import { shell } from "./shell.js";

const frame = shell((href) => go(href));
let view;

/** The path below the root: empty, `explore` or `board/NAME`. */
const place = (url) => url.pathname.slice(root.pathname.length).replace(/\/$/, "");

function go(href) {
  const url = new URL(href, root);
  // What is not ours (a picture, an answer) is loaded as it is.
  if (!ours(url)) return location.assign(url);
  history.pushState(null, "", url);
  show();
}

const ours = (url) => url.origin === root.origin && /^(explore)?$/.test(place(url));

/** Writes the address of the view that is shown already. */
function move(href, replace = false) {
  const url = new URL(href, root);
  if (url.href === location.href) return;
  history[replace ? "replaceState" : "pushState"](null, "", url);
}

function show() {
  const url = new URL(location.href);
  if (view?.accept && view.path === place(url)) return view.accept(url);
  view?.end();
  view = { path: place(url), ...explore(url, move) };
  frame.show(view);
}

addEventListener("popstate", show);
show();
