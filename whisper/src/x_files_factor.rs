//! Which share of a coarser slot's points must be known before it gets a value.

use std::fmt;
use std::str::FromStr;

/// A share from 0 to 1, as the file keeps it: in 32 bits.
///
/// 0.3 becomes 0.300000011920929, and shares are compared with that: 3 known points of 10 are *not* enough for it.
/// So it is with 0.1, 0.2, 0.4, 0.6, 0.8; while 0.5, 0.7, 0.9, 0.25 and 1 are met by their exact ratios.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct XFilesFactor(f32);

/// A number that is no xFilesFactor.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("xFilesFactor `{text}` is not a number from 0 to 1; it is the share of points that must be known")]
pub struct InvalidFactor {
    /// What was given.
    pub text: String,
}

impl XFilesFactor {
    /// Rounds to 32 bits. The range is checked before rounding, so 1.0000001 is refused, and so is NaN.
    ///
    /// # Errors
    /// When `share` is not from 0 to 1.
    pub fn new(share: f64) -> Result<XFilesFactor, InvalidFactor> {
        if !(0.0..=1.0).contains(&share) {
            return Err(InvalidFactor { text: share.to_string() });
        }
        Ok(XFilesFactor(share as f32))
    }

    /// From the four bytes of a file; `None` unless from 0 to 1. −0.0 is kept.
    pub fn from_bits(bits: u32) -> Option<XFilesFactor> {
        let share = f32::from_bits(bits);
        (0.0..=1.0).contains(&share).then_some(XFilesFactor(share))
    }

    /// As the file keeps it.
    pub const fn as_f32(self) -> f32 {
        self.0
    }

    /// As it takes part in comparisons: what 32 bits kept, widened.
    pub const fn as_f64(self) -> f64 {
        self.0 as f64
    }

    /// Whether `known` of `slots` points suffice. At least one must be known, even for a factor of 0.
    pub fn is_met(self, known: u64, slots: u64) -> bool {
        known > 0 && known as f64 / slots as f64 >= self.as_f64()
    }
}

/// One half, the value a file gets unless told otherwise.
impl Default for XFilesFactor {
    fn default() -> XFilesFactor {
        XFilesFactor(0.5)
    }
}

impl FromStr for XFilesFactor {
    type Err = InvalidFactor;

    fn from_str(text: &str) -> Result<XFilesFactor, InvalidFactor> {
        let share = text.trim().parse().ok();
        share.and_then(|share| XFilesFactor::new(share).ok()).ok_or_else(|| InvalidFactor { text: text.to_owned() })
    }
}

impl fmt::Display for XFilesFactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_range_is_checked_before_rounding() {
        assert!(XFilesFactor::new(1.0000001).is_err());
        assert!(XFilesFactor::new(1.00000000001).is_err());
        assert!(XFilesFactor::new(-0.5).is_err());
        assert!(XFilesFactor::new(f64::NAN).is_err());
        assert!(XFilesFactor::new(-0.0).unwrap().as_f32().is_sign_negative());
    }

    #[test]
    fn three_of_ten_are_not_enough_for_a_factor_of_0_3() {
        let met = |share: f64, known| XFilesFactor::new(share).unwrap().is_met(known, 10);
        assert!(!met(0.3, 3));
        assert!(met(0.3, 4));
        assert!(met(0.5, 5));
        assert!(met(0.7, 7));
        assert!(!met(0.0, 0), "nothing known is never enough");
    }
}
