//! Numbers and times as Python prints them.

use jiff::tz::TimeZone;

/// `repr(float)`: the shortest digits that lead back, with an exponent below 1e-4 and from 1e16 on.
pub(super) fn repr(value: f64) -> String {
    if !value.is_finite() {
        return not_finite(value);
    }
    let (digits, exponent) = scientific(&format!("{value:e}"));
    if (-4..16).contains(&exponent) {
        let plain = value.to_string();
        return if plain.contains('.') { plain } else { plain + ".0" };
    }
    with_exponent(&digits, exponent)
}

/// `%f`: six decimals.
pub(super) fn fixed(value: f64) -> String {
    if value.is_finite() { format!("{value:.6}") } else { not_finite(value) }
}

/// `%.{precision}g`: so many significant digits at most, no zeros at the end.
pub(super) fn general(value: f64, precision: usize) -> String {
    if !value.is_finite() {
        return not_finite(value);
    }
    let (digits, exponent) = scientific(&format!("{value:.*e}", precision - 1));
    if exponent < -4 || exponent >= precision as i32 {
        return with_exponent(&strip(digits), exponent);
    }
    let decimals = (precision as i32 - 1 - exponent).max(0) as usize;
    strip(format!("{value:.decimals$}"))
}

fn not_finite(value: f64) -> String {
    if value.is_nan() {
        "nan".into()
    } else if value > 0.0 {
        "inf".into()
    } else {
        "-inf".into()
    }
}

/// `1.5e-7` as its digits and its exponent.
fn scientific(text: &str) -> (String, i32) {
    let (digits, exponent) = text.split_once('e').unwrap_or((text, "0"));
    (digits.to_owned(), exponent.parse().unwrap_or(0))
}

fn with_exponent(digits: &str, exponent: i32) -> String {
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}

fn strip(digits: String) -> String {
    if !digits.contains('.') {
        return digits;
    }
    digits.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A time in the local zone (`TZ`), as `ctime` has it or in a `strftime` format.
///
/// # Errors
/// What is wrong with the format.
pub(super) fn local(secs: i64, format: Option<&str>) -> Result<String, String> {
    let instant = jiff::Timestamp::from_second(secs).map_err(|error| error.to_string())?;
    let zoned = instant.to_zoned(TimeZone::system());
    let format = format.unwrap_or("%a %b %e %H:%M:%S %Y");
    jiff::fmt::strtime::format(format, &zoned).map_err(|error| format!("time format `{format}`: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_printed_as_python_prints_them() {
        let cases = [
            (0.5, "0.5"),
            (5.0, "5.0"),
            (-0.0, "-0.0"),
            (1e16, "1e+16"),
            (1e15, "1000000000000000.0"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (f64::INFINITY, "inf"),
            (1.5e300, "1.5e+300"),
            (0.30000001192092896, "0.30000001192092896"),
            (123456.789, "123456.789"),
        ];
        for (value, text) in cases {
            assert_eq!(repr(value), text);
        }
    }

    #[test]
    fn significant_digits_are_exact_and_without_zeros() {
        assert_eq!(general(108.33333333333333, 35), "108.33333333333332859638176159933209");
        assert_eq!(general(169.0, 35), "169");
        assert_eq!(general(0.0, 35), "0");
        assert_eq!(general(0.5, 6), "0.5");
        assert_eq!(general(0.30000001192092896, 6), "0.3");
        assert_eq!(general(1e40, 35), "1.0000000000000000303786028427003667e+40");
        assert_eq!(general(1e-5, 6), "1e-05");
        assert_eq!(general(1234567.0, 6), "1.23457e+06");
    }
}
