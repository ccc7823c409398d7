//! From bytes of a peer to a batch for the cache: decoder, rules, names. Shared by all listeners; owns no socket.

use std::fmt::Display;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use carbon_journal::{Journal, Ticket};
use carbon_line::{Datapoint, Decoder, MetricName, Numbers, Reject, Simple, datagram, decoder::Lines, pickle, plain};
use carbon_storage::{NameReader, NameTable, SeriesId};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::warn;
use whisper::Point;

use crate::batch::Batch;
use crate::cache::{Cache, Room};
use crate::clock::{now, seconds};
use crate::gate::Gate;
use crate::limits::LiveLimits;
use crate::others::Others;
use crate::stats::Stats;

/// Most bytes of a refused line that reach the log.
const SHOWN: usize = 200;

/// Whether the journal was ready when a batch was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readiness {
    InTime,
    /// Before the journal was ready for it.
    Late,
}

/// How long a batch still waits for room, or for the journal, once listeners stop: what was read is filed all the same,
/// and it is up to the writers to store what the journal does not take.
const LAST_PATIENCE: Duration = Duration::from_millis(500);

/// What every listener needs to turn bytes into waiting points.
#[derive(Debug)]
pub(crate) struct Intake {
    pub(crate) names: Arc<NameTable>,
    pub(crate) cache: Arc<Cache>,
    pub(crate) stats: Arc<Stats>,
    pub(crate) limits: Arc<LiveLimits>,
    pub(crate) journal: Option<Arc<Journal>>,
    /// Whether a batch waits until it is safe from a power cut.
    pub(crate) sync_always: bool,
    /// How long a cache that does not empty is waited for.
    pub(crate) stall_for: Duration,
    /// Whether it was waited for in vain.
    pub(crate) stalled: AtomicBool,
    pub(crate) gate: Arc<Gate>,
    /// Whether the store keeps anything; if not, points are counted and forgotten.
    pub(crate) keeps: bool,
    /// Numbers of others that are reported with ours.
    pub(crate) others: Others,
    /// Fires when listeners stop.
    pub(crate) stop: Mutex<CancellationToken>,
}

impl Intake {
    /// Decodes what `chunk` makes whole and adds it to `batch`; every line is in it or counted as refused.
    ///
    /// Hot path: one lock of the name table for all lines, nothing allocated for a line whose name is known. A line of
    /// the series that came next the last time costs a comparison of its name and a pass over its digits; any other
    /// known name is hashed and looked up.
    pub(crate) fn decode(&self, decoder: &mut Decoder, chunk: &[u8], peer: &dyn Display, batch: &mut Batch) {
        let had = batch.len();
        let (now, rules) = (now(), self.limits.get().rules);
        let mut names = self.names.read();
        let mut lines = decoder.feed(chunk);
        // About as many as there are lines, so that a batch is allocated once, if at all.
        batch.reserve(chunk.len() / 64);
        let mut before = None;
        while let Some(line) = next(&mut lines, &names, before) {
            let filed = match line {
                Line::Guessed(id, numbers) => rules.point(numbers, now).map(|point| (id, point)),
                Line::Named(name, numbers) => {
                    let (reader, filed) = self.file(names, name, rules.point(numbers, now));
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
        self.stats.from_lines.fetch_add((batch.len() - had) as u64, Relaxed);
    }

    /// As [`Intake::decode`], for the body of a pickle. A damaged one is refused as a whole, a bad item alone.
    pub(crate) fn decode_pickle(&self, body: &[u8], peer: &dyn Display, batch: &mut Batch) {
        let had = batch.len();
        let pickle = pickle::read(body).map_err(|_| Reject::Pickle);
        match pickle.as_ref().map_err(|reject| *reject).and_then(pickle::Pickle::datapoints) {
            Ok(points) => self.take(points, body, peer, batch),
            Err(reject) => self.refuse(reject, body, peer),
        }
        self.stats.from_pickles.fetch_add((batch.len() - had) as u64, Relaxed);
    }

    /// As [`Intake::decode`], for a datagram.
    pub(crate) fn decode_datagram(&self, datagram: &[u8], peer: &dyn Display, batch: &mut Batch) {
        let had = batch.len();
        self.take(datagram::parse(datagram), datagram, peer, batch);
        self.stats.from_datagrams.fetch_add((batch.len() - had) as u64, Relaxed);
    }

    /// Adds datapoints to `batch`; `source` is what a log shows of a refusal.
    fn take<'p>(
        &self,
        points: impl Iterator<Item = Result<Datapoint<'p>, Reject>>,
        source: &[u8],
        peer: &dyn Display,
        batch: &mut Batch,
    ) {
        let (now, rules) = (now(), self.limits.get().rules);
        let mut names = self.names.read();
        for point in points {
            let filed = match point {
                Ok(Datapoint { name, value, time }) => {
                    let (reader, filed) = self.file(names, name.as_bytes(), rules.point(Numbers { value, time }, now));
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
    fn file<'n>(&'n self, names: NameReader<'n>, name: &[u8], point: Result<Point, Reject>) -> (NameReader<'n>, Filed) {
        let point = match point {
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
    /// Gives whether it had to be taken before the journal was ready, because listeners stop: then nothing more should
    /// be read, which nobody may be able to keep.
    pub(crate) async fn accept(&self, batch: &mut Batch) -> Readiness {
        self.accept_as(batch, Journaled::Soon).await
    }

    /// As [`Intake::accept`], on a thread that calls [`Intake::write_journal`] before it sleeps.
    pub(crate) async fn accept_to_write(&self, batch: &mut Batch) -> Readiness {
        self.accept_as(batch, Journaled::ByCaller).await
    }

    /// Hands the kernel what the journal holds in memory.
    pub(crate) fn write_journal(&self) {
        if let Some(journal) = &self.journal {
            journal.write();
        }
    }

    async fn accept_as(&self, batch: &mut Batch, journaled: Journaled) -> Readiness {
        self.gate.sift(batch, |series, reject| self.refuse(reject, self.names.name(series).as_bytes(), &"a listener"));
        if batch.is_empty() {
            return Readiness::InTime;
        }
        // Held until the points are filed, so that others who find room meanwhile do not count on the same.
        let room = self.unless_stopping(self.wait_for_room(batch.len())).await;
        let ready = match &self.journal {
            Some(journal) => self.unless_stopping(journal.ready()).await,
            None => Some(()),
        };
        let ticket = self.file_batch(batch, journaled);
        if matches!(room, Some(None)) {
            self.make_room();
        }
        drop(room);
        if let (Some(journal), Some(ticket), true) = (&self.journal, ticket, self.sync_always) {
            self.unless_stopping(journal.synced(ticket.position())).await;
        }
        if ready.is_some() { Readiness::InTime } else { Readiness::Late }
    }

    /// What `waited` gives, or `None` when listeners stop meanwhile and it does not come soon.
    async fn unless_stopping<T>(&self, waited: impl Future<Output = T>) -> Option<T> {
        let stopping = async {
            let stop = self.stop.lock().unwrap_or_else(PoisonError::into_inner).clone();
            stop.cancelled().await;
            sleep(LAST_PATIENCE).await;
        };
        tokio::select! {
            biased;
            it = waited => Some(it),
            () = stopping => None,
        }
    }

    /// Puts another stop in force, for listeners that begin anew.
    pub(crate) fn until(&self, stop: CancellationToken) {
        *self.stop.lock().unwrap_or_else(PoisonError::into_inner) = stop;
    }

    /// Waits while the cache is nearly full. `None` when the store has stood still for so long that nobody is kept
    /// waiting any more, until there is room again.
    async fn wait_for_room(&self, points: usize) -> Option<Room<'_>> {
        let patience = if self.stalled.load(Relaxed) { Duration::ZERO } else { self.stall_for };
        let room = timeout(patience, self.cache.room(points)).await.ok();
        self.stalled.store(room.is_none(), Relaxed);
        room
    }

    /// Takes a batch of our own counters: there are few, and they say why nothing else comes in.
    pub(crate) fn accept_own(&self, batch: &mut Batch) {
        self.file_batch(batch, Journaled::Soon);
    }

    /// Into the journal first, so that nobody sees a point that could still be lost; then into the cache.
    fn file_batch(&self, batch: &mut Batch, journaled: Journaled) -> Option<Ticket> {
        if !self.keeps {
            self.stats.received.fetch_add(batch.len() as u64, Relaxed);
            self.stats.dropped.fetch_add(batch.len() as u64, Relaxed);
            self.stats.discarded.fetch_add(batch.len() as u64, Relaxed);
            batch.clear();
            return None;
        }
        let ticket = self.journal.as_ref().map(|journal| match journaled {
            Journaled::Soon => journal.append(batch),
            Journaled::ByCaller => journal.append_to_write(batch),
        });
        let segment = ticket.as_ref().map_or(0, |ticket| ticket.segment().number());
        self.cache.insert(batch, segment, seconds());
        batch.clear();
        ticket
    }

    /// The store has stood still for so long that senders are not kept waiting any more.
    fn make_room(&self) {
        if !self.cache.has_room() {
            let shed = self.cache.shed();
            warn!(prefix = shed.prefix, points = shed.points, "The cache is full; the oldest points had to make room.");
        }
    }

    /// Counts a refusal, and logs one a second of each kind.
    pub(crate) fn refuse(&self, reject: Reject, line: &[u8], peer: &dyn Display) {
        if self.stats.refuse(reject) {
            let text = line[..line.len().min(SHOWN)].escape_ascii();
            warn!(reason = reject.reason(), %peer, line = %text, "Refused a line: {reject}.");
        }
    }
}

/// Who hands the kernel what was appended to the journal.
#[derive(Clone, Copy)]
enum Journaled {
    /// The journal's own thread, within a tenth of a second.
    Soon,
    ByCaller,
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
    if let Some((id, name)) = before.and_then(|before| names.after(before)) {
        names.fetch_after(id);
        if let Some(numbers) = lines.next_of(name) {
            return Some(Line::Guessed(id, numbers));
        }
    }
    if let Some(Simple { name, numbers }) = lines.next_simple() {
        return Some(Line::Named(name, numbers));
    }
    let line = lines.next()?.and_then(plain::parse);
    Some(line.map_or_else(Line::Bad, |Datapoint { name, value, time }| {
        Line::Named(name.as_bytes(), Numbers { value, time })
    }))
}
