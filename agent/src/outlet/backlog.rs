//! What a queue and its spool have to say to each other. The spool's thread alone touches the disk; here lies what it
//! has read and what it should know, so that neither side waits for the other.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Records read ahead.
const AHEAD: usize = 4;

/// Lines from the spool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Replay {
    pub(crate) lines: Vec<u8>,
    pub(crate) points: u64,
    /// They were handed over before, and are counted.
    pub(crate) again: bool,
    /// Where they come from.
    pub(crate) segment: u64,
    pub(crate) end: u64,
    /// They are the last of their segment.
    pub(crate) last: bool,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Backlog {
    /// There is more on disk than lies here.
    more: bool,
    /// Points and bytes on disk.
    points: u64,
    bytes: u64,
    ready: VecDeque<Replay>,
    /// Handed over, for the spool to know.
    handed: Vec<Replay>,
    /// Segments that were handed over whole, with the time, until the connection has held for a while after it; without
    /// one when the destination has confirmed them.
    whole: VecDeque<(Option<Instant>, u64)>,
    rewind: bool,
}

impl Backlog {
    /// Whether there is nothing to replay.
    pub(crate) fn is_empty(&self) -> bool {
        self.ready.is_empty() && !self.more
    }

    /// Whether the spool should read further.
    pub(crate) fn wants(&self) -> bool {
        self.more && self.ready.len() < AHEAD && !self.rewind
    }

    /// Points and bytes on disk.
    pub(crate) fn size(&self) -> (u64, u64) {
        (self.points, self.bytes)
    }

    /// What is on disk now, and whether something was added to it.
    pub(crate) fn resize(&mut self, points: u64, bytes: u64, added: bool) {
        (self.points, self.bytes) = (points, bytes);
        self.more |= added;
    }

    /// The spool cannot be used any more; what was read from it is read again when it can.
    pub(crate) fn closed(&mut self) {
        *self = Backlog::default();
    }

    /// Lines that were read, unless reading began anew meanwhile.
    pub(crate) fn offer(&mut self, replay: Option<Replay>) {
        if self.rewind {
            return;
        }
        self.more = replay.is_some();
        self.ready.extend(replay);
    }

    /// The next lines to be sent.
    pub(crate) fn pop(&mut self) -> Option<Replay> {
        self.ready.pop_front()
    }

    /// Enters that lines were handed over at `now`.
    pub(crate) fn handed(&mut self, mut replay: Replay, now: Instant) {
        if replay.last {
            self.whole.push_back((Some(now), replay.segment));
        }
        replay.lines = Vec::new();
        self.handed.push(replay);
    }

    /// The connection is gone: all that is not settled is read anew.
    pub(crate) fn broken(&mut self) {
        self.ready.clear();
        self.whole.clear();
        self.rewind |= self.bytes > 0;
    }

    /// All that was handed over has been read.
    pub(crate) fn confirmed(&mut self) {
        self.whole.iter_mut().for_each(|(at, _)| *at = None);
    }

    /// What the spool has not been told yet: what was handed over, which segments can go, and whether to begin anew.
    pub(crate) fn news(&mut self, now: Instant, resend: Duration) -> (Vec<Replay>, Vec<u64>, bool) {
        let mut settled = Vec::new();
        let enough = |at: Instant| now.saturating_duration_since(at) >= resend;
        while let Some((_, number)) = self.whole.pop_front_if(|(at, _)| at.is_none_or(enough)) {
            settled.push(number);
        }
        let rewind = std::mem::take(&mut self.rewind);
        // Until the spool has looked, nobody knows.
        self.more |= rewind && self.bytes > 0;
        (std::mem::take(&mut self.handed), settled, rewind)
    }

    /// How long until [`news`](Backlog::news) has some, if nothing happens.
    pub(crate) fn nap(&self, now: Instant, resend: Duration) -> Option<Duration> {
        if self.rewind || !self.handed.is_empty() {
            return Some(Duration::ZERO);
        }
        let (at, _) = self.whole.front()?;
        Some(at.map_or(Duration::ZERO, |at| (at + resend).saturating_duration_since(now)))
    }
}
