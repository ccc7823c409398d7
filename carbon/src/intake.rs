//! From bytes of a peer to a batch for the cache: decoder, rules, names. Shared by all listeners; owns no socket.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use carbon_line::{Datapoint, Decoder, MetricName, Reject, Rules, plain};
use carbon_storage::{NameReader, NameTable, SeriesId};
use tracing::warn;

use crate::batch::Batch;
use crate::cache::Cache;
use crate::stats::Stats;

/// Most bytes of a refused line that reach the log.
const SHOWN: usize = 200;

/// What every listener needs to turn bytes into waiting points.
#[derive(Debug)]
pub(crate) struct Intake {
    pub(crate) names: Arc<NameTable>,
    pub(crate) cache: Arc<Cache>,
    pub(crate) stats: Arc<Stats>,
    pub(crate) rules: Rules,
}

impl Intake {
    /// Decodes what `chunk` makes whole and adds it to `batch`; every line is in it or counted as refused.
    ///
    /// Hot path: one lock of the name table for all lines, nothing allocated for a line whose name is known.
    pub(crate) fn decode(&self, decoder: &mut Decoder, chunk: &[u8], peer: &dyn std::fmt::Display, batch: &mut Batch) {
        let now = now();
        let mut names = self.names.read();
        for line in decoder.feed(chunk) {
            let point = line.and_then(plain::parse);
            let admitted = point.and_then(|point| Ok((point, self.rules.admit(&point, now)?)));
            let filed = match admitted {
                Ok((point, admitted)) => {
                    let (reader, id) = self.id(names, &point);
                    names = reader;
                    id.map(|id| batch.push((id, admitted)))
                }
                Err(reject) => Err(reject),
            };
            if let Err(reject) = filed {
                self.refuse(reject, line.unwrap_or_default(), peer);
            }
        }
    }

    /// The id behind a datapoint's name. A name seen for the first time is checked and entered, for which the lock must
    /// be let go.
    fn id<'n>(&'n self, names: NameReader<'n>, point: &Datapoint<'_>) -> (NameReader<'n>, Result<SeriesId, Reject>) {
        if let Some(id) = names.lookup(point.name.as_bytes()) {
            return (names, Ok(id));
        }
        drop(names);
        let name = MetricName::parse(point.name).map_err(Reject::Name);
        let id = name.and_then(|name| self.names.admit(&name));
        (self.names.read(), id)
    }

    /// Files a decoded batch, which is empty afterwards. The one way in for every listener that can let its sender wait:
    /// waits while the cache is full.
    pub(crate) async fn accept(&self, batch: &mut Batch) {
        self.cache.insert(batch).await;
    }

    /// Counts a refusal, and logs one a second of each kind.
    pub(crate) fn refuse(&self, reject: Reject, line: &[u8], peer: &dyn std::fmt::Display) {
        if self.stats.refuse(reject) {
            let text = line[..line.len().min(SHOWN)].escape_ascii();
            warn!(reason = reject.reason(), %peer, line = %text, "Refused a line: {reject}.");
        }
    }
}

/// Seconds since the epoch by this machine's clock.
pub(crate) fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}
