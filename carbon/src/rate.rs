//! A token bucket: so many things a while, with a burst of as many as fit into it.

use std::time::{Duration, Instant};

/// Grants tokens at a steady rate. The clock is an argument.
#[derive(Debug)]
pub(crate) struct Bucket {
    tokens: f64,
    filled: Instant,
}

impl Bucket {
    /// A bucket that is full at `now` whatever its size, as carbon's are at the start.
    pub(crate) fn full(now: Instant) -> Bucket {
        Bucket { tokens: f64::INFINITY, filled: now }
    }

    /// Takes up to `wanted` tokens at `per_second`, at most a second's worth of which is ever saved up.
    pub(crate) fn take(&mut self, wanted: usize, per_second: u32, now: Instant) -> usize {
        let rate = f64::from(per_second);
        let gained = now.saturating_duration_since(self.filled).as_secs_f64() * rate;
        self.tokens = (self.tokens + gained).min(rate);
        self.filled = now;
        let granted = (wanted as f64).min(self.tokens.floor()).max(0.0);
        self.tokens -= granted;
        granted as usize
    }

    /// How long until a token is there.
    pub(crate) fn until_next(&self, per_second: u32) -> Duration {
        Duration::from_secs_f64((1.0 - self.tokens).max(0.0) / f64::from(per_second.max(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_grants_what_the_rate_says_and_saves_no_more() {
        let start = Instant::now();
        let mut bucket = Bucket::full(start);
        assert_eq!(bucket.take(1000, 100, start), 100, "a full bucket holds a second's worth");
        assert_eq!(bucket.take(1, 100, start), 0);
        assert_eq!(bucket.until_next(100), Duration::from_millis(10));
        assert_eq!(bucket.take(1000, 100, start + Duration::from_millis(250)), 25);
        assert_eq!(bucket.take(1000, 100, start + Duration::from_secs(60)), 100);
    }

    #[test]
    fn a_rate_below_one_a_second_still_grants_at_last() {
        let start = Instant::now();
        let mut bucket = Bucket::full(start);
        assert_eq!(bucket.take(5, 1, start), 1);
        assert_eq!(bucket.take(5, 1, start + Duration::from_millis(999)), 0);
        assert_eq!(bucket.take(5, 1, start + Duration::from_millis(1001)), 1);
    }
}
