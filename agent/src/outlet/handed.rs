//! What a connection was handed last, and may have to be handed once more.
//!
//! The kernel has taken bytes that a dying server never read: they lie in our socket's buffer, on the wire, or in the
//! buffer of its socket; and what it has read it may not have made safe (our own carbon takes a tenth of a second, half
//! a second when the power goes). Nothing tells how much that is: an acknowledged byte has reached the other kernel,
//! not the program. So lines stay here after they were written, and go out again on the next connection under the same
//! name and time, which changes nothing where they had arrived:
//! - for as long as `resend` says. It has to be longer than `patience`, after which the kernel gives a silent peer up;
//! - and longer while fewer than [`TAIL`] bytes were written since, because a server that stands still for minutes,
//!   and is killed then, has that much unread;
//! - up to a quarter of the memory that the destination may take, and [`MOST_HANDED`] times, so that a server which
//!   resets every connection is not sent the same for ever.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::chunk::Chunk;

/// What a receiver's socket holds unread, by the defaults of Linux, and what ours holds unsent.
const TAIL: usize = 256 << 10;

/// Connections that one line is handed to at most.
const MOST_HANDED: u8 = 20;

/// See the module.
#[derive(Debug)]
pub(super) struct Handed {
    resend: Duration,
    /// The most bytes that are kept.
    room: usize,
    /// With the time; oldest first.
    chunks: VecDeque<(Instant, Chunk)>,
    /// Memory of all.
    bytes: usize,
    /// Bytes of all their lines.
    written: usize,
}

impl Handed {
    /// Lines are kept for `resend`, zero for not at all, in at most `room` bytes.
    pub(super) fn new(resend: Duration, room: usize) -> Handed {
        Handed { resend, room, chunks: VecDeque::new(), bytes: 0, written: 0 }
    }

    /// Keeps by another rule from now on.
    pub(super) fn limit(&mut self, resend: Duration, room: usize) {
        (self.resend, self.room) = (resend, room);
    }

    /// Keeps what was handed over at `now`, unless it has been so often enough. `free` is given pieces that are
    /// not needed any more: an agent that says about as much each time needs no new memory.
    pub(super) fn keep(&mut self, mut chunk: Chunk, now: Instant, mut free: impl FnMut(Chunk)) {
        chunk.handed += 1;
        if self.resend.is_zero() || chunk.handed > MOST_HANDED {
            free(chunk);
            return;
        }
        self.written += chunk.lines.len();
        // What is kept counts by its memory, and pieces that are mostly empty would push others out.
        match self.chunks.back_mut() {
            Some((at, last)) if last.takes_in(&chunk) => {
                last.lines.extend_from_slice(&chunk.lines);
                (*at, last.points) = (now, last.points + chunk.points);
                free(chunk);
            }
            _ => {
                self.bytes += chunk.memory();
                self.chunks.push_back((now, chunk));
            }
        }
        self.forget(now, free);
    }

    /// Forgets what need not go out again, by the rule of the module; `free` is given its memory.
    pub(super) fn forget(&mut self, now: Instant, mut free: impl FnMut(Chunk)) {
        while let Some((at, chunk)) = self.chunks.front() {
            let old = now.saturating_duration_since(*at) > self.resend;
            let far = chunk.handed > 1 || self.written - chunk.lines.len() >= TAIL;
            if !(old && far) && self.bytes <= self.room {
                break;
            }
            if let Some((_, chunk)) = self.chunks.pop_front() {
                free(self.without(chunk));
            }
        }
    }

    /// The latest of them, which is then the caller's.
    pub(super) fn take_latest(&mut self) -> Option<Chunk> {
        let (_, chunk) = self.chunks.pop_back()?;
        Some(self.without(chunk))
    }

    fn without(&mut self, chunk: Chunk) -> Chunk {
        self.bytes -= chunk.memory();
        self.written -= chunk.lines.len();
        chunk
    }

    /// Forgets all of them.
    pub(super) fn clear(&mut self) {
        self.chunks.clear();
        (self.bytes, self.written) = (0, 0);
    }

    /// Memory that they take.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}
