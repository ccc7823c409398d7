//! Numbers as Python's `float()` reads them, because that is what carbon's peers were written against: `1e3`, `.5`,
//! `1_000`, `inf`, digits of any script. Hexadecimal and decimal commas are refused.

/// Reads a number written in ASCII without underscores, or gives up; then [`exact`] has the last word.
pub(crate) fn fast(text: &[u8]) -> Option<f64> {
    fast_float2::parse(text).ok()
}

/// Reads any number that `float()` of Python 3.11 takes. `text` carries no white space.
pub(crate) fn exact(text: &str) -> Option<f64> {
    if text.is_ascii() && !text.contains('_') {
        return text.parse().ok();
    }
    let mut plain = String::with_capacity(text.len());
    let (mut after_digit, mut underscore) = (false, false);
    for c in text.chars() {
        let c = decimal_digit(c).unwrap_or(c);
        // An underscore stands between two digits and nowhere else.
        if (c == '_' && !after_digit) || (underscore && !c.is_ascii_digit()) {
            return None;
        }
        underscore = c == '_';
        after_digit = c.is_ascii_digit();
        if !underscore {
            plain.push(c);
        }
    }
    if underscore { None } else { plain.parse().ok() }
}

/// The ASCII digit that stands for `c`, when `c` is a decimal digit of another script.
fn decimal_digit(c: char) -> Option<char> {
    let code = c as u32;
    let zero = *ZEROS[..ZEROS.partition_point(|zero| *zero <= code)].last()?;
    char::from_digit(code - zero, 10)
}

/// The digit zero of each script; nine more follow each. Unicode 14.0, as Python 3.11 knows it.
const ZEROS: [u32; 65] = [
    0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xde6, 0xe50, 0xed0, 0xf20,
    0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90, 0x1b50, 0x1bb0, 0x1c40, 0x1c50, 0xa620, 0xa8d0,
    0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0xff10, 0x104a0, 0x10d30, 0x11066, 0x110f0, 0x11136, 0x111d0, 0x112f0,
    0x11450, 0x114d0, 0x11650, 0x116c0, 0x11730, 0x118e0, 0x11950, 0x11c50, 0x11d50, 0x11da0, 0x16a60, 0x16ac0,
    0x16b50, 0x1d7ce, 0x1d7d8, 0x1d7e2, 0x1d7ec, 0x1d7f6, 0x1e140, 0x1e2f0, 0x1e950, 0x1fbf0,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<f64>) {
        assert_eq!(exact(text), expected, "{text}");
        if let Some(fast) = fast(text.as_bytes()) {
            assert_eq!(Some(fast), expected, "the fast way disagrees about {text}");
        }
    }

    #[test]
    fn numbers_are_what_python_takes_for_one() {
        check("1e3", Some(1000.0));
        check(".5", Some(0.5));
        check("5.", Some(5.0));
        check("+1", Some(1.0));
        check("-Infinity", Some(f64::NEG_INFINITY));
        check("1e400", Some(f64::INFINITY));
        for bad in ["", ".", "+", "1e", "0x10", "1,5", "--1", "infin", "1 2", "e5", "1e+"] {
            check(bad, None);
        }
    }

    #[test]
    fn an_underscore_stands_between_two_digits() {
        check("1_000", Some(1000.0));
        check("1_0.0_1e1_0", Some(10.01e10));
        for bad in ["_1", "1_", "1__0", "1_.0", "1._0", "1_e5", "i_nf"] {
            check(bad, None);
        }
    }

    #[test]
    fn digits_of_any_script_count() {
        check("\u{661}", Some(1.0));
        check("\u{ff11}\u{ff12}.\u{966}", Some(12.0));
        check("\u{1d7ff}", Some(9.0));
        check("½", None);
        check("²", None);
    }
}
