// How bad a number is.

/** `alarm`, `warn` or nothing; an alarm that lies below its warning means that low numbers are bad. */
export function level(value, warn, alarm) {
  if (value === null || value === undefined) return "";
  const [first, worst] = [warn, alarm].map((limit) => (limit === undefined || limit === null || limit === "" ? null : Number(limit)));
  const low = first !== null && worst !== null && worst < first;
  const over = (limit) => limit !== null && (low ? value <= limit : value >= limit);
  return over(worst) ? "alarm" : over(first) ? "warn" : "";
}

/** The word that goes with the colour, for those who do not see it. */
export const levelWord = (name) => ({ alarm: "alarm", warn: "warning" })[name] || "";
