//! From bytes of a peer to a batch for the cache: decoder, rules, names. Shared by all listeners; owns no socket.

use std::fmt::Display;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, OnceLock};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use carbon_line::{
    Datapoint, Decoder, MetricName, Numbers, Reject, Rules, Simple, datagram, decoder::Lines, pickle, plain,
};
use carbon_storage::{NameReader, NameTable, SeriesId};
use tracing::warn;
use whisper::Point;

use crate::batch::Batch;
use crate::cache::Cache;
use crate::gate::Gate;
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
    pub(crate) gate: Arc<Gate>,
    /// Whether the store keeps anything; if not, points are counted and forgotten.
    pub(crate) keeps: bool,
}

impl Intake {
    /// Decodes what `chunk` makes whole and adds it to `batch`; every line is in it or counted as refused.
    ///
    /// Hot path: one lock of the name table for all lines, nothing allocated for a line whose name is known. A line of
    /// the series that came next the last time costs a comparison of its name and a pass over its digits; any other
    /// known name is hashed and looked up.
    pub(crate) fn decode(&self, decoder: &mut Decoder, chunk: &[u8], peer: &dyn Display, batch: &mut Batch) {
        let now = now();
        let mut names = self.names.read();
        let mut lines = decoder.feed(chunk);
        let mut before = None;
        while let Some(line) = next(&mut lines, &names, before) {
            let filed = match line {
                Line::Guessed(id, numbers) => self.rules.point(numbers, now).map(|point| (id, point)),
                Line::Named(name, numbers) => {
                    let (reader, filed) = self.file(names, name, numbers, now);
                    names = reader;
                    if let (Some(before), Ok((id, _))) = (before, &filed) {
                        names.learn(before, *id);
                    }
                    filed
                }
                Line::Bad(reject) => Err(reject),
            };
            match filed {
                Ok(filed) => {
                    before = Some(filed.0);
                    batch.push(filed);
                }
                Err(reject) => self.refuse(reject, lines.latest(), peer),
            }
        }
    }

    /// As [`Intake::decode`], for the body of a pickle. A damaged one is refused as a whole, a bad item alone.
    pub(crate) fn decode_pickle(&self, body: &[u8], peer: &dyn Display, batch: &mut Batch) {
        let pickle = pickle::read(body).map_err(|_| Reject::Pickle);
        match pickle.as_ref().map_err(|reject| *reject).and_then(pickle::Pickle::datapoints) {
            Ok(points) => self.take(points, body, peer, batch),
            Err(reject) => self.refuse(reject, body, peer),
        }
    }

    /// As [`Intake::decode`], for a datagram.
    pub(crate) fn decode_datagram(&self, datagram: &[u8], peer: &dyn Display, batch: &mut Batch) {
        self.take(datagram::parse(datagram), datagram, peer, batch);
    }

    /// Adds datapoints to `batch`; `source` is what a log shows of a refusal.
    fn take<'p>(
        &self,
        points: impl Iterator<Item = Result<Datapoint<'p>, Reject>>,
        source: &[u8],
        peer: &dyn Display,
        batch: &mut Batch,
    ) {
        let now = now();
        let mut names = self.names.read();
        for point in points {
            let filed = match point {
                Ok(Datapoint { name, value, time }) => {
                    let (reader, filed) = self.file(names, name.as_bytes(), Numbers { value, time }, now);
                    names = reader;
                    filed
                }
                Err(reject) => Err(reject),
            };
            match filed {
                Ok(filed) => batch.push(filed),
                Err(reject) => self.refuse(reject, source, peer),
            }
        }
    }

    /// What a line says, for the cache. A name seen for the first time is checked and entered, for which the lock must
    /// be let go.
    fn file<'n>(&'n self, names: NameReader<'n>, name: &[u8], numbers: Numbers, now: f64) -> (NameReader<'n>, Filed) {
        let point = match self.rules.point(numbers, now) {
            Ok(point) => point,
            Err(reject) => return (names, Err(reject)),
        };
        if let Some(id) = names.lookup(name) {
            return (names, Ok((id, point)));
        }
        drop(names);
        let id = str::from_utf8(name).map_err(|_| Reject::NotUtf8).and_then(|name| self.enter(name));
        (self.names.read(), id.map(|id| (id, point)))
    }

    /// The id of a name that the table does not know as it was sent.
    fn enter(&self, name: &str) -> Result<SeriesId, Reject> {
        self.gate.admit(name, &MetricName::parse(name)?, &self.names)
    }

    /// Waits until there is room, then takes the batch for good; it is empty afterwards. All points of all listeners
    /// come this way.
    pub(crate) async fn accept(&self, batch: &mut Batch) {
        self.gate.sift(batch, |series, reject| self.refuse(reject, self.names.name(series).as_bytes(), &"a listener"));
        if !batch.is_empty() {
            if self.keeps {
                self.cache.room().await;
            }
            self.accept_own(batch);
        }
    }

    /// Takes a batch at once, even into a full cache: for our own counters, which are few and say why it is full.
    pub(crate) fn accept_own(&self, batch: &mut Batch) {
        if self.keeps {
            self.cache.insert(batch, 0, seconds());
        } else {
            for counter in [&self.stats.received, &self.stats.dropped, &self.stats.discarded] {
                counter.fetch_add(batch.len() as u64, Relaxed);
            }
        }
        batch.clear();
    }

    /// Counts a refusal, and logs one a second of each kind.
    pub(crate) fn refuse(&self, reject: Reject, line: &[u8], peer: &dyn Display) {
        if self.stats.refuse(reject) {
            let text = line[..line.len().min(SHOWN)].escape_ascii();
            warn!(reason = reject.reason(), %peer, line = %text, "Refused a line: {reject}.");
        }
    }
}

/// A point under its series' id, or why there is none.
type Filed = Result<(SeriesId, Point), Reject>;

/// A line, as far as it is understood without a table of names.
enum Line<'a> {
    /// It is of the series that was expected.
    Guessed(SeriesId, Numbers),
    /// It names a series.
    Named(&'a [u8], Numbers),
    Bad(Reject),
}

/// The next line; `before` is the series of the line before it, which knows who is likely to follow.
#[inline]
fn next<'a>(lines: &mut Lines<'a>, names: &NameReader<'_>, before: Option<SeriesId>) -> Option<Line<'a>> {
    if let Some((id, name)) = before.and_then(|before| names.after(before))
        && let Some(numbers) = lines.next_of(name)
    {
        return Some(Line::Guessed(id, numbers));
    }
    if let Some(Simple { name, numbers }) = lines.next_simple() {
        return Some(Line::Named(name, numbers));
    }
    let line = lines.next()?.and_then(plain::parse);
    Some(line.map_or_else(Line::Bad, |Datapoint { name, value, time }| {
        Line::Named(name.as_bytes(), Numbers { value, time })
    }))
}

/// Seconds since the first call, by a clock that does not go backwards.
pub(crate) fn seconds() -> u32 {
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed().as_secs() as u32
}

/// Seconds since the epoch by this machine's clock.
pub(crate) fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}
