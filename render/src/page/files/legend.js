// The table below a chart: each series with its colour, its last, least, greatest and mean value. It says to a screen
// reader what the chart shows to the eye.
import { fill, h } from "./dom.js";
import { shade } from "./lines.js";
import { format, summary } from "./units.js";

const COLUMNS = [["name", "Series"], ["last", "Last"], ["min", "Min"], ["max", "Max"], ["avg", "Avg"]];

export class Legend {
  constructor(chart) {
    this.chart = chart;
    this.order = { by: null, down: false };
    this.body = h("tbody");
    this.heads = COLUMNS.map(([key, title]) => h("th", { scope: "col" }, h("button", { type: "button", onclick: () => this.sort(key) }, title)));
    this.root = h("div", { class: "legend", tabindex: "0", role: "region", "aria-label": "Legend" },
      h("table", {}, h("thead", {}, h("tr", {}, this.heads)), this.body));
    this.root.hidden = true;
  }

  /** Takes what the chart shows. */
  show(series, { unit, decimals } = {}) {
    this.unit = unit;
    this.decimals = decimals;
    // The lower edge of a band is named as its upper one, which speaks for both.
    const rows = series.map(({ name, style, points }, index) => ({ name, style, index, ...summary(points) }));
    this.rows = rows.filter(({ style }) => !style?.invisible);
    this.root.hidden = !this.rows.length;
    this.draw();
  }

  /** Shows the values at the crosshair in the place of the last ones, those again for null. */
  point(at, columns) {
    for (const { index, last, cell } of this.rows || []) {
      const value = at === null ? last : columns[index + 1]?.[at];
      const text = format(value, this.unit, this.decimals);
      if (cell && cell.textContent !== text) cell.textContent = text;
    }
    this.heads[1].classList.toggle("live", at !== null);
  }

  sort(key) {
    this.order = this.order.by !== key ? { by: key, down: key !== "name" } : this.order.down === (key !== "name") ? { by: key, down: !this.order.down } : { by: null, down: false };
    this.draw();
  }

  draw() {
    const { by, down } = this.order;
    const rows = [...this.rows];
    const compare = (a, b) => (by === "name" ? a.name.localeCompare(b.name, "en", { numeric: true }) : (a[by] ?? -Infinity) - (b[by] ?? -Infinity));
    if (by) rows.sort((a, b) => (down ? -1 : 1) * compare(a, b));
    this.heads.forEach((head, index) => {
      const key = COLUMNS[index][0];
      if (key === by) head.setAttribute("aria-sort", down ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    });
    fill(this.body, rows.map((row) => this.row(row)));
  }

  row(row) {
    const { name, index } = row;
    const mark = h("i", { class: "swatch" });
    mark.style.background = shade(row, index);
    const shown = !this.chart.hidden.has(name);
    const button = h("button", { type: "button", class: "series", "aria-pressed": String(shown), title: name, onclick: () => {
      line.classList.toggle("hidden", !this.chart.toggle(index));
      button.setAttribute("aria-pressed", String(!this.chart.hidden.has(name)));
    } }, mark, h("span", {}, name));
    const number = (key) => h("td", {}, format(row[key], this.unit, this.decimals));
    row.cell = number("last");
    const line = h("tr", {
      class: shown ? null : "hidden",
      onmouseenter: () => this.chart.highlight(index), onmouseleave: () => this.chart.highlight(null),
    }, h("th", { scope: "row" }, button), row.cell, number("min"), number("max"), number("avg"));
    return line;
  }
}

