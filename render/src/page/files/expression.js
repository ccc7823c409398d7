// Targets as text: what the outermost call is, and how another one goes around it.

/** `{name, args}` if all of `text` is one call, else null. */
export function call(text) {
  const head = text.trim().match(/^([A-Za-z_]\w*)\s*\(/);
  if (!head) return null;
  const body = text.trim();
  const args = [];
  let [depth, quote, start] = [0, "", head[0].length];
  for (let at = head[0].length - 1; at < body.length; at += 1) {
    const c = body[at];
    if (quote) quote = c === quote ? "" : quote;
    else if (c === "\\") at += 1;
    else if (c === '"' || c === "'") quote = c;
    else if ("({".includes(c)) depth += 1;
    else if (c === "," && depth === 1) [args[args.length], start] = [body.slice(start, at).trim(), at + 1];
    else if (")}".includes(c)) {
      depth -= 1;
      if (depth === 0) {
        const last = body.slice(start, at).trim();
        if (last || args.length) args.push(last);
        return at === body.length - 1 ? { name: head[1], args } : null;
      }
    }
  }
  return null;
}

/** What the outermost call works on, or null if there is none. */
export const inner = (text) => call(text)?.args[0] ?? null;

/** A literal as the parser takes it: texts in quotes, numbers and truth values as they are. Null if it cannot be one. */
export function argument(type, text) {
  const plain = ["integer", "float", "boolean", "node"].includes(type);
  const number = /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(text);
  if (type === "seriesList" || type === "seriesLists" || type === "any") return text;
  if (plain) return number || /^(true|false|none|inf)$/i.test(text) ? text : null;
  if (["intOrInterval", "intOrInf", "nodeOrTag"].includes(type) && (number || text === "inf")) return text;
  // The parser keeps backslashes as they are, so a quote cannot be escaped.
  if (!text.includes("'")) return `'${text}'`;
  return text.includes('"') ? null : `"${text}"`;
}

/** Puts the function `about` of `/functions` around `target`, with `values` for its other parameters. */
export function wrapped(target, about, values) {
  const [, ...others] = about.params[0] && takesSeries(about.params[0]) ? about.params : [null, ...about.params];
  const first = about.params[0] && takesSeries(about.params[0]) ? [target] : [];
  const args = [];
  let skipped = false;
  for (const param of others) {
    const texts = (values[param.name] || []).filter((text) => text !== "");
    if (!texts.length) {
      skipped = true;
      continue;
    }
    const literals = texts.map((text) => argument(param.type, text));
    const wrong = literals.indexOf(null);
    if (wrong >= 0) return { fault: `${param.name}: ${texts[wrong]} is no ${param.type}` };
    args.push(...literals.map((literal) => (skipped && !param.multiple ? `${param.name}=${literal}` : literal)));
  }
  return { text: `${about.name}(${[...first, ...args].join(",")})` };
}

/** Whether a parameter is what the function works on. */
export const takesSeries = ({ type }) => type === "seriesList" || type === "seriesLists";
