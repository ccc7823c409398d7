//! What each use of memory may take up.

use render::{Family, Part};
use serde_json::{Value, json};

use crate::memory::Shares;

/// The limits that are in force. What is used of them stands with the parts that use it.
pub(crate) struct MemoryPart(pub(crate) Shares);

impl MemoryPart {
    fn shares(&self) -> [(&'static str, usize); 6] {
        let Shares { max, cache, pages, index, connections, queries, .. } = self.0;
        [
            ("process", max),
            ("cache", cache),
            ("pages", pages),
            ("index", index),
            ("connections", connections),
            ("queries", queries),
        ]
    }
}

impl Part for MemoryPart {
    fn name(&self) -> &'static str {
        "memory"
    }

    fn counters(&self) -> Value {
        json!({ "max": self.0.max })
    }

    fn families(&self) -> Vec<Family> {
        let family = Family::gauge("plumbago_memory_limit_bytes", "Memory that each use may take up.");
        let limit = |family: Family, (user, bytes): (&str, usize)| family.labelled(&[("use", user)], bytes as f64);
        vec![self.shares().into_iter().fold(family, limit)]
    }
}
