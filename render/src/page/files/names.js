// Names of metrics: what lies below a branch, and which contain what somebody has typed.
import { ask } from "./api.js";
import { compare, ordered } from "./order.js";

/** Results of a search; more are not looked at by anybody. */
export const MOST = 300;

const SPECIAL = /[*?[\]{}(),'"\\|]/g;

/** A name as part of a target or pattern, in which some characters would mean something else. */
export const literal = (path) => path.replace(SPECIAL, "\\$&");

/** What lies below `branch`, or at the top: branches first, each `{name, path, branch, leaf}`. */
export async function below(branch, signal) {
  const query = branch ? `${literal(branch)}.*` : "*";
  return merged(await ask("metrics/find", { query, format: "json" }, signal));
}

/** A name may be a branch and a leaf at the same time, and comes twice then. */
function merged(records) {
  const rows = new Map();
  for (const { path, is_leaf: leaf } of records) {
    const row = rows.get(path) || { name: path.slice(path.lastIndexOf(".") + 1), path, branch: false, leaf: false };
    row[leaf ? "leaf" : "branch"] = true;
    rows.set(path, row);
  }
  return ordered([...rows.values()], ({ path }) => path).sort((a, b) => b.branch - a.branch);
}

/** Milliseconds for which an answer serves another part of the page. */
const GOOD = 2000;

/** Names that a window holds, and some more: an index tells these at once, and all of them when it has looked at each. */
const FIRST = 60;

let asked = {};

/** Paths of some that match `query` and hold values. */
export function some(query) {
  if (asked.query !== query || Date.now() - asked.at > GOOD) {
    const found = ask("metrics/find", { query, format: "json", limit: String(FIRST) });
    asked = { query, at: Date.now(), found: found.then((rows) => rows.filter(({ is_leaf: leaf }) => leaf).map(({ path }) => path)) };
  }
  return asked.found;
}

/** Names in which all words of `text` occur in this order, upper and lower case alike, and whether there are more. */
export async function search(text, signal) {
  const found = new Map();
  const answers = await Promise.all(patterns(text).map((query) =>
    ask("metrics/find", { query, format: "json", limit: MOST + 1 }, signal)));
  for (const row of answers.flatMap(merged)) found.set(row.path, row);
  const rows = [...found.values()];
  // Short names are mostly what was meant.
  rows.sort((a, b) => a.path.split(".").length - b.path.split(".").length || compare(a.path, b.path));
  return { rows: rows.slice(0, MOST), more: rows.length > MOST };
}

/** The patterns of a search: all words in one part of the name, or each in a part of its own. */
export function patterns(text) {
  const words = text.trim().split(/\s+/).filter(Boolean);
  if (!words.length) return [];
  const apart = words.map((word) => `**.${around(word)}`).join(".");
  const together = `**.${words.map((word) => around(word)).join("").replaceAll("**", "*")}`;
  return words.length === 1 || words.some((word) => word.includes(".")) ? [apart] : [apart, together];
}

/** `web.cpu` is any part that ends in `web` before one that begins with `cpu`; a given `*` or `?` keeps its meaning. */
function around(word) {
  const either = (c) => {
    const [lower, upper] = [c.toLowerCase(), c.toUpperCase()];
    if (lower !== upper && lower.length === 1 && upper.length === 1) return `[${lower}${upper}]`;
    return "*?".includes(c) ? c : literal(c);
  };
  return `*${[...word].map((c) => (c === "." ? "." : either(c))).join("")}*`.replaceAll("**", "*");
}
