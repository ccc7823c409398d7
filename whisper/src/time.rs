//! Time as Graphite counts it: whole seconds since the Unix epoch, cut into slots of equal length.

use std::fmt;
use std::num::NonZeroU32;

/// Seconds since the Unix epoch, as a Whisper file stores them: unsigned, 32 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u32);

/// Distance between neighbouring slots of an archive, in whole seconds. Never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Interval(NonZeroU32);

impl Timestamp {
    /// This many seconds after the epoch.
    pub const fn from_secs(secs: u32) -> Timestamp {
        Timestamp(secs)
    }

    /// The nearest representable instant: before 1970 becomes 0, past February 2106 becomes the last second.
    pub fn saturating_from(secs: i64) -> Timestamp {
        Timestamp(secs.clamp(0, i64::from(u32::MAX)) as u32)
    }

    /// Seconds since the epoch.
    pub const fn secs(self) -> u32 {
        self.0
    }

    /// Seconds since the epoch, wide enough for differences.
    pub const fn as_i64(self) -> i64 {
        self.0 as i64
    }

    /// Start of the slot this instant falls into: 1 700 000 007 at 10 s gives 1 700 000 000.
    pub fn floor(self, step: Interval) -> Timestamp {
        Timestamp(self.0 - self.0 % step.secs())
    }
}

impl Interval {
    /// `None` for zero seconds.
    pub const fn from_secs(secs: u32) -> Option<Interval> {
        match NonZeroU32::new(secs) {
            Some(secs) => Some(Interval(secs)),
            None => None,
        }
    }

    /// Length in seconds, at least 1.
    pub const fn secs(self) -> u32 {
        self.0.get()
    }

    /// Length in seconds, wide enough for products.
    pub const fn as_i64(self) -> i64 {
        self.0.get() as i64
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_floored_to_the_start_of_its_slot() {
        let step = Interval::from_secs(10).unwrap();
        assert_eq!(Timestamp::from_secs(1_700_000_007).floor(step), Timestamp::from_secs(1_700_000_000));
        assert_eq!(Timestamp::from_secs(1_700_000_000).floor(step), Timestamp::from_secs(1_700_000_000));
    }

    #[test]
    fn an_interval_is_never_zero() {
        assert_eq!(Interval::from_secs(0), None);
    }

    #[test]
    fn instants_outside_32_bits_are_clamped() {
        assert_eq!(Timestamp::saturating_from(-5).secs(), 0);
        assert_eq!(Timestamp::saturating_from(1 << 40).secs(), u32::MAX);
    }
}
