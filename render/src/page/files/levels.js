// How bad a number is.

/** A limit as a number, null for none. */
export const limit = (value) => (value === undefined || value === null || value === "" || !Number.isFinite(Number(value)) ? null : Number(value));

/** `alarm`, `warn` or nothing; an alarm that lies below its warning means that low numbers are bad. */
export function level(value, warn, alarm) {
  if (value === null || value === undefined) return "";
  const [first, worst] = [limit(warn), limit(alarm)];
  const low = first !== null && worst !== null && worst < first;
  const over = (edge) => edge !== null && (low ? value <= edge : value >= edge);
  return over(worst) ? "alarm" : over(first) ? "warn" : "";
}

/** The word that goes with the colour, for those who do not see it. */
export const levelWord = (name) => ({ alarm: "alarm", warn: "warning" })[name] || "";
