//! What was lost, by cause: points, and the seconds they were of.

use whisper::Interval;

/// Why points never reached their destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// There was no room for them, in memory or in the spool.
    Full,
    /// The spool's files were damaged.
    Damaged,
    /// A line that no destination takes: too long, or no number in it.
    Unfit,
    /// The destination refused them, such as a datagram that nobody takes or a full disk.
    Refused,
    /// The agent stopped, and no spool was there to keep them.
    Stopped,
}

impl Cause {
    /// All of them.
    pub const ALL: [Cause; 5] = [Cause::Full, Cause::Damaged, Cause::Unfit, Cause::Refused, Cause::Stopped];

    /// Its name in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Cause::Full => "full",
            Cause::Damaged => "damaged",
            Cause::Unfit => "unfit",
            Cause::Refused => "refused",
            Cause::Stopped => "stopped",
        }
    }
}

/// The losses of one destination.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lost {
    points: [u64; Cause::ALL.len()],
    seconds: [u64; Cause::ALL.len()],
    /// Seconds that a lone slot stands for.
    slot: u32,
    /// The latest second counted.
    until: u32,
}

impl Lost {
    /// Nothing lost yet, where slots are `slot` apart.
    pub(crate) fn none(slot: Interval) -> Lost {
        Lost { points: Default::default(), seconds: Default::default(), slot: slot.secs(), until: 0 }
    }

    /// Enters `points` with the timestamps `times`, in rising order as far as there is one.
    ///
    /// A second counts once for a destination. The first slot of a hole counts as long as a slot is, each further one
    /// as far as it is from the one before.
    pub(crate) fn enter(&mut self, cause: Cause, points: u64, times: impl IntoIterator<Item = u32>) {
        self.points[cause as usize] += points;
        for time in times {
            if time <= self.until {
                continue;
            }
            let since = time - self.until;
            let one_hole = since <= self.slot.saturating_mul(2);
            self.seconds[cause as usize] += u64::from(if one_hole { since } else { self.slot });
            self.until = time;
        }
    }

    /// Enters `points` that lie between `first` and `last` without a hole.
    pub(crate) fn enter_span(&mut self, cause: Cause, points: u64, (first, last): (u32, u32)) {
        self.enter(cause, points, [first]);
        if last > self.until {
            self.seconds[cause as usize] += u64::from(last - self.until);
            self.until = last;
        }
    }

    /// Points lost for `cause`.
    pub fn points(&self, cause: Cause) -> u64 {
        self.points[cause as usize]
    }

    /// Seconds of which points were lost for `cause`.
    pub fn seconds(&self, cause: Cause) -> u64 {
        self.seconds[cause as usize]
    }

    /// Points and seconds lost for `cause` since this account was `before`.
    pub fn since(&self, before: Lost, cause: Cause) -> (u64, u64) {
        let since = |now: u64, before: u64| now.saturating_sub(before);
        (since(self.points(cause), before.points(cause)), since(self.seconds(cause), before.seconds(cause)))
    }

    /// Points lost for whatever cause.
    pub fn all_points(&self) -> u64 {
        self.points.iter().sum()
    }

    /// Seconds of which points were lost, for whatever cause.
    pub fn all_seconds(&self) -> u64 {
        self.seconds.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_counts_once_and_two_holes_count_their_own_length() {
        let mut lost = Lost::none(Interval::from_secs(10).unwrap());
        lost.enter(Cause::Full, 3, [1000, 1000, 1010]);
        assert_eq!((lost.points(Cause::Full), lost.seconds(Cause::Full)), (3, 20));
        lost.enter(Cause::Full, 2, [1010, 1020]);
        assert_eq!(lost.seconds(Cause::Full), 30);
        lost.enter(Cause::Stopped, 1, [2000]);
        assert_eq!((lost.seconds(Cause::Stopped), lost.all_seconds(), lost.all_points()), (10, 40, 6));
        lost.enter_span(Cause::Damaged, 100, (1990, 2100));
        assert_eq!(lost.seconds(Cause::Damaged), 100);
    }
}
