//! How a waiting point is coded: the difference to the point before it in the same series.
//!
//! ```text
//! control byte          bit 7: the step differs from the one before; bits 6..4: leading zero bytes of the XOR with
//!                       the value before; bits 3..0: 1 + its bytes between leading and trailing zero bytes
//! [1..5 bytes]          the new step, zigzag and LEB128, only with bit 7
//! [0..8 bytes]          those bytes of the XOR, lowest first
//! ```
//! A control byte is never 0, so that a 0 can end a block. Times may come in any order and values are kept to the bit.
//! A point at the usual step costs 1 byte and those that changed in its value: 3 to 4 for counts, 7 or 8 for noise.

use whisper::{Point, Timestamp};

/// Most bytes of a coded point.
pub(super) const LONGEST: usize = 1 + 5 + 8;

/// A coded point, lowest byte first; zero behind its end. Put together in registers: through memory it would be
/// written by the byte and read at once as a whole, which makes processors wait.
pub(super) type Code = u128;

const NEW_STEP: u8 = 0x80;

/// The point that the next difference refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Last {
    bits: u64,
    time: u32,
    step: u32,
}

impl Last {
    /// What the first point of a run refers to.
    pub(super) const NONE: Last = Last { bits: 0, time: 0, step: 0 };

    /// The code of `point` and its length.
    #[inline]
    pub(super) fn encode(&mut self, point: Point) -> (Code, usize) {
        let (time, bits) = (point.time.secs(), point.value.to_bits());
        let step = time.wrapping_sub(self.time);
        let changed = bits ^ self.bits;
        let leading = changed.leading_zeros() / 8;
        // Of nothing that changed, no byte is left: 8 leading ones would not fit into their three bits.
        let (leading, trailing) = if changed == 0 { (0, 8) } else { (leading, changed.trailing_zeros() / 8) };
        let length = 8 - leading - trailing;
        let mut code = Code::from(leading << 4 | (length + 1));
        let mut end = 1;
        if step != self.step {
            let (bytes, length) = step_code(step);
            code |= Code::from(NEW_STEP) | Code::from(bytes) << 8;
            end += length;
        }
        let kept = changed.checked_shr(8 * trailing).unwrap_or(0);
        code |= Code::from(kept) << (8 * end);
        *self = Last { bits, time, step };
        (code, (end + length) as usize)
    }

    /// The point at the front of `bytes` and the length of its code; `None` at the end of what was coded.
    #[inline]
    pub(super) fn decode(&mut self, bytes: &[u8]) -> Option<(Point, usize)> {
        let control = *bytes.first().filter(|control| **control != 0)?;
        let mut end = 1;
        if control & NEW_STEP != 0 {
            let (step, length) = step_of(&bytes[1..]);
            (self.step, end) = (step, 1 + length);
        }
        let (leading, length) = (control as usize >> 4 & 7, (control as usize & 15) - 1);
        if length > 0 {
            let kept = low_bytes(&bytes[end..], length);
            self.bits ^= kept << (8 * (8 - leading - length));
        }
        self.time = self.time.wrapping_add(self.step);
        let point = Point { time: Timestamp::from_secs(self.time), value: f64::from_bits(self.bits) };
        Some((point, end + length))
    }
}

/// Steps are differences modulo 2^32; zigzag makes those shortly before 0 as short as those behind it.
fn step_code(step: u32) -> (u64, u32) {
    let mut rest = (step << 1) ^ ((step as i32 >> 31) as u32);
    let (mut code, mut length) = (0, 0);
    while rest >= 0x80 {
        code |= u64::from(rest & 0x7f | 0x80) << (8 * length);
        rest >>= 7;
        length += 1;
    }
    (code | u64::from(rest) << (8 * length), length + 1)
}

/// The first `length` bytes, 1 to 8, lowest first. Mostly there are eight to be read at once.
fn low_bytes(bytes: &[u8], length: usize) -> u64 {
    if let Some(eight) = bytes.first_chunk() {
        return u64::from_le_bytes(*eight) & u64::MAX >> (64 - 8 * length);
    }
    let mut eight = [0; 8];
    eight[..length].copy_from_slice(&bytes[..length]);
    u64::from_le_bytes(eight)
}

fn step_of(bytes: &[u8]) -> (u32, usize) {
    let (mut zigzag, mut end) = (0, 0);
    loop {
        let byte = bytes[end];
        zigzag |= u32::from(byte & 0x7f) << (7 * end);
        end += 1;
        if byte < 0x80 {
            return ((zigzag >> 1) ^ 0u32.wrapping_sub(zigzag & 1), end);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn coded(points: &[(u32, u64)]) -> Vec<u8> {
        let (mut last, mut bytes) = (Last::NONE, Vec::new());
        for (time, bits) in points {
            let point = Point { time: Timestamp::from_secs(*time), value: f64::from_bits(*bits) };
            let (code, length) = last.encode(point);
            assert!(length <= LONGEST && code & 0xff != 0 && code >> (8 * length) == 0);
            bytes.extend_from_slice(&code.to_le_bytes()[..length]);
        }
        bytes
    }

    fn decoded(mut bytes: &[u8]) -> Vec<(u32, u64)> {
        let (mut last, mut points) = (Last::NONE, Vec::new());
        while let Some((point, length)) = last.decode(bytes) {
            points.push((point.time.secs(), point.value.to_bits()));
            bytes = &bytes[length..];
        }
        points
    }

    proptest! {
        #[test]
        fn every_point_comes_back_to_the_bit(points in proptest::collection::vec(any::<(u32, u64)>(), 0..50)) {
            prop_assert_eq!(decoded(&coded(&points)), points);
        }

        #[test]
        fn so_do_values_that_share_bytes(
            points in proptest::collection::vec((0..200u32, 0..8u32, 0..8u32, any::<u64>()), 0..50),
        ) {
            let points: Vec<_> =
                points.iter().map(|(time, up, down, bits)| (*time, bits << (8 * up) >> (8 * down))).collect();
            prop_assert_eq!(decoded(&coded(&points)), points);
        }
    }

    #[test]
    fn a_regular_point_is_short() {
        let points: Vec<(u32, u64)> = (0..10).map(|n| (1_700_000_000 + n * 10, f64::from(n + 500).to_bits())).collect();
        let (all, two) = (coded(&points).len(), coded(&points[..2]).len());
        assert!(all - two <= 8 * 3, "{} bytes for 8 points", all - two);
        let still: Vec<(u32, u64)> = points.iter().map(|(time, _)| (*time, 0)).collect();
        assert_eq!(coded(&still).len() - coded(&still[..2]).len(), 8);
    }
}
