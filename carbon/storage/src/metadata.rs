//! The one property of a stored series that cache queries ask for and change.

use carbon_line::MetricName;
use whisper::AggregationMethod;

use crate::{Answer, StorageError};

/// Tells and changes how coarser points of a stored series are made. A series whose first points still wait has none.
pub trait Metadata: Send + Sync {
    /// The method in force; `None` when the store does not have the series.
    fn aggregation_method<'a>(
        &'a self,
        name: &'a MetricName,
    ) -> Answer<'a, Result<Option<AggregationMethod>, StorageError>>;

    /// Puts `method` in force from here on, and gives the one until now; `None` when the store does not have the series.
    /// Coarse points that are stored already stay as they are.
    fn set_aggregation_method<'a>(
        &'a self,
        name: &'a MetricName,
        method: AggregationMethod,
    ) -> Answer<'a, Result<Option<AggregationMethod>, StorageError>>;
}
