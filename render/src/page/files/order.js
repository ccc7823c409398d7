// The order of names in lists: numbers in them count as numbers. `Intl` knows more of languages, but the first thing that is
// asked of it takes a browser longer than all else that a list needs.

/** Comes before another one where its name comes first. */
export const rank = (name) => name.toLowerCase().replace(/\d+/g, (digits) => digits.padStart(15, "0"));

/** Less than zero if `a` comes first, more if `b` does; both are ranks, or both numbers. */
export const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);

/** `list` in the order of what `name` gives of each. */
export function ordered(list, name) {
  const ranked = list.map((one) => [rank(name(one)), one]);
  return ranked.sort(([a], [b]) => compare(a, b)).map(([, one]) => one);
}

/** A count as people read it: 12,345. */
export const count = (number) => String(number).replace(/\B(?=(\d{3})+$)/g, ",");
