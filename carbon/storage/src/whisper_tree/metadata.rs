//! The aggregation method in a file's header, read and changed under the lock that writers take, on threads that may
//! block.

use carbon_line::MetricName;
use std::io;
use whisper::{AggregationMethod, Whisper};

use super::WhisperTree;
use crate::metadata::Metadata;
use crate::{Answer, StorageError};

impl Metadata for WhisperTree {
    fn aggregation_method<'a>(
        &'a self,
        name: &'a MetricName,
    ) -> Answer<'a, Result<Option<AggregationMethod>, StorageError>> {
        let path = self.present_file_of(name);
        on_a_thread(move || Ok(Whisper::open_read_only(path)?.header().method))
    }

    fn set_aggregation_method<'a>(
        &'a self,
        name: &'a MetricName,
        method: AggregationMethod,
    ) -> Answer<'a, Result<Option<AggregationMethod>, StorageError>> {
        let path = self.present_file_of(name);
        on_a_thread(move || Whisper::open_locked(path)?.set_aggregation_method(method))
    }
}

fn on_a_thread<'a>(
    work: impl FnOnce() -> Result<AggregationMethod, whisper::Error> + Send + 'static,
) -> Answer<'a, Result<Option<AggregationMethod>, StorageError>> {
    Box::pin(async move {
        match tokio::task::spawn_blocking(work).await.map_err(|_| StorageError::WorkerLost)? {
            Err(error) if error.io_kind() == Some(io::ErrorKind::NotFound) => Ok(None),
            outcome => Ok(Some(outcome?)),
        }
    })
}
