// Asks the server. Its paths are relative to where this file came from, so the page also works below a proxy's folder.

/** Where the API begins: this file lies two folders below. */
export const root = new URL("../../", import.meta.url);

/** The address of a view or of a file below the root. */
export const to = (path) => new URL(path, root).href;

/** A refusal: its sentence, and where the mistake is if the server knows. */
export class Fault extends Error {
  constructor(status, told) {
    super(told.error || `the server answered ${status}`);
    this.status = status;
    this.parameter = told.parameter;
    this.target = told.target;
    this.position = told.position;
    this.hint = told.hint;
  }
}

/** The address of `path` with `params`, an object or a list of pairs. */
export function address(path, params = []) {
  const url = new URL(path, root);
  const pairs = Array.isArray(params) ? params : Object.entries(params);
  url.search = new URLSearchParams(pairs.filter(([, value]) => value !== "" && value !== undefined)).toString();
  return url;
}

/** Longer questions go as a form: not every proxy takes long addresses. */
const LONGEST = 4000;

async function answer(url, options) {
  let response;
  try {
    response = await fetch(url, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Fault(0, { error: "the server does not answer" });
  }
  if (response.ok) return response;
  const text = await response.text();
  try {
    throw new Fault(response.status, JSON.parse(text));
  } catch (error) {
    // A proxy in between speaks no JSON.
    throw error instanceof Fault ? error : new Fault(response.status, {});
  }
}

/** The JSON that `path` answers. */
export async function ask(path, params, signal) {
  const url = address(path, params);
  if (url.href.length <= LONGEST) return (await answer(url, { signal })).json();
  return (await answer(new URL(path, root), { method: "POST", body: new URLSearchParams(url.search), signal })).json();
}

/** Sends JSON; gives the response. A token, if there is one, goes with it. */
export function send(method, path, value, { token, match, anew, signal } = {}) {
  const headers = {};
  if (value !== undefined) headers["Content-Type"] = "application/json";
  if (token) headers.Authorization = `Bearer ${token}`;
  if (match) headers["If-Match"] = match;
  // Nothing of that name may be there yet.
  if (anew) headers["If-None-Match"] = "*";
  const body = value === undefined || typeof value === "string" ? value : JSON.stringify(value);
  return answer(new URL(path, root), { method, headers, body, signal });
}

/** JSON with the tag under which it may be changed. */
export async function tagged(path, signal) {
  const response = await answer(new URL(path, root), { signal, cache: "no-cache" });
  return { value: await response.json(), tag: response.headers.get("ETag") };
}

/** What went wrong, for people. */
export const reason = (error) => (error instanceof Fault ? error.message : `the page met a fault: ${error.message}`);
