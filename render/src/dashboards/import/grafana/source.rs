//! Which kind of source a panel or a target asks.

use std::collections::HashMap;

use serde_json::Value;

/// Kinds that a source's name may give away.
const KNOWN: [&str; 8] =
    ["graphite", "prometheus", "influxdb", "elasticsearch", "loki", "cloudwatch", "mysql", "postgres"];

/// The kinds of sources by what an export calls them.
pub(super) struct Sources(HashMap<String, String>);

impl Sources {
    pub(super) fn of(dashboard: &Value) -> Sources {
        let inputs = dashboard["__inputs"].as_array().into_iter().flatten();
        let named = |input: &Value| Some((input["name"].as_str()?.to_owned(), input["pluginId"].as_str()?.to_owned()));
        Sources(inputs.filter_map(named).collect())
    }

    /// The kind of source that a target asks, if it is not Graphite.
    pub(super) fn stranger(&self, panel: &Value, target: &Value) -> Option<String> {
        let kind = self.kind(&target["datasource"]).or_else(|| self.kind(&panel["datasource"]));
        match kind.as_deref() {
            Some("graphite") => None,
            Some(kind) => Some(kind.to_owned()),
            // Nobody says, so the question tells who can answer it.
            None if target["target"].is_string() || target["targetFull"].is_string() => None,
            None if target["expr"].is_string() => Some("prometheus".to_owned()),
            None if target["rawSql"].is_string() => Some("a database".to_owned()),
            None => Some("an unknown source".to_owned()),
        }
    }

    fn kind(&self, source: &Value) -> Option<String> {
        if let Some(kind) = source["type"].as_str() {
            return Some(kind.to_owned()).filter(|kind| kind != "mixed" && kind != "datasource");
        }
        let name = source.as_str()?.trim_start_matches("${").trim_start_matches('$').trim_end_matches('}');
        if let Some(kind) = self.0.get(name) {
            return Some(kind.clone());
        }
        let name = name.to_ascii_lowercase();
        KNOWN.iter().find(|kind| name.contains(**kind)).map(|kind| (*kind).to_owned())
    }
}
