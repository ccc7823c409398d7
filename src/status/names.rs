//! The index of names, seen from outside.

use carbon_storage::NameIndex;
use render::{Family, Part};
use serde_json::{Value, json};

/// What the index of names holds.
pub(crate) struct NamesPart(pub(crate) NameIndex);

impl Part for NamesPart {
    fn name(&self) -> &'static str {
        "names"
    }

    fn counters(&self) -> Value {
        json!({ "names": self.0.len(), "bytes": self.0.bytes() })
    }

    fn families(&self) -> Vec<Family> {
        let gauge = |name, help, value: usize| Family::gauge(name, help).value(value as f64);
        vec![
            gauge("plumbago_index_names", "Names in the index that answers searches.", self.0.len()),
            gauge("plumbago_index_bytes", "Memory that this index takes, about.", self.0.bytes()),
        ]
    }
}
