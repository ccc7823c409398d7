//! Tells peers that send a little at a time, all the time, from all others.

use std::time::Duration;

use tokio::time::Instant;

/// The beat on which steady peers are read: as long as a slot of the runtime's second wheel of timers. A timer that does
/// not end with such a slot wakes the thread twice, once to move to the first wheel.
pub(super) const BEAT: Duration = Duration::from_millis(64);

/// Fewer bytes than this are little for a read.
const LITTLE: usize = 16 * 1024;

/// So many littles in a row, each within a beat of the one before, and a peer is steady.
const IN_A_ROW: u32 = 4;

/// Whether a peer sends a little at a time, all the time.
#[derive(Debug, Default)]
pub(super) struct Steadiness {
    in_a_row: u32,
    latest: Option<Instant>,
}

impl Steadiness {
    /// Takes note of a read; `true` when the next ones are better made on the beat.
    pub(super) fn note(&mut self, bytes: usize, now: Instant) -> bool {
        let soon = self.latest.replace(now).is_some_and(|latest| now - latest < BEAT);
        self.in_a_row = if soon && bytes < LITTLE { self.in_a_row + 1 } else { 0 };
        self.in_a_row >= IN_A_ROW
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_peer_sends_a_little_all_the_time() {
        let (start, mut steadiness) = (Instant::now(), Steadiness::default());
        let mut note = |millis, bytes| steadiness.note(bytes, start + Duration::from_millis(millis));
        assert!([0, 10, 20, 30].into_iter().all(|millis| !note(millis, 100)), "not yet");
        assert!(note(40, 100));
        assert!(!note(50, LITTLE), "much at a time");
        assert!([60, 70, 80].into_iter().all(|millis| !note(millis, 100)));
        assert!(note(90, 100));
        assert!(!note(200, 100), "now and then");
    }
}
