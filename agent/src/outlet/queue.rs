//! What waits for one destination, in memory and on disk. No clock, no lock, no socket.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use whisper::Interval;

use super::backlog::{Backlog, Replay};
use super::chunk::{CHUNK, Chunk};
use super::counts::Counts;
use super::handed::Handed;
use super::lost::{Cause, Lost};

/// The least memory that makes sense.
pub(crate) const SMALLEST: usize = 4 * CHUNK;

/// The longest line.
pub(super) const LINE: usize = 8 << 10;

/// An outage of this long does not reach the disk.
const SHORT: Duration = Duration::from_secs(5);

/// The longest that the spool sleeps.
const LONG: Duration = Duration::from_secs(3600);

/// Pieces whose memory is kept for the next lines: one that goes out, and one that its lines are kept in.
const SPARE: usize = 2;

/// Chunks that go to disk in one go.
const SPILLED: usize = 64;

/// How much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Memory for lines.
    pub(crate) bytes: usize,
    /// How long lines are kept that were handed over; zero for not at all.
    pub(crate) resend: Duration,
    /// How far slots are apart, for the account of losses.
    pub(crate) slot: Interval,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Queue {
    limits: Limits,
    /// Oldest first.
    waiting: VecDeque<Chunk>,
    waiting_bytes: usize,
    /// Memory of chunks that were handed over, at most [`SPARE`], for the next; while there is an outage, of those that
    /// went to disk: the threads that fill the queue take it from here and not each from a heap of its own, which would all
    /// be as large as they ever were.
    spare: Vec<Chunk>,
    handed: Handed,
    counts: Counts,
    lost: Lost,
    /// Since when there is no connection.
    away: Option<Instant>,
    pub(crate) backlog: Backlog,
}

impl Queue {
    pub(crate) fn new(limits: Limits) -> Queue {
        Queue {
            limits,
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            spare: Vec::new(),
            handed: Handed::new(limits.resend, limits.bytes / 4),
            counts: Counts::default(),
            lost: Lost::none(limits.slot),
            away: None,
            backlog: Backlog::default(),
        }
    }

    /// Puts other limits in force.
    pub(crate) fn limit(&mut self, limits: Limits) {
        self.handed.limit(limits.resend, limits.bytes / 4);
        self.limits = limits;
    }

    /// Appends whole lines, each ended by a newline. One of more than [`LINE`] bytes is lost.
    pub(crate) fn push(&mut self, lines: &[u8]) {
        if self.append_all(lines).is_some() {
            return;
        }
        for line in lines.split_inclusive(|byte| *byte == b'\n') {
            self.append(line);
        }
    }

    /// Appends all in one piece when it fits where the last line went, and no line is too long: what a run of a collector
    /// mostly is.
    fn append_all(&mut self, lines: &[u8]) -> Option<()> {
        let last = self.waiting.back_mut().filter(|last| last.fits(lines))?;
        let (mut points, mut begun) = (0, 0);
        for end in memchr::memchr_iter(b'\n', lines) {
            (points, begun) = (points + 1, (end + 1 - begun <= LINE).then_some(end + 1)?);
        }
        (begun == lines.len()).then_some(())?;
        last.lines.extend_from_slice(lines);
        last.points += points;
        self.counts.queued += points;
        Some(())
    }

    fn append(&mut self, line: &[u8]) {
        if line.len() > LINE {
            self.lose(Cause::Unfit, 1, []);
            return;
        }
        self.counts.queued += 1;
        if let Some(last) = self.waiting.back_mut().filter(|last| last.fits(line)) {
            last.lines.extend_from_slice(line);
            last.points += 1;
            return;
        }
        let mut chunk = self.make_room().or_else(|| self.spare.pop()).unwrap_or_else(Chunk::with_room);
        chunk.lines.extend_from_slice(line);
        chunk.points = 1;
        self.waiting_bytes += chunk.memory();
        self.waiting.push_back(chunk);
    }

    /// Drops the oldest lines until one more chunk fits; gives the memory of one that it dropped.
    fn make_room(&mut self) -> Option<Chunk> {
        let mut spare = None;
        while self.waiting_bytes + CHUNK > self.room() {
            let mut oldest = self.pop()?;
            self.drop_chunk(&oldest);
            if oldest.empty() {
                spare = Some(oldest);
            }
        }
        spare
    }

    fn drop_chunk(&mut self, chunk: &Chunk) {
        // What was handed over before is not lost, it only does not go out again.
        if chunk.handed == 0 {
            self.lose(Cause::Full, chunk.points, chunk.times());
        }
    }

    /// The oldest lines, which are then the caller's; `None` when nothing waits.
    pub(crate) fn pop(&mut self) -> Option<Chunk> {
        let chunk = self.waiting.pop_front()?;
        self.waiting_bytes -= chunk.memory();
        if chunk.handed == 0 {
            self.counts.queued -= chunk.points;
        }
        Some(chunk)
    }

    /// Takes the memory of a chunk back whose lines are on disk.
    pub(crate) fn reuse(&mut self, mut chunk: Chunk) {
        let bytes = self.waiting_bytes + (self.spare.len() + 1) * CHUNK;
        if self.away.is_some() && bytes <= self.room() && chunk.empty() {
            self.spare.push(chunk);
        }
    }

    /// Takes a chunk back that was popped: it is the oldest again, so it goes first when there is no room.
    pub(crate) fn put_back(&mut self, chunk: Chunk) {
        if self.waiting_bytes + chunk.memory() > self.room() {
            self.drop_chunk(&chunk);
            return;
        }
        if chunk.handed == 0 {
            self.counts.queued += chunk.points;
        }
        self.waiting_bytes += chunk.memory();
        self.waiting.push_front(chunk);
    }

    /// Enters that the destination was handed a chunk at `now`, and keeps it for a while.
    pub(crate) fn handed(&mut self, chunk: Chunk, now: Instant) {
        let counter = if chunk.handed == 0 { &mut self.counts.sent } else { &mut self.counts.resent };
        *counter += chunk.points;
        let spare = &mut self.spare;
        self.handed.keep(chunk, now, |mut chunk| {
            if spare.len() < SPARE && chunk.empty() {
                spare.push(chunk);
            }
        });
    }

    /// Forgets all that was handed over: the destination has confirmed that it has read it.
    pub(crate) fn confirmed(&mut self) {
        self.handed.clear();
        self.backlog.confirmed();
    }

    /// Enters that lines from the spool were handed over.
    pub(crate) fn replayed(&mut self, replay: Replay, now: Instant) {
        let counter = if replay.again { &mut self.counts.resent } else { &mut self.counts.sent };
        *counter += replay.points;
        self.backlog.handed(replay, now);
    }

    /// There is no connection, or no more: what it was handed last waits again, before all else.
    pub(crate) fn broken(&mut self, now: Instant) {
        self.away.get_or_insert(now);
        self.handed.forget(now, drop);
        self.backlog.broken();
        while let Some(chunk) = self.handed.take_latest() {
            self.put_back(chunk);
        }
    }

    /// A connection was made.
    pub(crate) fn connected(&mut self) {
        self.counts.connects += 1;
        self.away = None;
        self.spare = Vec::new();
    }

    /// The oldest lines, when they should go to disk: all of them once the destination has been away for [`SHORT`], and
    /// what is beyond a quarter of the room when half of it is full.
    pub(crate) fn spill(&mut self, now: Instant, all: bool) -> Vec<Chunk> {
        let away = self.away.is_some_and(|since| now.saturating_duration_since(since) >= SHORT);
        let down_to = match all || away {
            true => 0,
            false if self.is_crowded() => self.room() / 4,
            false => return Vec::new(),
        };
        let mut chunks = Vec::new();
        while self.waiting_bytes > down_to && chunks.len() < SPILLED {
            chunks.extend(self.pop());
        }
        chunks
    }

    /// Whether half of the memory is full.
    pub(crate) fn is_crowded(&self) -> bool {
        self.waiting_bytes > self.room() / 2
    }

    /// How long the spool may sleep if nobody wakes it.
    pub(crate) fn nap(&self, now: Instant) -> Duration {
        if self.is_crowded() || self.wants_replay() {
            return Duration::ZERO;
        }
        let longest = if self.away.is_some() { SHORT } else { LONG };
        self.backlog.nap(now, self.limits.resend).unwrap_or(longest).min(longest)
    }

    /// Whether the spool should read ahead.
    pub(crate) fn wants_replay(&self) -> bool {
        self.away.is_none() && self.backlog.wants()
    }

    /// Whether no lines wait in memory.
    pub(crate) fn nothing_in_memory(&self) -> bool {
        self.waiting.is_empty()
    }

    /// What the spool has not been told yet, see [`Backlog::news`].
    pub(crate) fn news(&mut self, now: Instant) -> (Vec<Replay>, Vec<u64>, bool) {
        self.backlog.news(now, self.limits.resend)
    }

    /// Enters points of the spool that will not be delivered.
    pub(crate) fn lose_span(&mut self, cause: Cause, points: u64, span: Option<(u32, u32)>) {
        self.counts.lost += points;
        match span.filter(|_| points > 0) {
            Some(span) => self.lost.enter_span(cause, points, span),
            None => self.lost.enter(cause, points, []),
        }
    }

    /// Enters lines that will not be delivered.
    pub(crate) fn lose(&mut self, cause: Cause, points: u64, times: impl IntoIterator<Item = u32>) {
        self.counts.lost += points;
        self.lost.enter(cause, points, times);
    }

    /// Enters as lost what still waits in memory: the agent ends, and nobody will send it.
    pub(crate) fn abandon(&mut self) {
        while let Some(chunk) = self.pop() {
            if chunk.handed == 0 {
                self.lose(Cause::Stopped, chunk.points, chunk.times());
            }
        }
    }

    /// Whether there is nothing to deliver.
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.backlog.is_empty()
    }

    /// What went through so far.
    pub(crate) fn counts(&self) -> Counts {
        let (spooled, spool_bytes) = self.backlog.size();
        let bytes = (self.waiting_bytes + self.handed.bytes()) as u64;
        Counts { bytes, spooled, spool_bytes, ..self.counts }
    }

    /// What was lost so far.
    pub(crate) fn lost(&self) -> Lost {
        self.lost
    }

    /// Memory for lines that wait; the rest is for those that were handed over.
    fn room(&self) -> usize {
        self.limits.bytes - self.limits.bytes / 4
    }
}
