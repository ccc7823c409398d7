//! The line that every client sends: a printable ASCII name, a number, whole seconds, parted by single spaces.
//!
//! Read in one pass, eight bytes at a time, without looking for the newline first. What is not that simple, or wrong,
//! is left to [`crate::plain::parse`], which alone decides about it; both give the same bits (tests below and in
//! `plain`). Per line: no allocation, no system call.

use crate::number;

/// What a simple line says, before any rule about names and times is applied.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Simple<'a> {
    /// The name as it was sent: at least one byte, each of them printable ASCII.
    pub name: &'a [u8],
    /// What was measured, and when.
    pub numbers: Numbers,
}

/// The two numbers of a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Numbers {
    /// Never NaN.
    pub value: f64,
    /// Seconds since the epoch, finite; may be negative, fractional, or far away.
    pub time: f64,
}

/// The line at the start of `bytes`, and how many of them it takes with its newline, if it has one.
#[inline]
pub(crate) fn line(bytes: &[u8]) -> Option<(Simple<'_>, usize)> {
    let end = name_end(bytes)?;
    let (numbers, used) = numbers(&bytes[end + 1..])?;
    Some((Simple { name: &bytes[..end], numbers }, end + 1 + used))
}

/// As [`line`], for what follows the name and its space.
#[inline]
pub(crate) fn numbers(bytes: &[u8]) -> Option<(Numbers, usize)> {
    let (value, gap) = number_at(bytes, 0)?;
    if bytes.get(gap) != Some(&b' ') {
        return None;
    }
    let (time, end) = number_at(bytes, gap + 1)?;
    let used = match bytes.get(end) {
        Some(b'\n') => end + 1,
        Some(b'\r') if bytes.get(end + 1) == Some(&b'\n') => end + 2,
        Some(b'\r') if bytes.len() == end + 1 => end + 1,
        None => end,
        Some(_) => return None,
    };
    (!value.is_nan() && time.is_finite()).then_some((Numbers { value, time }, used))
}

const ONES: u64 = u64::from_le_bytes([1; 8]);
const HIGHS: u64 = ONES << 7;

/// Eight bytes from `at` on, the first lowest; past the end stand zeros.
#[inline]
fn load(bytes: &[u8], at: usize) -> u64 {
    let rest = bytes.get(at..).unwrap_or_default();
    match rest.first_chunk() {
        Some(eight) => u64::from_le_bytes(*eight),
        None => rest.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)),
    }
}

/// Where the space behind the name is. `None` when the name is empty or holds more than printable ASCII.
#[inline]
fn name_end(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let word = load(bytes, at);
        // A byte below `!` borrows, one above `~` overflows. Either can mark the bytes above it too, never one below.
        let odd = ((word.wrapping_sub(ONES * 0x21) & !word) | word.wrapping_add(ONES) | word) & HIGHS;
        if odd != 0 {
            let end = at + odd.trailing_zeros() as usize / 8;
            return (end > 0 && bytes.get(end) == Some(&b' ')).then_some(end);
        }
        at += 8;
    }
}

/// The number that begins at `start`, and where it ends.
#[inline]
fn number_at(bytes: &[u8], start: usize) -> Option<(f64, usize)> {
    let negative = bytes.get(start) == Some(&b'-');
    let first = start + usize::from(negative);
    let (mut mantissa, mut end) = digits(bytes, first, 0);
    let (mut count, mut behind) = (end - first, 0);
    if bytes.get(end) == Some(&b'.') {
        let point = end;
        (mantissa, end) = digits(bytes, point + 1, mantissa);
        behind = end - point - 1;
        count += behind;
    }
    // Clinger's case: a mantissa and a power of ten that are exact as they are need one rounding, so the quotient is
    // the nearest number. More than 19 digits may have overflowed.
    let exact = count > 0 && count <= 19 && mantissa <= 1 << 53;
    if !exact || !ends_number(bytes.get(end)) {
        return odd_number(bytes, start);
    }
    let value = if behind == 0 { mantissa as f64 } else { mantissa as f64 / TENS[behind] };
    Some((if negative { -value } else { value }, end))
}

/// Powers of ten that a double holds exactly, as far as digits can ask for them.
const TENS: [f64; 20] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19];

/// Reads on from `mantissa` as long as digits come, and tells where they end. Wraps after 19 digits.
#[inline]
fn digits(bytes: &[u8], mut at: usize, mut mantissa: u64) -> (u64, usize) {
    loop {
        let word = load(bytes, at) ^ (ONES * 0x30);
        // 0 to 9 stay below 0x80 with 0x76 added, everything else does not.
        let others = (word.wrapping_add(ONES * 0x76) | word) & HIGHS;
        if others == 0 {
            mantissa = mantissa.wrapping_mul(100_000_000).wrapping_add(eight_digits(word));
            at += 8;
            continue;
        }
        let count = others.trailing_zeros() as usize / 8;
        if count > 0 {
            // The digits move to the high end, where the last of eight stands; zeros lead them.
            mantissa = mantissa.wrapping_mul(WHOLE_TENS[count]).wrapping_add(eight_digits(word << (64 - 8 * count)));
        }
        return (mantissa, at + count);
    }
}

const WHOLE_TENS: [u64; 8] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000];

/// The number that eight digits make, each in a byte of its own, the most significant lowest: first pairs, then fours.
#[inline]
fn eight_digits(word: u64) -> u64 {
    const PAIRS: u64 = 0x0000_00ff_0000_00ff;
    let word = word.wrapping_mul(10).wrapping_add(word >> 8);
    let high = (word & PAIRS).wrapping_mul(100 + (1_000_000 << 32));
    let low = (word >> 16 & PAIRS).wrapping_mul(1 + (10_000 << 32));
    high.wrapping_add(low) >> 32
}

fn ends_number(byte: Option<&u8>) -> bool {
    matches!(byte, None | Some(b' ' | b'\n' | b'\r'))
}

/// Bytes that a number may have here; doubles print in at most 24.
const LONGEST_NUMBER: usize = 64;

/// A number with an exponent or more digits than a double tells apart.
#[inline(never)]
fn odd_number(bytes: &[u8], start: usize) -> Option<(f64, usize)> {
    let text = bytes.get(start..)?;
    let text = &text[..text.len().min(LONGEST_NUMBER)];
    let length = text.iter().position(|byte| ends_number(Some(byte))).unwrap_or(text.len());
    Some((number::fast(&text[..length])?, start + length))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Decoder, Reject, plain};
    use proptest::prelude::*;

    /// Numbers as clients print them, and some that nobody should.
    fn text() -> impl Strategy<Value = String> {
        prop_oneof![
            "-?[0-9]{0,21}",
            "-?[0-9]{0,21}[.][0-9]{0,21}",
            any::<f64>().prop_map(|value| value.to_string()),
            any::<f64>().prop_map(|value| format!("{value:e}")),
            any::<f32>().prop_map(|value| value.to_string()),
            "[-+]?[0-9._einfa]{0,9}",
        ]
    }

    /// A name, or something like it.
    fn name() -> impl Strategy<Value = String> {
        prop_oneof![4 => "[a-c.]{1,3}", 1 => "[!-~]{1,20}", 1 => "[a\\x00\\x1f\\x7fé\\x{a0} \\t]{0,12}"]
    }

    proptest! {
        #[test]
        fn a_simple_line_has_the_bits_of_the_whole_rule(name in name(), value in text(), time in text(), end in "\r?") {
            let text = format!("{name} {value} {time}{end}");
            if let Some((simple, used)) = line(text.as_bytes()) {
                prop_assert_eq!(used, text.len());
                let number = |text: &str| text.parse::<f64>().unwrap().to_bits();
                let Numbers { value: found, time: when } = simple.numbers;
                prop_assert_eq!((found.to_bits(), when.to_bits()), (number(&value), number(&time)));
                prop_assert_eq!(simple.name, name.as_bytes());
            }
        }

        #[test]
        fn reading_ahead_changes_no_line(
            lines in proptest::collection::vec((name(), text(), text(), "[ \r]{0,2}"), 0..12),
            guess in name(),
            pieces in 1usize..200,
            longest in 1usize..40,
        ) {
            let stream: String = lines.iter().map(|(name, value, time, end)| format!("{name} {value} {time}{end}\n")).collect();
            let points = |ahead: bool| {
                let (mut decoder, mut out) = (Decoder::with_longest(longest), Vec::new());
                for chunk in stream.as_bytes().chunks(pieces) {
                    let mut lines = decoder.feed(chunk);
                    loop {
                        let read = if ahead { read_ahead(&mut lines, guess.as_bytes()) } else { None };
                        match read.or_else(|| Some(slowly(lines.next()?))) {
                            Some(point) => out.push(point),
                            None => break,
                        }
                    }
                }
                out
            };
            prop_assert_eq!(points(true), points(false));
        }
    }

    type Read = Result<(Vec<u8>, u64, u64), Reject>;

    fn slowly(line: Result<&[u8], Reject>) -> Read {
        let point = line.and_then(plain::exactly)?;
        Ok((point.name.into(), point.value.to_bits(), point.time.to_bits()))
    }

    fn read_ahead(lines: &mut crate::decoder::Lines<'_>, guess: &[u8]) -> Option<Read> {
        let guess = Some(guess).filter(|guess| !guess.is_empty() && guess.iter().all(u8::is_ascii_graphic));
        let guessed = guess.and_then(|guess| Some((guess, lines.next_of(guess)?)));
        let read = guessed.or_else(|| lines.next_simple().map(|simple| (simple.name, simple.numbers)));
        read.map(|(name, Numbers { value, time })| Ok((name.to_vec(), value.to_bits(), time.to_bits())))
    }

    #[track_caller]
    fn check(text: &str, expected: Option<f64>) {
        let found = line(format!("a {text} 1700000000\n").as_bytes()).map(|(simple, _)| simple.numbers.value.to_bits());
        assert_eq!(found, expected.map(f64::to_bits), "{text}");
    }

    #[test]
    fn the_bounds_of_exact_digits_hold() {
        check("0", Some(0.0));
        check("-0", Some(-0.0));
        check("5.", Some(5.0));
        check(".5", Some(0.5));
        check("9007199254740993", Some(9_007_199_254_740_992.0));
        check("0.1", Some(0.1));
        check("0.30000000000000004", Some(0.300_000_000_000_000_04));
        check("0.0000000000000000001", Some(1e-19));
        check("0000000000000000000001", Some(1.0));
        check("18446744073709551617", Some(18_446_744_073_709_551_616.0));
        check("1e3", Some(1000.0));
        for bad in ["", "-", ".", "-.", "nan", "1x", "0x10", "1_0"] {
            check(bad, None);
        }
    }

    #[test]
    fn a_line_is_simple_or_left_alone() {
        let simple = |text: &str| line(text.as_bytes()).map(|(_, used)| used);
        assert_eq!(simple("a 1 2\nb 3 4\n"), Some(6));
        assert_eq!(simple("a 1 2\r\nb 3 4\n"), Some(7));
        assert_eq!(simple("a 1 2"), Some(5));
        assert_eq!(simple("a 1 2\r"), Some(6));
        for odd in
            ["", "\n", " a 1 2\n", "a  1 2\n", "a 1\n2\n", "a 1 2 \n", "a 1 2\rb 1 2\n", "a\u{7f} 1 2\n", "a 1 inf\n"]
        {
            assert_eq!(simple(odd), None, "{odd:?}");
        }
    }
}
