//! Numbers as Python writes them, because names and tags are made of them: `scale(x,1e+06)`, `"scale": "8.0"`.

use std::fmt::{self, Write as _};

/// A number as it was written; whole numbers stay whole where a function does not ask for a float.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// Digits alone.
    Integer(i64),
    /// With a point or an exponent.
    Float(f64),
}

impl Number {
    /// Its value.
    pub fn as_f64(self) -> f64 {
        match self {
            Number::Integer(value) => value as f64,
            Number::Float(value) => value,
        }
    }

    /// Its whole part, cut towards zero and to what fits.
    pub fn truncated(self) -> i64 {
        match self {
            Number::Integer(value) => value,
            Number::Float(value) => value as i64,
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Number::Integer(value) => value.fmt(f),
            Number::Float(value) => f.write_str(&repr(*value)),
        }
    }
}

/// Python's `repr` of a float: the shortest digits that read back the same, always with a point or an exponent.
pub fn repr(value: f64) -> String {
    if !value.is_finite() {
        return not_finite(value).to_owned();
    }
    let (digits, exponent) = scientific(&format!("{value:e}"));
    if (-4..16).contains(&exponent) {
        let plain = format!("{value}");
        return if plain.contains('.') { plain } else { plain + ".0" };
    }
    with_exponent(&digits, exponent)
}

/// Python's `%g`: six significant digits, no trailing zeros.
pub fn g(value: f64) -> String {
    general(value, 6)
}

/// Python's `%.{precision}g`.
pub fn general(value: f64, precision: usize) -> String {
    if !value.is_finite() {
        return not_finite(value).to_owned();
    }
    let precision = precision.max(1);
    let (digits, exponent) = scientific(&format!("{value:.*e}", precision - 1));
    if exponent < -4 || exponent >= precision as i32 {
        return with_exponent(trim_zeros(&digits), exponent);
    }
    let decimals = (precision as i32 - 1 - exponent).max(0) as usize;
    trim_zeros(&format!("{value:.decimals$}")).to_owned()
}

/// Python's `%d` of a float: cut towards zero.
pub fn d(value: f64) -> String {
    format!("{}", value.trunc() + 0.0)
}

/// Python's `round(value, digits)`: to the decimal nearest to the float's exact value, ties to even.
pub fn round(value: f64, digits: i32) -> f64 {
    if digits < 0 {
        let unit = 10_f64.powi(digits.saturating_neg());
        return if unit.is_finite() { (value / unit).round_ties_even() * unit } else { value * 0.0 };
    }
    let Some(unit) = UNITS.get(digits as usize) else { return value };
    // Every value of a counter passes here. Adding and taking away one and a half times 2^52 rounds to a whole number,
    // ties to even, without the call that `round_ties_even` is on plain x86-64; units up to 10^22 are exact, so the
    // quotient is the float nearest to the decimal.
    const SHIFT: f64 = 6_755_399_441_055_744.0;
    let scaled = value * unit;
    let whole = (scaled + SHIFT) - SHIFT;
    let from_tie = 0.5 - (scaled - whole).abs();
    if scaled.abs() < 1_125_899_906_842_624.0 && from_tie > scaled.abs() * 1e-14 {
        return (whole / unit).copysign(value);
    }
    if !value.is_finite() || value.abs() >= 9_007_199_254_740_992.0 {
        return value;
    }
    // The product was rounded and may hide on which side of the tie the value lies; decimal digits tell.
    format!("{value:.*}", digits as usize).parse().unwrap_or(value)
}

/// Powers of ten that a float holds exactly.
const UNITS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];

fn not_finite(value: f64) -> &'static str {
    match (value.is_nan(), value > 0.0) {
        (true, _) => "nan",
        (false, true) => "inf",
        (false, false) => "-inf",
    }
}

/// Splits `1.5e-7` into its digits and its exponent.
fn scientific(text: &str) -> (String, i32) {
    let (digits, exponent) = text.split_once('e').unwrap_or((text, "0"));
    (digits.to_owned(), exponent.parse().unwrap_or(0))
}

fn with_exponent(digits: &str, exponent: i32) -> String {
    let mut text = digits.to_owned();
    let sign = if exponent < 0 { '-' } else { '+' };
    let _ = write!(text, "e{sign}{:02}", exponent.abs());
    text
}

fn trim_zeros(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_written_as_python_does() {
        for (value, expected) in [
            (1.0, "1.0"),
            (0.1, "0.1"),
            (-0.0, "-0.0"),
            (1e16, "1e+16"),
            (123_456_789_012_345_680.0, "1.2345678901234568e+17"),
            (9_999_999_999_999_998.0, "9999999999999998.0"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (1.5e-7, "1.5e-07"),
            (f64::INFINITY, "inf"),
        ] {
            assert_eq!(repr(value), expected);
        }
    }

    #[test]
    fn percent_g_keeps_six_digits() {
        for (value, expected) in [
            (2.0, "2"),
            (0.5, "0.5"),
            (1_000_000.0, "1e+06"),
            (123_456.0, "123456"),
            (1_234_567.0, "1.23457e+06"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (999_999.9, "1e+06"),
            (-2.5, "-2.5"),
            (100.0, "100"),
            (0.0, "0"),
        ] {
            assert_eq!(g(value), expected);
        }
    }

    #[test]
    fn rounding_is_that_of_decimal_digits_with_ties_to_even() {
        for (value, digits, expected) in [
            (2.5, 0, 2.0),
            (3.5, 0, 4.0),
            (2.675, 2, 2.67),
            (0.125, 2, 0.12),
            (0.000_000_5, 6, 0.0),
            (1.000_000_5, 6, 1.000_001),
            (1234.0, -2, 1200.0),
            (250.0, -2, 200.0),
            (-0.15, 1, -0.1),
            (-0.2, 0, -0.0),
            (1e300, 2, 1e300),
        ] {
            assert_eq!(round(value, digits).to_bits(), f64::to_bits(expected), "{value} to {digits}");
        }
    }
}
