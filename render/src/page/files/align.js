// Series of different steps on one list of times, as uPlot takes them.

/** `[times, values, values, ...]`. */
export function aligned(series) {
  if (!series.length) return [[]];
  const first = series[0].points;
  const same = ({ points }) => points.length === first.length && points[0]?.[1] === first[0]?.[1] && points.at(-1)?.[1] === first.at(-1)?.[1];
  const table = ({ points }) => [points.map(([, time]) => time), points.map(([value]) => value)];
  if (series.every(same)) return [first.map(([, time]) => time), ...series.map((one) => table(one)[1])];
  // A gap stays a gap; times that only other series have do not interrupt a line.
  return uPlot.join(series.map(table), series.map(() => [1, 2]));
}

/** The same with each layer on top of those before it; `apart` tells of each series whether it is none, or hidden. */
export function stacked([times, ...values], apart) {
  const below = new Array(times.length).fill(0);
  return [times, ...values.map((column, index) => {
    if (apart[index]) return column;
    return column.map((value, at) => (value === null || value === undefined ? value : (below[at] += value)));
  })];
}
