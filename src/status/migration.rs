//! How files are brought to changed schemas.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use render::{Family, Part};
use serde_json::{Value, json};

use crate::migration::Migrations;

/// The migrations of this process.
pub(crate) struct MigrationPart(pub(crate) Arc<Migrations>);

impl Part for MigrationPart {
    fn name(&self) -> &'static str {
        "migration"
    }

    fn counters(&self) -> Value {
        let Migrations { migrated, failed, .. } = &*self.0;
        json!({ "migrated": migrated.load(Relaxed), "failed": failed.load(Relaxed) })
    }

    fn families(&self) -> Vec<Family> {
        let Migrations { migrated, failed, .. } = &*self.0;
        vec![
            Family::counter(
                "plumbago_store_migrated_total",
                "Archives brought to the retentions that the schemas want.",
            )
            .value(migrated.load(Relaxed) as f64),
            Family::counter("plumbago_store_migration_failures_total", "Archives for which that went wrong.")
                .value(failed.load(Relaxed) as f64),
        ]
    }
}
