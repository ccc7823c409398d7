//! How a value becomes text.

use std::fmt::Write as _;

/// How a value is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Fixed decimals, as Diamond's `precision` gives.
    Decimals(u8),
    /// A whole number, cut towards zero: some collectors of Diamond's publish the `int()` of a rate.
    Whole,
    /// This many significant digits, as C's `%g`: trailing zeros cut, an exponent where it is shorter.
    Significant(u8),
}

impl Style {
    /// Appends `value` as text.
    pub fn print(self, value: f64, text: &mut String) {
        if self.print_easy(value, text).is_some() {
            return;
        }
        // Writing to a String cannot fail.
        let _ = match self {
            Style::Decimals(digits) => write!(text, "{value:.*}", usize::from(digits)),
            // Adding zero takes the sign from what was cut to a negative zero.
            Style::Whole => write!(text, "{:.0}", value.trunc() + 0.0),
            Style::Significant(digits) => print_significant(value, digits.max(1).into(), text),
        };
    }

    /// Prints what whole numbers suffice for, in a quarter of the time: nearly all that is measured.
    fn print_easy(self, value: f64, text: &mut String) -> Option<()> {
        let (power, decimals) = match self {
            Style::Decimals(digits) => (10_u64.checked_pow(digits.into()).filter(|power| *power <= 10_000)?, digits),
            Style::Whole => (1, 0),
            Style::Significant(digits) => {
                let room = 10_u64.checked_pow(digits.min(18).into())?;
                ((value as u64) as f64 == value && (value as u64) < room).then_some((1, 0))?
            }
        };
        let value = if self == Style::Whole { value.trunc() } else { value };
        let parts = in_parts(value, power)?;
        push_number(parts / power, 1, text);
        if decimals > 0 {
            text.push('.');
            push_number(parts % power, decimals.into(), text);
        }
        Some(())
    }
}

/// How many parts of `1 / power`, at most 10,000, are nearest to `value`; an even number of them where two are. `None`
/// for what is negative, no number, or so large that they do not fit.
fn in_parts(value: f64, power: u64) -> Option<u64> {
    const MANTISSA: u64 = (1 << 52) - 1;
    if value.is_sign_negative() || !(0.0..(1_u64 << 50) as f64).contains(&value) {
        return None;
    }
    // The value is `mantissa / 2^shift`. The shift is 3 or more, because the value is below 2^50; from 70 on, and below
    // the normal numbers, nothing is left of the value.
    let (exponent, mantissa) = (value.to_bits() >> 52, value.to_bits() & MANTISSA | (MANTISSA + 1));
    let shift = 1075_u64.checked_sub(exponent)?;
    if shift >= 70 {
        return Some(0);
    }
    let scaled = u128::from(mantissa) * u128::from(power);
    let (whole, rest, half) = ((scaled >> shift) as u64, scaled & ((1 << shift) - 1), 1_u128 << (shift - 1));
    Some(whole + u64::from(rest > half || rest == half && whole % 2 == 1))
}

/// Appends `number` with at least `least` digits.
fn push_number(mut number: u64, least: usize, text: &mut String) {
    let mut digits = [b'0'; 20];
    let mut at = digits.len();
    while number > 0 || digits.len() - at < least.min(20) {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
    }
    text.extend(digits[at..].iter().map(|digit| char::from(*digit)));
}

/// C's `%.{digits}g`: plain when the exponent is at least -4 and below `digits`, else with an exponent of two digits.
fn print_significant(value: f64, digits: usize, text: &mut String) -> std::fmt::Result {
    if !value.is_finite() || value == 0.0 {
        return write!(text, "{value}");
    }
    let start = text.len();
    write!(text, "{value:.*e}", digits - 1)?;
    let Some(e) = text[start..].find('e').map(|at| start + at) else { return Ok(()) };
    let exponent: i32 = text[e + 1..].parse().unwrap_or(0);
    if (-4..digits as i32).contains(&exponent) {
        text.truncate(start);
        let decimals = digits as i32 - 1 - exponent;
        write!(text, "{value:.*}", decimals.max(0) as usize)?;
        cut_zeros(start, text);
        return Ok(());
    }
    text.truncate(e);
    cut_zeros(start, text);
    write!(text, "e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
}

fn cut_zeros(start: usize, text: &mut String) {
    if text[start..].contains('.') {
        let kept = text.trim_end_matches('0').trim_end_matches('.').len();
        text.truncate(kept);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn prints(style: Style, value: f64, expected: &str) {
        let mut text = String::from("name ");
        style.print(value, &mut text);
        assert_eq!(text, format!("name {expected}"));
    }

    #[test]
    fn significant_digits_print_as_c_does() {
        let style = Style::Significant(6);
        prints(style, 0.0, "0");
        prints(style, 1485.3, "1485.3");
        prints(style, 0.6996232, "0.699623");
        prints(style, 5.073_170_4e-6, "5.07317e-06");
        prints(style, 1_280_330.0, "1.28033e+06");
        prints(style, 999_999.7, "1e+06");
        prints(style, 100.0, "100");
        prints(style, -0.000_123_4, "-0.0001234");
        prints(style, 1e-320, "9.99989e-321");
    }

    #[test]
    fn decimals_are_fixed() {
        prints(Style::Decimals(2), 2.0, "2.00");
        prints(Style::Decimals(0), 0.5, "0");
    }

    #[test]
    fn what_is_easy_to_print_is_printed_as_the_library_does() {
        let mut bits = 0x9e37_79b9_7f4a_7c15_u64;
        for _ in 0..2_000 {
            bits ^= bits << 13;
            bits ^= bits >> 7;
            bits ^= bits << 17;
            let whole = bits >> (bits % 64);
            // Hundredths and halves of them, whose last digit is a matter of the last bit, and anything else.
            for value in
                [whole as f64 / 200.0, whole as f64 / 8.0, whole as f64, bits as f64 / 1e7, f64::from_bits(bits)]
            {
                for digits in 0..7 {
                    prints(Style::Decimals(digits), value, &format!("{value:.*}", usize::from(digits)));
                }
                prints(Style::Whole, value, &format!("{:.0}", value.trunc() + 0.0));
                let (mut significant, mut expected) = (String::new(), String::new());
                Style::Significant(6).print(value, &mut significant);
                print_significant(value, 6, &mut expected).unwrap();
                assert_eq!(significant, expected);
            }
        }
    }

    #[test]
    fn a_whole_number_is_cut() {
        prints(Style::Whole, 1167.6, "1167");
        prints(Style::Whole, -0.4, "0");
    }
}
