// Takes over dashboards of graphite-web and Grafana: the server translates, and what came of it is edited before it is saved.
import { reason, send } from "./api.js";
import { field, h } from "./dom.js";
import { dialog } from "./dialog.js";

let waiting = null;

/** What was imported last and is to be shown as a new dashboard: `{dashboard, leftOut}`; once. */
export function imported() {
  const found = waiting;
  waiting = null;
  return found;
}

/** Asks for a file or its text; `done()` shows what came of it. */
export function importDashboard(done) {
  const area = h("textarea", { class: "code json", rows: "12", spellcheck: "false", "aria-label": "Dashboard to import" });
  const file = h("input", { type: "file", accept: ".json,.conf,application/json,text/plain", onchange: async () => {
    if (file.files[0]) area.value = await file.files[0].text();
  } });
  const fault = h("p", { class: "bad", role: "alert" });
  dialog("Import a dashboard", [
    h("p", { class: "hint" }, "A dashboard or graph template of graphite-web, or the JSON of a Grafana dashboard over Graphite. Nothing is saved before you say so."),
    field("File", file), area, fault], async () => {
    fault.textContent = "";
    try {
      const { dashboard, left_out: leftOut } = await (await send("POST", "dashboards/import", area.value)).json();
      waiting = { dashboard, leftOut };
      done();
      return true;
    } catch (error) {
      fault.textContent = `${reason(error)}${error.hint ? ` ${error.hint}` : ""}`;
      return false;
    }
  }, "Import");
}
