//! Dashboards of others, told by their shape: graphite-web's (also its templates) and Grafana's. What is not carried over
//! is listed, never passed over in silence.

mod grafana;
mod graphite;
mod notes;

use serde_json::Value;

use super::limits::{DashboardFault, depth};
use super::model::Dashboard;
use notes::Notes;

/// Bytes that are read. What others export may be longer than what becomes of it.
const LONGEST: usize = 16 << 20;

/// Nesting that is read.
const DEEPEST: usize = 100;

/// What became of it.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The dashboard.
    pub dashboard: Dashboard,
    /// What did not become part of it, a sentence each.
    pub left_out: Vec<String>,
}

/// Why nothing could be made of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportFault {
    /// Not JSON at all.
    #[error("it is no JSON: {0}")]
    Json(serde_json::Error),
    /// Graph templates are colours and fonts.
    #[error("it is a template of colours and fonts, which pictures take by `template=`; it is no dashboard")]
    Colours,
    /// Longer or deeper than anything that is meant.
    #[error("it is longer than 16 MiB or nested deeper than 100 levels")]
    TooMuch,
    /// It is JSON of another kind.
    #[error("it is neither a dashboard of graphite-web nor one of Grafana")]
    Unknown,
    /// It is one of ours.
    #[error("it is a dashboard of this program already; save it as it is")]
    Ours,
    /// Grafana's newest form.
    #[error("it is in Grafana's form v2; export it in the classic one")]
    Version2,
    /// All panels ask another kind of source.
    #[error("none of its panels reads from Graphite; they read from {0}")]
    OtherSource(String),
    /// What became of it is beyond what a dashboard may have.
    #[error("what would become of it is too much: {0}")]
    Limits(DashboardFault),
}

/// Turns a dashboard of graphite-web or Grafana into one of ours.
///
/// # Errors
/// It is something else, or has nothing that reads from Graphite.
pub fn import(text: &[u8]) -> Result<Imported, ImportFault> {
    if text.len() > LONGEST || depth(text) > DEEPEST {
        return Err(ImportFault::TooMuch);
    }
    if is_template(text) {
        return Err(ImportFault::Colours);
    }
    let value: Value = serde_json::from_slice(text).map_err(ImportFault::Json)?;
    let mut notes = Notes::default();
    let dashboard = convert(&value, &mut notes)?;
    dashboard.within_limits().map_err(ImportFault::Limits)?;
    Ok(Imported { dashboard, left_out: notes.told() })
}

fn convert(value: &Value, notes: &mut Notes) -> Result<Dashboard, ImportFault> {
    // What an API says around it.
    for wrapping in ["dashboard", "spec", "state"] {
        match &value[wrapping] {
            inner @ Value::Object(_) => return convert_inner(inner, notes),
            // The column of graphite-web's database is a text.
            Value::String(text) if wrapping == "state" && depth(text.as_bytes()) <= DEEPEST => {
                let inner: Value = serde_json::from_str(text).map_err(ImportFault::Json)?;
                return convert_inner(&inner, notes);
            }
            _ => {}
        }
    }
    convert_inner(value, notes)
}

fn convert_inner(value: &Value, notes: &mut Notes) -> Result<Dashboard, ImportFault> {
    if value["graphs"].is_array() {
        return Ok(graphite::dashboard(value, notes));
    }
    if value["elements"].is_object() && value["layout"].is_object() {
        return Err(ImportFault::Version2);
    }
    if is_ours(value) {
        return Err(ImportFault::Ours);
    }
    if value["panels"].is_array() || value["rows"].is_array() {
        return grafana::dashboard(value, notes);
    }
    Err(ImportFault::Unknown)
}

/// Our panels have a kind, Grafana's a type.
fn is_ours(value: &Value) -> bool {
    let rows = value["rows"].as_array().into_iter().flatten();
    let mut panels = rows.flat_map(|row| row["panels"].as_array().into_iter().flatten());
    value["schemaVersion"].is_null() && panels.any(|panel| panel["kind"].is_string() && panel["type"].is_null())
}

/// A section of graphTemplates.conf: a name in brackets, then `key = value`.
fn is_template(text: &[u8]) -> bool {
    let lines = text.split(|b| *b == b'\n').map(<[u8]>::trim_ascii);
    let mut lines = lines.filter(|line| !line.is_empty() && !line.starts_with(b"#") && !line.starts_with(b";"));
    let is_section = |line: &[u8]| line.starts_with(b"[") && line.ends_with(b"]");
    lines.next().is_some_and(is_section) && lines.next().is_some_and(|line| line.contains(&b'=') && line[0] != b'"')
}

#[cfg(test)]
mod tests;
