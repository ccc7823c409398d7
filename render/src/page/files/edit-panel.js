// The dialog that changes a panel. Fields it does not know are kept.
import { completion } from "./complete.js";
import { dialog, figure, lines, parted, put, select, text } from "./dialog.js";
import { field, fill, h } from "./dom.js";
import { pickFunction } from "./functions.js";

const REDUCERS = [["", "The last value"], ["avg", "The average"], ["min", "The least"], ["max", "The most"], ["total", "The sum of all points"]];

const KINDS = [["chart", "Chart"], ["number", "Number"], ["table", "Table"], ["text", "Text"]];

/** Edits a copy of `panel`; `done` gets it. */
export function editPanel(panel, done) {
  const made = structuredClone(panel);
  const kind = select(made.kind || "chart", KINDS);
  const title = text(made.title);
  const description = text(made.description);
  const width = text(made.width ?? 6, { type: "number", min: "1", max: "12" });
  const height = text(made.height ?? 220, { type: "number", min: "80", max: "1200" });
  const unit = text(made.unit, { list: "units" });
  const decimals = text(made.decimals, { type: "number", min: "0", max: "12" });
  const targets = lines(made.targets || [], "Targets, one a line");
  const proposals = completion(targets);
  targets.addEventListener("keydown", (event) => proposals.key(event));
  const asked = h("div", { class: "target-text" }, targets, proposals.list);
  const options = lines(Object.entries(made.options || {}).map(([name, value]) => `${name}=${value}`), "Graph options, one name=value a line");
  const [warn, alarm] = [made.warn, made.alarm].map((value) => text(value, { inputmode: "decimal" }));
  const limits = () => h("div", { class: "pair" }, field("Warning from", warn), field("Alarm from", alarm));
  const [from, until, repeat, empty] = [made.from, made.until, made.repeat, made.empty].map((value) => text(value));
  const reduce = select(made.reduce || "", REDUCERS);
  const spark = h("input", { type: "checkbox", id: "edit-spark" });
  spark.checked = Boolean(made.spark);
  const [row, link] = [text(made.row), text(made.link)];
  const silent = text(made.silent, { type: "number", min: "1" });
  const words = h("textarea", { rows: "5", "aria-label": "Text", value: made.text || "" });
  const columns = columnFields(made.columns || []);
  const wrap = h("button", { type: "button", class: "button", onclick: () => {
    const all = parted(targets);
    pickFunction(all.at(-1) || "", (wrapped) => (targets.value = [...all.slice(0, -1), wrapped].join("\n")));
  } }, "ƒ around the last one");
  const others = () => [h("div", { class: "pair" }, field("From, if not the dashboard's", from), field("Until", until)),
    h("div", { class: "pair" }, field("Once for each value of the variable", repeat), field("Said when there is nothing to show", empty))];
  // Made when they are shown: a field lies in one place at a time.
  const parts = {
    chart: () => [h("div", { class: "field" }, h("span", { class: "label" }, "Targets, one a line"), asked, wrap), h("div", { class: "field" }, h("span", { class: "label" }, "Graph options, such as areaMode=stacked or yMin=0"), options), limits(), ...others()],
    number: () => [h("div", { class: "field" }, h("span", { class: "label" }, "Targets, one a line; several are added up"), asked), field("Shown is", reduce), limits(), h("label", { class: "check" }, spark, "Small chart"), ...others()],
    table: () => [h("div", { class: "pair" }, field("Heading of the names", row), field("Silent after seconds", silent)), field("Link of a row, $row is its name", link), columns.root],
    text: () => [words],
  };
  const place = h("div", { class: "fields" });
  const show = () => {
    fill(place, parts[kind.value]?.() || h("p", { class: "hint" }, "This kind is only edited as JSON."));
    height.parentElement.hidden = kind.value !== "chart";
  };
  const heightField = field("Height", height);
  const readOthers = () => {
    made.targets = parted(targets);
    for (const [name, input] of Object.entries({ warn, alarm })) put(made, name, figure(input));
    for (const [name, input] of Object.entries({ from, until, repeat, empty })) put(made, name, input.value.trim().replace(name === "repeat" ? /^\$/ : "", ""));
  };
  dialog(panel.title ? `Panel “${panel.title}”` : "Panel", [
    h("datalist", { id: "units" }, ["%", "ratio", "B", "B/s", "bit/s", "s", "ms", "/s"].map((value) => h("option", { value }))),
    h("div", { class: "pair" }, field("Kind", kind), field("Title", title)), field("Description", description),
    h("div", { class: "pair" }, field("Width, of 12", width), heightField, field("Unit", unit), field("Decimals", decimals)), place,
  ], () => {
    made.kind = kind.value;
    for (const [name, input] of Object.entries({ title, description, unit })) put(made, name, input.value.trim());
    for (const [name, input] of Object.entries({ width, decimals })) put(made, name, figure(input));
    const own = {
      chart: () => { put(made, "height", figure(height)); put(made, "options", optionsOf(parted(options))); readOthers(); },
      number: () => { put(made, "reduce", reduce.value); put(made, "spark", spark.checked); readOthers(); },
      table: () => { for (const [name, input] of Object.entries({ row, link })) put(made, name, input.value.trim()); put(made, "silent", figure(silent)); made.columns = columns.read(); },
      text: () => put(made, "text", words.value),
    };
    own[made.kind]?.();
    done(made);
    return true;
  });
  kind.addEventListener("change", show);
  show();
}

function optionsOf(pairs) {
  const cut = pairs.map((line) => [line.split("=")[0].trim(), line.slice(line.indexOf("=") + 1).trim()]).filter(([name]) => name);
  return cut.length ? Object.fromEntries(cut) : undefined;
}

function columnFields(columns) {
  const root = h("div", { class: "fields" });
  const rows = [];
  const add = (column) => {
    const [title, target, unit] = [text(column.title), text(column.target, { class: "code" }), text(column.unit, { list: "units" })];
    const decimals = text(column.decimals, { type: "number", min: "0", max: "12" });
    const spark = h("input", { type: "checkbox" });
    spark.checked = Boolean(column.spark);
    const box = h("fieldset", {}, h("legend", {}, "Column"), h("div", { class: "pair" }, field("Title", title), field("Unit", unit), field("Decimals", decimals)),
      field("Target", target), h("div", { class: "pair" }, h("label", { class: "check" }, spark, "Small charts"),
        h("button", { type: "button", class: "button", onclick: () => { box.remove(); rows.splice(rows.indexOf(entry), 1); } }, "Remove column")));
    const entry = { column, title, target, unit, decimals, spark };
    rows.push(entry);
    more.before(box);
  };
  const more = h("button", { type: "button", class: "button", onclick: () => add({}) }, "Add column");
  root.append(more);
  (columns.length ? columns : [{}]).forEach(add);
  const read = () => rows.filter(({ target }) => target.value.trim()).map(({ column, title, target, unit, decimals, spark }) => {
    column.title = title.value.trim();
    column.target = target.value.trim();
    put(column, "unit", unit.value.trim());
    put(column, "decimals", figure(decimals));
    put(column, "spark", spark.checked);
    return column;
  });
  return { root, read };
}
