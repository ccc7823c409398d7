// Begins here: finds out by the address which view to show, and shows it.
import { reason, root } from "./api.js";
import { board, stored } from "./board.js";
import { h } from "./dom.js";
import { explore } from "./explore.js";
import { some } from "./names.js";
import { shell } from "./shell.js";

// Its address is relative to the document's, which changes with the view.
const picture = document.querySelector("link[rel=icon]");
picture.setAttribute("href", picture.href);

const frame = shell((href) => go(href));
let view;
let shown = 0;

/** The path below the root: empty, `explore` or `board/NAME`. */
const place = (url) => url.pathname.slice(root.pathname.length).replace(/\/$/, "");

const ours = (url) => url.origin === root.origin && /^(explore|board\/[^/]+)?$/.test(place(url));

/** Shows another view; with `sure` changes that were not saved are given up without asking. */
function go(href, sure = false) {
  const url = new URL(href, root);
  // What is not ours (a picture, an answer) is loaded as it is.
  if (!ours(url)) return location.assign(url);
  if (!sure && view?.leave?.() === false) return;
  history.pushState(null, "", url);
  show(true).then(() => document.activeElement === document.body && frame.main.focus());
}

/** Writes the address of the view that is shown already. */
function move(href) {
  const url = new URL(href, root);
  if (url.href !== location.href) history.pushState(null, "", url);
}

/** What a dashboard does to its surroundings. */
const ways = { move, go, call: frame.call };

async function show(anew = false) {
  const url = new URL(location.href);
  const path = place(url);
  if (!anew && view?.accept && view.path === path) return view.accept(url);
  const turn = ++shown;
  view?.end();
  view = undefined;
  const made = await make(path, url);
  // Another view may have been asked for meanwhile.
  if (turn !== shown) return made.end();
  view = { path, ...made };
  frame.show(view);
}

async function make(path, url) {
  if (path === "explore") return explore(url, move);
  try {
    if (path.startsWith("board/")) return await board(decodeURIComponent(path.slice(6)), path, url, ways);
    return await start(url);
  } catch (error) {
    const content = h("div", { class: "welcome" }, h("p", { class: "bad", role: "alert" }, reason(error)), error.hint ? h("p", {}, error.hint) : null);
    return { name: "Not to be had", here: path, controls: [], content, end() {} };
  }
}

/** Milliseconds between two looks whether a host has reported. */
const WAIT = 3000;

/** All hosts, once one has reported; else the names. */
async function start(url) {
  const hosts = stored("hosts");
  if (await reported(hosts)) return board("hosts", "", url, ways, hosts);
  const names = explore(url, move, "No agent has reported yet: hosts appear here once one has. What other programs send is in the list.");
  const waiting = setInterval(async () => {
    if (document.hidden || place(new URL(location.href)) !== "" || !(await reported(stored("hosts")).catch(() => false))) return;
    if (view?.content === names.content) show(true);
  }, WAIT);
  return { ...names, end() {
    clearInterval(waiting);
    names.end();
  } };
}

/** Whether there is something to see on `hosts`, which is on its way; one of somebody's own need not say what it needs. */
async function reported(hosts) {
  const { needs } = (await hosts).value;
  return !needs || (await some(needs).catch(() => [])).length > 0;
}

addEventListener("popstate", () => show());
addEventListener("beforeunload", (event) => view?.leave && view.changes?.() && event.preventDefault());
show();
