//! When a program that ended is started again.

use std::time::{Duration, Instant};

const FIRST: Duration = Duration::from_secs(1);
const MOST: Duration = Duration::from_secs(300);

/// Pauses that double from one second to five minutes.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    pause: Option<Duration>,
    until: Option<Instant>,
}

impl Backoff {
    /// Makes the next start wait, longer each time.
    pub(super) fn failed(&mut self, now: Instant) {
        let pause = self.pause.map_or(FIRST, |pause| (pause * 2).min(MOST));
        self.pause = Some(pause);
        self.until = Some(now + pause);
    }

    /// Forgets all failures: it works.
    pub(super) fn worked(&mut self) {
        *self = Backoff::default();
    }

    /// How long the next start has to wait; zero when it may be now.
    pub(super) fn wait(&self, now: Instant) -> Duration {
        self.until.map_or(Duration::ZERO, |until| until.saturating_duration_since(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_five_minutes_and_begin_anew_after_success() {
        let (now, mut backoff) = (Instant::now(), Backoff::default());
        let mut pauses = Vec::new();
        for _ in 0..11 {
            backoff.failed(now);
            pauses.push(backoff.wait(now).as_secs());
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
        backoff.worked();
        assert_eq!(backoff.wait(now), Duration::ZERO);
    }
}
