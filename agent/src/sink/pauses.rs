//! Pauses between attempts to connect.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// A connection that lasted this long was a good one.
pub(crate) const GOOD: Duration = Duration::from_secs(5);

/// Doubling pauses, up to a half shorter at random so that a fleet does not return in one moment.
#[derive(Debug)]
pub(crate) struct Pauses {
    first: Duration,
    most: Duration,
    failures: u32,
}

impl Pauses {
    /// The first pause is `first`, none is longer than `most`.
    pub(crate) fn new(first: Duration, most: Duration) -> Pauses {
        Pauses { first, most, failures: 0 }
    }

    /// The first pause.
    pub(crate) fn first(&self) -> Duration {
        self.first
    }

    /// How long to wait now.
    pub(crate) fn next(&mut self) -> Duration {
        let longest = self.first.saturating_mul(1_u32.checked_shl(self.failures).unwrap_or(u32::MAX)).min(self.most);
        self.failures = (self.failures + 1).min(31);
        // Every RandomState has other keys, which is all the randomness that jitter needs.
        let share = RandomState::new().hash_one(0) as f64 / u64::MAX as f64;
        longest.mul_f64(0.5 + share / 2.0)
    }

    /// A connection has ended that lasted `lived`: after a good one, pauses begin anew.
    pub(crate) fn lived(&mut self, lived: Duration) {
        if lived >= GOOD {
            self.failures = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let mut pauses = Pauses::new(Duration::from_secs(1), Duration::from_secs(60));
        for expected in [1, 2, 4, 8, 16, 32, 60, 60] {
            let pause = pauses.next().as_secs_f64();
            assert!((f64::from(expected) / 2.0..=f64::from(expected)).contains(&pause), "{pause} for {expected}");
        }
        for _ in 0..100 {
            assert!(pauses.next() <= Duration::from_secs(60));
        }
    }

    #[test]
    fn a_peer_that_resets_every_connection_is_tried_less_and_less() {
        let mut pauses = Pauses::new(Duration::from_secs(1), Duration::from_secs(60));
        for _ in 0..6 {
            pauses.next();
            pauses.lived(Duration::from_secs(1));
        }
        assert!(pauses.next() >= Duration::from_secs(30));
        pauses.lived(Duration::from_secs(5));
        assert!(pauses.next() <= Duration::from_secs(1));
    }
}
