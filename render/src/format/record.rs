//! What the two binary formats say about a series, in the order of graphite-web's `getInfo`.

use crate::series::Consolidation;

/// The name of a consolidation method in the records.
pub(super) fn method(consolidation: &Consolidation) -> &str {
    match consolidation {
        Consolidation::Average => "average",
        Consolidation::Sum => "sum",
        Consolidation::Min => "min",
        Consolidation::Max => "max",
        Consolidation::First => "first",
        Consolidation::Last => "last",
        Consolidation::AverageZero => "avg_zero",
        Consolidation::Unknown(name) => name,
    }
}
