// Dialogs that change a dashboard as a whole: its settings with the variables, or all of it as JSON. Fields they do not
// know are kept.
import { dialog, figure, put, text } from "./dialog.js";
import { field, h } from "./dom.js";

/** Title, times and variables. */
export function editSettings(board, done) {
  const made = structuredClone(board);
  const [title, description, from, until] = [made.title, made.description, made.from, made.until].map((value) => text(value));
  const refresh = text(made.refresh ?? 10, { type: "number", min: "0" });
  const variables = variableFields(made.variables || []);
  dialog("Settings", [field("Title", title), field("Description", description),
    h("div", { class: "pair" }, field("From", from), field("Until", until), field("Refresh, seconds", refresh)), variables.root], () => {
    for (const [name, input] of Object.entries({ title, description, from, until })) put(made, name, input.value.trim());
    made.refresh = figure(refresh) ?? 0;
    const list = variables.read();
    put(made, "variables", list.length ? list : undefined);
    done(made);
    return true;
  });
}

function variableFields(variables) {
  const root = h("div", { class: "fields" });
  const rows = [];
  const add = (variable) => {
    const [name, label, query] = [text(variable.name, { pattern: "[A-Za-z_][A-Za-z0-9_]*" }), text(variable.label), text(variable.query, { class: "code" })];
    const node = text(variable.node, { type: "number" });
    const regex = text(variable.regex, { class: "code" });
    const values = text((variable.values || []).join(", "));
    const all = h("input", { type: "checkbox" });
    all.checked = Boolean(variable.all);
    const box = h("fieldset", {}, h("legend", {}, "Variable"), h("div", { class: "pair" }, field("Name", name), field("Label", label), field("Part of the name, from 0", node)),
      field("Names that give its values, such as servers.*", query), field("Of these what this regular expression finds, such as /osd(\\d+)/", regex), field("Or values, parted by commas", values),
      h("div", { class: "pair" }, h("label", { class: "check" }, all, "Several at once"),
        h("button", { type: "button", class: "button", onclick: () => { box.remove(); rows.splice(rows.indexOf(entry), 1); } }, "Remove variable")));
    const entry = { variable, name, label, query, node, regex, values, all };
    rows.push(entry);
    more.before(box);
  };
  const more = h("button", { type: "button", class: "button", onclick: () => add({}) }, "Add variable");
  root.append(more);
  variables.forEach(add);
  const read = () => rows.filter(({ name }) => name.value.trim()).map(({ variable, name, label, query, node, regex, values, all }) => {
    variable.name = name.value.trim();
    put(variable, "label", label.value.trim());
    put(variable, "query", query.value.trim());
    put(variable, "node", figure(node));
    put(variable, "regex", regex.value.trim());
    const list = values.value.split(",").map((value) => value.trim()).filter(Boolean);
    put(variable, "values", list.length ? list : undefined);
    put(variable, "all", all.checked);
    return variable;
  });
  return { root, read };
}

/** The whole dashboard as text. */
export function showJson(board, done) {
  const area = h("textarea", { class: "code json", rows: "24", spellcheck: "false", "aria-label": "Dashboard as JSON", value: JSON.stringify(board, null, 2) });
  const fault = h("p", { class: "bad", role: "alert" });
  dialog("Dashboard as JSON", [area, fault], () => {
    try {
      const made = JSON.parse(area.value);
      if (!made || typeof made !== "object" || !Array.isArray(made.rows)) throw new Error("a dashboard is an object with a list of rows");
      done(made);
      return true;
    } catch (error) {
      fault.textContent = error.message;
      return false;
    }
  });
}
