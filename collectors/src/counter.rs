//! How far a counter has moved between two readings, without spikes at a reset or a wrap.

/// How many bits the kernel counts with, which decides what a decrease means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bits {
    /// Wraps at 2^32, as the millisecond columns of `/proc/diskstats` do.
    B32,
    /// Never wraps in practice; a decrease is a reset.
    B64,
}

/// How far a counter moved from `old` to `new`; `None` when it was reset, so nothing can be said.
///
/// A 32-bit counter that was in its last quarter and is now in its first has wrapped; every other decrease is a reset.
pub fn moved(old: u64, new: u64, bits: Bits) -> Option<u64> {
    const QUARTER: u64 = 1 << 30;
    if new >= old {
        return Some(new - old);
    }
    let last_quarter = (3 * QUARTER..4 * QUARTER).contains(&old);
    (bits == Bits::B32 && last_quarter && new < QUARTER).then(|| 4 * QUARTER - old + new)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_counter_that_goes_back_was_reset() {
        assert_eq!(moved(100, 3, Bits::B64), None);
        assert_eq!(moved(u64::MAX, 3, Bits::B64), None);
        assert_eq!(moved(100, 3, Bits::B32), None);
    }

    #[test]
    fn a_32_bit_counter_goes_round_its_end() {
        assert_eq!(moved(u64::from(u32::MAX), 4, Bits::B32), Some(5));
        assert_eq!(moved(u64::from(u32::MAX), 1 << 31, Bits::B32), None);
    }

    proptest! {
        #[test]
        fn no_pair_of_readings_makes_a_spike(old: u32, new: u32) {
            if let Some(step) = moved(old.into(), new.into(), Bits::B32) {
                prop_assert!(new >= old || step < 1 << 31);
            }
        }

        #[test]
        fn a_counter_that_only_grows_gives_its_growth(old in 0..u64::MAX / 2, step in 0..u64::MAX / 2) {
            prop_assert_eq!(moved(old, old + step, Bits::B64), Some(step));
        }
    }
}
