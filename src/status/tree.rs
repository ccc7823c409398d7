//! What the tree of archives keeps in memory.

use carbon_storage::{Store, WhisperTree};
use render::{Family, Part};
use serde_json::{Value, json};

/// The files that are written to.
pub(crate) struct TreePart(pub(crate) WhisperTree);

impl Part for TreePart {
    fn name(&self) -> &'static str {
        "tree"
    }

    fn counters(&self) -> Value {
        json!({ "pages_bytes": self.0.pages_bytes() })
    }

    fn families(&self) -> Vec<Family> {
        let help = "Memory that newest pages of archives take, where the page cache does not keep them.";
        vec![Family::gauge("plumbago_pages_bytes", help).value(self.0.pages_bytes() as f64)]
    }

    fn spare_descriptors(&self) {
        self.0.spare_descriptors();
    }
}
