//! Lines that wait for the destination, bounded by bytes: when there is no room, the oldest go.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// Memory is taken in pieces of this size, each of whole lines.
const CHUNK: usize = 8 << 10;

/// The smallest buffer that makes sense.
pub(crate) const SMALLEST: usize = 8 * CHUNK;

/// A queue of whole lines between the collectors and one sink.
#[derive(Debug)]
pub struct Buffer {
    queue: Mutex<Queue>,
    filled: Notify,
    most_chunks: usize,
}

#[derive(Debug, Default)]
struct Queue {
    chunks: VecDeque<Vec<u8>>,
    counts: Counts,
}

/// What went through a buffer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Points that wait now.
    pub queued: u64,
    /// Memory that they take, in bytes.
    pub bytes: u64,
    /// Points that were handed to the destination.
    pub sent: u64,
    /// Points that were dropped because there was no room.
    pub lost: u64,
    /// Connections that were made.
    pub connects: u64,
}

impl Buffer {
    /// Room for `bytes`, at least 64 KiB.
    pub fn new(bytes: usize) -> Buffer {
        let most_chunks = bytes.max(SMALLEST) / CHUNK;
        Buffer { queue: Mutex::default(), filled: Notify::new(), most_chunks }
    }

    /// Appends whole lines, each ended by a newline. A line of more than 8 KiB is lost.
    pub fn push(&self, lines: &[u8]) {
        if lines.is_empty() {
            return;
        }
        let mut queue = self.lock();
        for line in lines.split_inclusive(|byte| *byte == b'\n') {
            queue.append(line, self.most_chunks);
        }
        drop(queue);
        self.filled.notify_one();
    }

    /// The oldest chunk of lines, which are then the caller's to deliver; `None` when there is nothing.
    pub(crate) fn take(&self) -> Option<Vec<u8>> {
        let mut queue = self.lock();
        let chunk = queue.chunks.pop_front()?;
        queue.counts.queued -= points(&chunk);
        Some(chunk)
    }

    /// Says that a chunk was delivered.
    pub(crate) fn delivered(&self, chunk: &[u8]) {
        self.lock().counts.sent += points(chunk);
    }

    /// Gives back a chunk that could not be delivered: it is the oldest again, so it goes first when there is no room.
    pub(crate) fn put_back(&self, chunk: Vec<u8>) {
        let mut queue = self.lock();
        if queue.chunks.len() >= self.most_chunks {
            queue.counts.lost += points(&chunk);
        } else {
            queue.counts.queued += points(&chunk);
            queue.chunks.push_front(chunk);
        }
    }

    /// Counts a connection made.
    pub(crate) fn connected(&self) {
        self.lock().counts.connects += 1;
    }

    /// Waits until there may be something to take.
    pub(crate) async fn filled(&self) {
        self.filled.notified().await;
    }

    /// What went through so far.
    pub fn counts(&self) -> Counts {
        let queue = self.lock();
        Counts { bytes: (queue.chunks.len() * CHUNK) as u64, ..queue.counts }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        // Nothing panics while it holds the lock, and a queue is never half changed.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    fn append(&mut self, line: &[u8], most_chunks: usize) {
        if line.len() > CHUNK {
            self.counts.lost += 1;
            return;
        }
        self.counts.queued += 1;
        if let Some(last) = self.chunks.back_mut().filter(|last| last.len() + line.len() <= CHUNK) {
            last.extend_from_slice(line);
            return;
        }
        let mut chunk = Vec::new();
        if self.chunks.len() >= most_chunks
            && let Some(oldest) = self.chunks.pop_front()
        {
            let points = points(&oldest);
            self.counts.queued -= points;
            self.counts.lost += points;
            chunk = oldest;
            chunk.clear();
        }
        chunk.reserve_exact(CHUNK);
        chunk.extend_from_slice(line);
        self.chunks.push_back(chunk);
    }
}

fn points(chunk: &[u8]) -> u64 {
    chunk.iter().filter(|byte| **byte == b'\n').count() as u64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn drain(buffer: &Buffer) -> Vec<u8> {
        std::iter::from_fn(|| buffer.take()).flatten().collect()
    }

    #[test]
    fn lines_come_out_in_order() {
        let buffer = Buffer::new(SMALLEST);
        buffer.push(b"a 1 1\nb 2 1\n");
        buffer.push(b"c 3 1\n");
        assert_eq!(buffer.counts().queued, 3);
        assert_eq!(drain(&buffer), b"a 1 1\nb 2 1\nc 3 1\n");
        assert_eq!(buffer.counts().queued, 0);
    }

    #[test]
    fn what_is_given_back_comes_out_first() {
        let buffer = Buffer::new(SMALLEST);
        buffer.push(b"a 1 1\n");
        let chunk = buffer.take().unwrap();
        buffer.push(b"b 2 1\n");
        buffer.put_back(chunk);
        assert_eq!(drain(&buffer), b"a 1 1\nb 2 1\n");
    }

    #[test]
    fn without_room_the_oldest_lines_go_and_are_counted() {
        let buffer = Buffer::new(SMALLEST);
        let total = 20_000_u64;
        for number in 0..total {
            buffer.push(format!("metric {number} 1700000000\n").as_bytes());
        }
        let counts = buffer.counts();
        assert!(counts.bytes <= SMALLEST as u64, "{counts:?}");
        assert_eq!(counts.queued + counts.lost, total);
        let left = String::from_utf8(drain(&buffer)).unwrap();
        assert!(left.ends_with(&format!("metric {} 1700000000\n", total - 1)));
        assert!(left.starts_with(&format!("metric {} ", counts.lost)));
    }

    #[test]
    fn an_endless_line_is_lost_alone() {
        let buffer = Buffer::new(SMALLEST);
        buffer.push(format!("a 1 1\n{}\nb 2 1\n", "x".repeat(CHUNK)).as_bytes());
        assert_eq!(drain(&buffer), b"a 1 1\nb 2 1\n");
        assert_eq!(buffer.counts().lost, 1);
    }

    proptest! {
        #[test]
        fn every_line_is_delivered_waiting_or_lost(steps in prop::collection::vec((0_u8..4, 1_usize..400), 1..100)) {
            let buffer = Buffer::new(SMALLEST);
            let (mut pushed, mut last) = (0_u64, None);
            for (step, count) in steps {
                match step {
                    0 | 1 => for _ in 0..count {
                        buffer.push(format!("m {pushed} 1\n").as_bytes());
                        pushed += 1;
                    },
                    2 => if let Some(chunk) = buffer.take() { buffer.put_back(chunk) },
                    _ => if let Some(chunk) = buffer.take() {
                        for line in String::from_utf8(chunk.clone()).unwrap().lines() {
                            let number: u64 = line.split(' ').nth(1).unwrap().parse().unwrap();
                            prop_assert!(last.is_none_or(|last| number > last), "order is kept");
                            last = Some(number);
                        }
                        buffer.delivered(&chunk);
                    },
                }
                let counts = buffer.counts();
                prop_assert_eq!(counts.queued + counts.sent + counts.lost, pushed);
                prop_assert!(counts.bytes <= SMALLEST as u64);
            }
        }
    }
}
