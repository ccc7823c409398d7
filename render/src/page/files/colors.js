// Colours that scripts draw with; all others are in `style.css`. The series' are those of the server's pictures, but for a
// yellow that stands out from dark cards no more than the strongest of the others, as it does on light ones.

const ON_LIGHT = ["#3d6fe8", "#1d9e48", "#d11d48", "#9a4fe0", "#96602c", "#cc9200", "#0a9a9a", "#8a8f98", "#d622c8", "#ff6b5e", "#9a9a00", "#b77fb4"];
const ON_DARK = ["#6f9bff", "#4cc26a", "#f2566f", "#bd8cff", "#c08d56", "#efbf2f", "#2fc4c0", "#b0b5bd", "#f062e6", "#ff9484", "#c9c944", "#d6a6d3"];

const dark = matchMedia("(prefers-color-scheme: dark)");

/** Whether the ground is dark now. */
export function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : dark.matches;
}

/** Calls `listener` whenever the ground changes. */
export function onTheme(listener, signal) {
  dark.addEventListener("change", listener, { signal });
  document.addEventListener("theme", listener, { signal });
}

/** Turns to the other ground, and keeps the choice where storage is allowed. */
export function switchTheme() {
  const next = isDark() ? "light" : "dark";
  document.documentElement.dataset.theme = next;
  try {
    localStorage.setItem("theme", next);
  } catch {
    // It then holds until the page is left.
  }
  document.dispatchEvent(new Event("theme"));
}

/** The colour of the series at `index`: twelve that are easily told apart, then hues that never come again. */
export function color(index) {
  const given = isDark() ? ON_DARK : ON_LIGHT;
  if (index < given.length) return given[index];
  // The golden angle: each new hue lies in the widest gap that is left.
  const hue = Math.round((index * 137.508) % 360);
  const round = Math.floor(index / given.length) % 3;
  return `hsl(${hue} ${70 - 12 * round}% ${isDark() ? 68 - 6 * round : 42 + 6 * round}%)`;
}

/** `color` with some of the ground shining through. */
export function veiled(color, share) {
  if (color.startsWith("#")) return color + Math.round(share * 255).toString(16).padStart(2, "0");
  return color.replace(")", ` / ${share})`);
}

/** The colour of a level, as `style.css` has it for words. */
export const levelColor = (level) => (isDark() ? { warn: "#f2c14e", alarm: "#ff8f8f" } : { warn: "#8a5a00", alarm: "#b4232f" })[level];

/** Text, grid and crosshair of a chart. */
export const ink = () =>
  isDark() ? { text: "#9aa3b2", grid: "#262a32", tick: "#3a404b" } : { text: "#5b6472", grid: "#e8ebf0", tick: "#c9ced8" };
