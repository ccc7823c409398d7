//! A store that keeps nothing: for measuring how points are taken in, and for trying a configuration on live traffic.

use carbon_line::MetricName;
use whisper::{Retention, Timestamp};

use crate::{Answer, Pending, StorageError, Store, WriteReport};

/// Takes every point and forgets it. A carbon that asks [`Store::keeps`] does not even let points wait.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nowhere;

impl Store for Nowhere {
    fn write<'a>(&'a self, _: &'a [Pending], _: Timestamp) -> Answer<'a, WriteReport> {
        Box::pin(std::future::ready(WriteReport::default()))
    }

    fn sync(&self) -> Answer<'_, Result<(), StorageError>> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn finest(&self, _: &MetricName) -> Retention {
        const ONE_SLOT: Retention = Retention::new(1, 1).expect("neither is zero");
        ONE_SLOT
    }

    fn keeps(&self) -> bool {
        false
    }
}
