// Rows and panels that are drawn once for each value of a variable.

/** Repetitions that are drawn; nobody looks at more, and a browser has to hold them. */
export const MOST = 50;

/** For each value that `of.repeat` stands for, `board` as a panel drawn for it sees it; `board` alone without a repetition. */
export function repeated({ repeat }, board) {
  const values = repeat ? board.variables.each(repeat) : null;
  if (!values?.length) return { boards: [board], more: 0 };
  return { boards: values.slice(0, MOST).map((value) => seen(board, { variables: board.variables.only(repeat, value) })), more: Math.max(0, values.length - MOST) };
}

/** `board` with the window of a panel that has one of its own. */
export function windowed({ from, until }, board) {
  if (!from && !until) return board;
  const { state } = board;
  return seen(board, { state: { ...state, from: from || state.from, until: until || (from ? "now" : state.until) } });
}

/** A panel's own window in words. */
export function windowWords({ from, until }) {
  if (!from && !until) return "";
  if (/^-/.test(from || "") && (!until || until === "now")) return `last ${from.slice(1)}`;
  return `${from || "…"} to ${until || "now"}`;
}

const seen = (board, changes) => Object.assign(Object.create(board), changes);
