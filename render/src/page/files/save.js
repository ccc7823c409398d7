// Keeps dashboards on the server. A change takes a token, which this tab remembers until it is closed.
import { ask as fetched, Fault, reason, send, tagged } from "./api.js";
import { announce, field, h } from "./dom.js";
import { dialog } from "./dialog.js";

const KEY = "plumbago-token";

/** What a dashboard may be called. */
const NAME = /^[a-z0-9_-][a-z0-9._-]{0,99}$/;

function token() {
  try {
    return sessionStorage.getItem(KEY) || "";
  } catch {
    return "";
  }
}

function remember(text) {
  try {
    sessionStorage.setItem(KEY, text);
  } catch {
    // Without storage it is asked for each time.
  }
}

/** Somebody else was first. */
const CHANGED = "Somebody else has changed this dashboard meanwhile. Cancel and use Save as to keep both, or save over theirs.";

/** Saves `value` as `name` in the place of the version `tag`; `done` gets the new version. */
export async function save(name, value, tag, done) {
  const wrong = token() ? await put(name, value, tag, token(), done) : "";
  if (wrong === null) return;
  // Saying it a second time saves over the version that was in the way.
  let conflict = wrong === CHANGED;
  ask(`Save “${value.title || name}”`, [], async (given) => {
    const wrong = await put(name, value, conflict ? undefined : tag, given, done);
    conflict ||= wrong === CHANGED;
    return wrong;
  }, "Save", wrong);
}

/** Asks for a name, and saves under it. */
export function saveAs(value, done) {
  const proposed = (value.title || "").toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 60);
  const name = h("input", { type: "text", value: proposed, required: true, autocomplete: "off", spellcheck: "false" });
  ask("Save as", [field("Name in addresses: a-z, 0-9, - _ .", name)], async (given) => {
    const wanted = name.value.trim();
    if (!NAME.test(wanted)) return "A name has 1 to 100 of a-z, 0-9, - _ . and does not begin with a dot.";
    if (wanted === "new") return "This name is taken by the page for new dashboards.";
    return put(wanted, value, undefined, given, () => done(wanted), true);
  });
}

/** Asks for a dashboard, and puts `panel` at its end. */
export async function addTo(panel) {
  const { dashboards } = await fetched("dashboards/").catch(() => ({ dashboards: [] }));
  const known = dashboards.filter(({ data, error }) => data !== false && !error);
  const where = h("select", {}, known.map(({ name, title }) => h("option", { value: name }, title || name)));
  const title = h("input", { type: "text", autocomplete: "off" });
  ask("Add to a dashboard", [field("Dashboard", where), field("Title of the chart", title)], async (given) => {
    if (!where.value) return "There is no dashboard yet; make one first.";
    try {
      const { value, tag } = await tagged(`dashboards/${encodeURIComponent(where.value)}`);
      value.rows ||= [];
      if (!value.rows.length) value.rows.push({ title: "", panels: [] });
      (value.rows.at(-1).panels ||= []).push({ ...panel, ...(title.value.trim() ? { title: title.value.trim() } : {}) });
      return await put(where.value, value, tag, given, () => announce("Added"));
    } catch (error) {
      return reason(error);
    }
  });
}

/** Deletes the dashboard `name`, once somebody has said so with a token. */
export function remove(name, title, tag, done) {
  ask(`Delete “${title}”`, [], async (given) => {
    try {
      await send("DELETE", `dashboards/${encodeURIComponent(name)}`, undefined, { token: given, match: tag });
      remember(given);
      done();
      return null;
    } catch (error) {
      return `${reason(error)}${error.hint ? ` ${error.hint}` : ""}`;
    }
  }, "Delete");
}

/** Gives null when it is saved, else what is wrong. */
async function put(name, value, tag, given, done, anew = false) {
  try {
    const response = await send("PUT", `dashboards/${encodeURIComponent(name)}`, `${JSON.stringify(value, null, 2)}\n`, { token: given, match: tag, anew });
    remember(given);
    done(response.headers.get("ETag"));
    return null;
  } catch (error) {
    if (error instanceof Fault && error.status === 412) {
      return anew ? "There is a dashboard of this name already; choose another name." : CHANGED;
    }
    if (error instanceof Fault && error.status === 401) remember("");
    return `${reason(error)}${error.hint ? ` ${error.hint}` : ""}`;
  }
}

function ask(title, fields, apply, action = "Save", wrong = "") {
  const secret = h("input", { type: "password", value: token(), autocomplete: "off", placeholder: "token" });
  const fault = h("p", { class: "bad", role: "alert" }, wrong);
  const box = dialog(title, [...fields, field("Token, a line of the server's [http] token-file", secret), h("p", { class: "hint" }, "It is kept until this tab is closed. Without one: copy the JSON into a file, and `plumbago dashboards save FILE` on the server."), fault], async () => {
    fault.textContent = "";
    const wrong = await apply(secret.value.trim());
    say(wrong);
    return wrong === null;
  }, action);
  const say = (text) => {
    fault.textContent = text || "";
    if (text === CHANGED) box.querySelector("button[type=submit]").textContent = "Save over theirs";
  };
  say(wrong);
}
