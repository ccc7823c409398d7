//! Numbers as Python prints them, because clients compare and parse what graphite-web sends.
//!
//! They are set into a [`Cell`], a piece of an answer of fixed size, so that a point costs no check for room and no call
//! to copy a few bytes.

use super::short;

/// The shortest text that reads back as `value`, in Python's manner: `5.0`, `1e-05`, `1e+16`, `inf`, `nan`.
pub(super) fn float(out: &mut Vec<u8>, value: f64) {
    through_cell(out, |cell| cell.float(value));
}

/// A value of a series whose values are whole numbers by nature: without `.0` where that loses nothing.
pub(super) fn integer(out: &mut Vec<u8>, value: f64) {
    through_cell(out, |cell| cell.integer(value));
}

/// A whole number in decimal digits.
pub(super) fn whole(out: &mut Vec<u8>, value: i64) {
    through_cell(out, |cell| cell.whole(value));
}

fn through_cell(out: &mut Vec<u8>, set: impl FnOnce(&mut Cell<'_>)) {
    let mut room = [0; ROOM];
    let mut cell = Cell::of(&mut room);
    set(&mut cell);
    let length = cell.length();
    out.extend_from_slice(&room[..length]);
}

/// Bytes of a cell: two numbers, of which the longest have 24 and 20 characters, and what stands around them.
pub(super) const ROOM: usize = 64;

/// Below it every whole number is a value of its own, so that its digits are the shortest text there is.
const EXACT: f64 = (1_u64 << 53) as f64;

/// A short text under way, at the beginning of `ROOM` bytes. What does not fit is left out; nothing is that long.
pub(super) struct Cell<'b> {
    bytes: &'b mut [u8; ROOM],
    length: usize,
}

impl<'b> Cell<'b> {
    pub(super) fn of(bytes: &'b mut [u8; ROOM]) -> Cell<'b> {
        Cell { bytes, length: 0 }
    }

    pub(super) fn length(&self) -> usize {
        self.length
    }

    /// Some bytes; short ones of fixed length cost one move.
    #[inline(always)]
    pub(super) fn put<const N: usize>(&mut self, text: &[u8; N]) {
        if let Some(place) = self.bytes.get_mut(self.length..).and_then(|rest| rest.first_chunk_mut()) {
            *place = *text;
            self.length += N;
        }
    }

    fn text(&mut self, text: &[u8]) {
        if let Some(place) = self.bytes.get_mut(self.length..self.length + text.len()) {
            place.copy_from_slice(text);
            self.length += text.len();
        }
    }

    /// As JSON has it: gaps are `null`, and an infinite value is a number too large for any reader.
    #[inline(always)]
    pub(super) fn json(&mut self, value: f64, is_integer: bool) {
        if self.short(value, is_integer) {
        } else if value.is_nan() {
            self.put(b"null");
        } else if value.is_infinite() {
            self.text(if value > 0.0 { b"1e9999" } else { b"-1e9999" });
        } else {
            self.other(value, is_integer);
        }
    }

    pub(super) fn integer(&mut self, value: f64) {
        if !self.short(value, true) {
            self.other(value, true);
        }
    }

    pub(super) fn float(&mut self, value: f64) {
        if !self.short(value, false) {
            self.other(value, false);
        }
    }

    /// Whether it is a value that is quickly set, and has been.
    #[inline(always)]
    fn short(&mut self, value: f64, is_integer: bool) -> bool {
        let room = self.bytes.get_mut(self.length..).and_then(|rest| rest.first_chunk_mut());
        let length = room.and_then(|room| short::set(room, value, is_integer));
        self.length += length.unwrap_or(0);
        length.is_some()
    }

    fn other(&mut self, value: f64, is_integer: bool) {
        let size = value.abs();
        if size < EXACT && value.fract() == 0.0 {
            self.whole(value as i64);
            if !is_integer {
                self.put(b".0");
            }
        } else {
            self.long(value, size);
        }
    }

    /// Any other value. The texts that are as short as can be are sometimes two, equally near; Python and `zmij` take the
    /// even one.
    fn long(&mut self, value: f64, size: f64) {
        if value.is_nan() {
            return self.text(b"nan");
        } else if value.is_infinite() {
            return self.text(if value > 0.0 { b"inf" } else { b"-inf" });
        }
        let mut buffer = zmij::Buffer::new();
        let text = buffer.format_finite(value);
        if (1e-4..1e16).contains(&size) {
            self.text(text.as_bytes());
        } else {
            self.scientific(text);
        }
    }

    /// `text` is `1e-7` or `0.00001`, Python's is `1e-07` and `1e-05`: the exponent has a sign and at least two digits.
    fn scientific(&mut self, text: &str) {
        let Some((mantissa, exponent)) = text.split_once('e') else {
            let (sign, digits) = text.split_once("0.0000").unwrap_or(("", text));
            let (first, rest) = digits.split_at(digits.len().min(1));
            for part in [sign, first, if rest.is_empty() { "" } else { "." }, rest, "e-05"] {
                self.text(part.as_bytes());
            }
            return;
        };
        let digits = exponent.trim_start_matches(['+', '-']);
        let sign = if exponent.starts_with('-') { "e-" } else { "e+" };
        for part in [mantissa, sign, if digits.len() < 2 { "0" } else { "" }, digits] {
            self.text(part.as_bytes());
        }
    }

    #[inline]
    pub(super) fn whole(&mut self, value: i64) {
        if value < 0 {
            self.put(b"-");
        }
        self.digits(value.unsigned_abs());
    }

    #[inline]
    fn digits(&mut self, mut value: u64) {
        let count = value.checked_ilog10().unwrap_or(0) as usize + 1;
        let Some(place) = self.bytes.get_mut(self.length..self.length + count) else { return };
        self.length += count;
        let mut pairs = place.rchunks_exact_mut(2);
        for pair in &mut pairs {
            // Byte by byte: a copy of a slice would be a call.
            let [first, second] = PAIRS[(value % 100) as usize];
            (pair[0], pair[1]) = (first, second);
            value /= 100;
        }
        if let [first] = pairs.into_remainder() {
            *first = b'0' + value as u8;
        }
    }
}

/// `00` to `99`.
pub(super) const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[0; 2]; 100];
    let mut at = 0;
    while at < 100 {
        pairs[at] = [b'0' + (at / 10) as u8, b'0' + (at % 10) as u8];
        at += 1;
    }
    pairs
};

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(set: impl FnOnce(&mut Cell<'_>)) -> String {
        let mut out = Vec::new();
        through_cell(&mut out, set);
        String::from_utf8(out).unwrap()
    }

    /// As Rust's own printing, which agrees with Python's where both are plain, and no two texts are as near.
    #[track_caller]
    fn check(value: f64) {
        assert_eq!(text(|cell| cell.float(value)), format!("{value:?}"));
    }

    #[test]
    fn values_of_few_decimals_are_printed_as_all_others() {
        for whole in [0_u64, 1, 9, 10, 99, 100, 999, 1_000, 12_345, 999_999, 1_000_000, 999_999_999, 999_999_999_999] {
            for thousandths in 0..1_000 {
                let value = format!("{whole}.{thousandths:03}").parse::<f64>().unwrap();
                if value == 0.0 || value >= 1e-4 {
                    check(value);
                    check(-value);
                }
            }
        }
        check(999_999_999_999.999_9);
        for whole in [1e9, 1e12, 1e15, EXACT - 1.0, EXACT, EXACT + 2.0] {
            check(whole);
            check(-whole);
        }
        check(0.0);
        check(-0.0);
        check(0.000_499_999_999);
    }

    proptest! {
        #[test]
        fn every_plain_value_is_printed_as_rust_does(bits: u64, exponent in 1009_u64..1076) {
            let value = f64::from_bits(bits & !(0x7ff << 52) | exponent << 52);
            prop_assume!((1e-4..1e16).contains(&value.abs()));
            let (text, other) = (text(|cell| cell.float(value)), format!("{value:?}"));
            prop_assert_eq!(text.parse::<f64>().unwrap(), value);
            prop_assert_eq!(text.len(), other.len());
        }

        #[test]
        fn a_value_reads_back(bits: u64) {
            let value = f64::from_bits(bits);
            prop_assume!(value.is_finite());
            prop_assert_eq!(text(|cell| cell.float(value)).parse::<f64>().unwrap().to_bits(), bits);
        }

        #[test]
        fn small_values_read_back(digits in 1_u64..1_000_000, size in 5..20) {
            let value: f64 = format!("{digits}e-{size}").parse().unwrap();
            let text = text(|cell| cell.float(value));
            prop_assert_eq!(text.parse::<f64>().unwrap(), value);
            prop_assert_eq!(text.contains('e'), value < 1e-4);
        }

        #[test]
        fn whole_numbers_are_printed_as_rust_does(value: i64) {
            prop_assert_eq!(text(|cell| cell.whole(value)), value.to_string());
        }
    }
}
