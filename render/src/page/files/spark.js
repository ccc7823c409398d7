// A chart the size of a word.

const SPACE = "http://www.w3.org/2000/svg";

/** `points` as `[value, time]` over `window`; nothing for a screen reader, which has the number beside it. */
export function spark(points, [from, until], wide = 96, high = 24) {
  const svg = document.createElementNS(SPACE, "svg");
  svg.setAttribute("viewBox", `0 0 ${wide} ${high}`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("class", "spark");
  svg.setAttribute("aria-hidden", "true");
  const values = points.map(([value]) => value).filter((value) => value !== null);
  if (!values.length) return svg;
  let [low, high_] = [Math.min(...values), Math.max(...values)];
  // What never changes is a line at the bottom, not in the middle of nowhere.
  if (low === high_) high_ = low + Math.max(1, Math.abs(low));
  const x = (time) => (((time - from) / (until - from)) * wide).toFixed(1);
  const y = (value) => (high - 2 - ((value - low) / (high_ - low)) * (high - 4)).toFixed(1);
  const runs = [[]];
  for (const [value, time] of points) {
    if (value === null) runs.push([]);
    else runs.at(-1).push(`${x(time)} ${y(value)}`);
  }
  const drawn = runs.filter((run) => run.length);
  const line = drawn.map((run) => `M${run.join("L")}${run.length === 1 ? "h1" : ""}`).join("");
  const area = drawn.map((run) => `M${run[0].split(" ")[0]} ${high}L${run.join("L")}L${run.at(-1).split(" ")[0]} ${high}Z`).join("");
  for (const [shape, name] of [[area, "spark-area"], [line, "spark-line"]]) {
    const path = document.createElementNS(SPACE, "path");
    path.setAttribute("d", shape);
    path.setAttribute("class", name);
    svg.append(path);
  }
  return svg;
}
