//! Lengths of time: `5min`, `-1h30min`, `1d12h`. A sign stands once, in front, and holds for all parts.

use super::TimeFault;

/// A unit of length, told by the first letters of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// `s`, `sec`, `seconds`
    Second,
    /// `min`, `minutes`; a bare `m` is refused because it could be a month.
    Minute,
    /// `h`, `hours`
    Hour,
    /// `d`, `days`
    Day,
    /// `w`, `weeks`
    Week,
    /// `mon`, `months`: 30 days
    Month,
    /// `y`, `years`: 365 days
    Year,
}

impl Unit {
    /// Reads a unit as graphite-web `getUnitString` does: by how the word begins, so that `secs` and `sundry` are both
    /// seconds.
    pub fn parse(word: &str) -> Option<Unit> {
        const BEGINNINGS: [(&str, Unit); 7] = [
            ("s", Unit::Second),
            ("min", Unit::Minute),
            ("h", Unit::Hour),
            ("d", Unit::Day),
            ("w", Unit::Week),
            ("mon", Unit::Month),
            ("y", Unit::Year),
        ];
        BEGINNINGS.iter().find(|(beginning, _)| word.starts_with(beginning)).map(|(_, unit)| *unit)
    }

    /// Length in seconds.
    pub const fn secs(self) -> i64 {
        match self {
            Unit::Second => 1,
            Unit::Minute => 60,
            Unit::Hour => 3_600,
            Unit::Day => 86_400,
            Unit::Week => 7 * 86_400,
            Unit::Month => 30 * 86_400,
            Unit::Year => 365 * 86_400,
        }
    }
}

/// Longest length that is read, in seconds: ten thousand years, so that sums of a few stay far from overflow.
const LONGEST: i64 = 10_000 * 365 * 86_400;

/// Seconds of a signed or unsigned length; the empty text is zero. Source: graphite-web `parseTimeOffset`.
///
/// # Errors
/// On a missing number, an unknown unit, or a length beyond ten thousand years.
pub fn offset(text: &str) -> Result<i64, TimeFault> {
    let (sign, mut rest) = match text.as_bytes().first() {
        None => return Ok(0),
        Some(b'0'..=b'9') => (1, text),
        Some(b'+') => (1, &text[1..]),
        Some(b'-') => (-1, &text[1..]),
        Some(_) => return Err(TimeFault::new(text, "an offset begins with `+`, `-` or a digit")),
    };
    let mut total = 0_i64;
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, after) = rest.split_at(digits);
        if number.is_empty() {
            return Err(TimeFault::new(text, format!("a number is missing before `{}`", shorten(rest))));
        }
        let letters = after.len() - after.trim_start_matches(char::is_alphabetic).len();
        let (word, after) = after.split_at(letters);
        let unit = Unit::parse(word).ok_or_else(|| unknown_unit(text, word))?;
        total = number
            .parse::<i64>()
            .ok()
            .and_then(|number| number.checked_mul(unit.secs()))
            .and_then(|part| total.checked_add(part))
            .filter(|total| *total <= LONGEST)
            .ok_or_else(|| TimeFault::new(text, "it is longer than ten thousand years"))?;
        rest = after;
    }
    Ok(sign * total)
}

fn unknown_unit(text: &str, word: &str) -> TimeFault {
    let reason = match word {
        "" => "a unit is missing; write s, min, h, d, w, mon or y after the number".to_owned(),
        "m" => "`m` is neither min nor mon".to_owned(),
        _ => format!("`{}` is no unit; use s, min, h, d, w, mon or y", shorten(word)),
    };
    TimeFault::new(text, reason)
}

fn shorten(text: &str) -> String {
    text.chars().take(20).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_add_up_under_one_sign() {
        assert_eq!(offset("-1h30min"), Ok(-5_400));
        assert_eq!(offset("1d12h"), Ok(129_600));
        assert_eq!(offset("+2weeks"), Ok(1_209_600));
        assert_eq!(offset("1mon"), Ok(2_592_000));
        assert_eq!(offset(""), Ok(0));
    }

    #[test]
    fn a_bare_m_and_a_second_sign_are_refused() {
        assert!(offset("-10m").is_err());
        assert!(offset("-1h-30min").is_err());
        assert!(offset("+-10min").is_err());
        assert!(offset("10parsecs").is_err());
        assert!(offset("99999999999999999999s").is_err());
        assert!(offset("5").is_err());
    }
}
