//! How long points are kept, and how finely: `60s:7d` keeps a point a minute for a week.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::sync::Arc;

use crate::Interval;

/// One archive's promise: `points` slots, `step` seconds apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Retention {
    /// Distance between neighbouring points.
    pub step: Interval,
    /// How many points are kept.
    pub points: NonZeroU32,
}

/// The retentions of one file, finest first, cheap to clone; they satisfy the five rules that every Whisper writer checks.
///
/// 1. There is at least one.
/// 2. Steps strictly increase.
/// 3. Each step divides the next one.
/// 4. Each archive reaches further back than the one before it.
/// 5. Each archive has enough points to make one of the next.
///
/// ```
/// use whisper::Retentions;
///
/// let retentions: Retentions = "60s:7d,5m:1y".parse()?;
/// assert_eq!(retentions.as_slice()[1].points.get(), 105_120);
/// assert_eq!(retentions.max_retention_secs(), 365 * 86_400);
/// # Ok::<(), whisper::RetentionError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Retentions(Arc<[Retention]>);

/// Why a retention, or a list of them, is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RetentionError {
    /// The text is not `PRECISION:RETENTION`.
    #[error("retention `{text}` lacks its colon; write it as PRECISION:RETENTION, for example 60s:7d")]
    Shape {
        /// What was given.
        text: String,
    },
    /// A side is neither a number nor a number with a unit.
    #[error(
        "`{part}` in retention `{text}` is no length of time; write digits and one of seconds, minutes, hours, days, weeks, years or a beginning of these"
    )]
    Length {
        /// What was given.
        text: String,
        /// Its faulty side.
        part: String,
    },
    /// A step of zero seconds, or no points: such an archive could hold nothing.
    #[error("retention `{text}` has a step of {step} s and {points} points; both must be at least 1")]
    Zero {
        /// What was given.
        text: String,
        /// The step read from it.
        step: u64,
        /// The number of points read from it.
        points: u64,
    },
    /// More than the file format's 32 bits can say.
    #[error(
        "retention `{text}` has a step of {step} s and {points} points; the file format keeps steps, points and their product in 32 bits"
    )]
    TooLarge {
        /// What was given.
        text: String,
        /// The step read from it.
        step: u64,
        /// The number of points read from it.
        points: u64,
    },
    /// Rule 1.
    #[error("there is no archive; give at least one retention such as 60s:7d")]
    Empty,
    /// Rule 2. Archives are counted from 0, finest first.
    #[error("archive{index} ({first}) and archive{next} ({second}) have the same precision; drop one of them", next = .index + 1)]
    SameStep {
        /// Place of the finer archive.
        index: usize,
        /// The finer archive.
        first: Retention,
        /// The coarser archive.
        second: Retention,
    },
    /// Rule 3.
    #[error(
        "archive{index} has a step of {first} s, which does not divide the {second} s of archive{next}; choose a multiple",
        next = .index + 1, first = .first.step, second = .second.step
    )]
    Indivisible {
        /// Place of the finer archive.
        index: usize,
        /// The finer archive.
        first: Retention,
        /// The coarser archive.
        second: Retention,
    },
    /// Rule 4.
    #[error(
        "archive{index} reaches back {first} s and archive{next} only {second} s; a coarser archive must reach further",
        next = .index + 1, first = .first.duration_secs(), second = .second.duration_secs()
    )]
    NotLonger {
        /// Place of the finer archive.
        index: usize,
        /// The finer archive.
        first: Retention,
        /// The coarser archive.
        second: Retention,
    },
    /// Rule 5.
    #[error(
        "a point of archive{next} is made from {needed} points of archive{index}, which has only {points}; give archive{index} more points",
        next = .index + 1, needed = .second.step.secs() / .first.step.secs(), points = .first.points
    )]
    TooFewPoints {
        /// Place of the finer archive.
        index: usize,
        /// The finer archive.
        first: Retention,
        /// The coarser archive.
        second: Retention,
    },
    /// The last byte would lie beyond what a 32-bit offset reaches.
    #[error("the archives would fill {bytes} bytes; the offsets of the file format end at 4 GiB, keep fewer points")]
    FileTooLarge {
        /// Size of the file asked for.
        bytes: u64,
    },
}

impl Retention {
    /// `points` slots, `step` seconds apart; `None` if one of them is zero.
    pub const fn new(step: u32, points: u32) -> Option<Retention> {
        match (Interval::from_secs(step), NonZeroU32::new(points)) {
            (Some(step), Some(points)) => Some(Retention { step, points }),
            _ => None,
        }
    }

    /// Seconds from the newest point to the end of the oldest: step times points.
    pub const fn duration_secs(&self) -> u64 {
        self.step.secs() as u64 * self.points.get() as u64
    }

    /// Reads `PRECISION:RETENTION` as the Whisper tools do: `60:1440`, `60s:1d`, `15min:8`, `1h:7days`.
    ///
    /// A bare left side counts seconds, a bare right side counts points; with a unit the right side is a length of
    /// time that is divided by the precision and rounded down. Any beginning of a unit's name stands for the unit.
    /// Blanks around the whole are ignored. (carbon knows only one-letter units; its dialect is read by carbon.)
    ///
    /// # Errors
    /// Names the side at fault; zero steps, zero points and what exceeds 32 bits are refused.
    pub fn parse(text: &str) -> Result<Retention, RetentionError> {
        let (precision, kept) =
            text.trim().split_once(':').ok_or_else(|| RetentionError::Shape { text: text.to_owned() })?;
        let step = seconds(precision, text)?;
        let points = if is_number(kept) { number(kept) } else { seconds(kept, text)?.checked_div(step).unwrap_or(0) };
        let zero = || RetentionError::Zero { text: text.to_owned(), step, points };
        let large = || RetentionError::TooLarge { text: text.to_owned(), step, points };
        if step == 0 || points == 0 {
            return Err(zero());
        }
        let (Ok(narrow_step), Ok(narrow_points)) = (u32::try_from(step), u32::try_from(points)) else {
            return Err(large());
        };
        let retention = Retention::new(narrow_step, narrow_points).ok_or_else(zero)?;
        if u32::try_from(retention.duration_secs()).is_err() {
            return Err(large());
        }
        Ok(retention)
    }

    /// Reads several, parted by commas, in the order given; [`Retentions::new`] checks them against each other.
    ///
    /// # Errors
    /// That of the first faulty one.
    pub fn parse_list(text: &str) -> Result<Vec<Retention>, RetentionError> {
        text.split(',').map(Retention::parse).collect()
    }
}

/// A precision alone, such as the `5min` that selects an archive: digits, or digits and a beginning of a unit's name.
///
/// # Errors
/// When it is neither.
pub fn parse_precision(text: &str) -> Result<u64, RetentionError> {
    seconds(text.trim(), text)
}

fn seconds(part: &str, text: &str) -> Result<u64, RetentionError> {
    let fault = || RetentionError::Length { text: text.to_owned(), part: part.to_owned() };
    let digits = part.bytes().take_while(u8::is_ascii_digit).count();
    let (count, unit) = part.split_at(digits);
    if count.is_empty() {
        return Err(fault());
    }
    let unit = if unit.is_empty() { 1 } else { unit_secs(unit).ok_or_else(fault)? };
    Ok(number(count).saturating_mul(unit))
}

fn unit_secs(name: &str) -> Option<u64> {
    const UNITS: [(&str, u64); 6] = [
        ("seconds", 1),
        ("minutes", 60),
        ("hours", 3_600),
        ("days", 86_400),
        ("weeks", 7 * 86_400),
        ("years", 365 * 86_400),
    ];
    UNITS.iter().find(|(unit, _)| unit.starts_with(name)).map(|(_, secs)| *secs)
}

fn is_number(part: &str) -> bool {
    !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit())
}

/// More digits than fit mean "too large", whatever they are.
fn number(digits: &str) -> u64 {
    digits.parse().unwrap_or(u64::MAX)
}

impl Retentions {
    /// Sorts by step, then checks the five rules and that all of it fits the format's 32-bit offsets.
    ///
    /// # Errors
    /// The first rule broken, with the archives that break it.
    pub fn new(mut list: Vec<Retention>) -> Result<Retentions, RetentionError> {
        list.sort_by_key(|retention| retention.step);
        if list.is_empty() {
            return Err(RetentionError::Empty);
        }
        for (index, pair) in list.windows(2).enumerate() {
            check_pair(index, pair[0], pair[1])?;
        }
        if let Some(last) = list.last().filter(|last| u32::try_from(last.duration_secs()).is_err()) {
            let (step, points) = (u64::from(last.step.secs()), u64::from(last.points.get()));
            return Err(RetentionError::TooLarge { text: last.to_string(), step, points });
        }
        let retentions = Retentions(list.into());
        let bytes = retentions.file_size();
        if u32::try_from(bytes).is_err() {
            return Err(RetentionError::FileTooLarge { bytes });
        }
        Ok(retentions)
    }

    /// The retentions, finest first; never empty.
    pub fn as_slice(&self) -> &[Retention] {
        &self.0
    }

    /// How far back the coarsest archive reaches, in seconds.
    pub fn max_retention_secs(&self) -> u64 {
        self.0.iter().map(Retention::duration_secs).max().unwrap_or(0)
    }

    /// Bytes of a file with these archives: 16 + 12 per archive + 12 per point.
    pub fn file_size(&self) -> u64 {
        16 + self.0.iter().map(|retention| 12 + 12 * u64::from(retention.points.get())).sum::<u64>()
    }
}

fn check_pair(index: usize, first: Retention, second: Retention) -> Result<(), RetentionError> {
    let ratio = second.step.secs() / first.step.secs();
    if first.step == second.step {
        Err(RetentionError::SameStep { index, first, second })
    } else if !second.step.secs().is_multiple_of(first.step.secs()) {
        Err(RetentionError::Indivisible { index, first, second })
    } else if second.duration_secs() <= first.duration_secs() {
        Err(RetentionError::NotLonger { index, first, second })
    } else if first.points.get() < ratio {
        Err(RetentionError::TooFewPoints { index, first, second })
    } else {
        Ok(())
    }
}

impl FromStr for Retention {
    type Err = RetentionError;

    fn from_str(text: &str) -> Result<Retention, RetentionError> {
        Retention::parse(text)
    }
}

impl FromStr for Retentions {
    type Err = RetentionError;

    /// [`Retention::parse_list`], then [`Retentions::new`].
    fn from_str(text: &str) -> Result<Retentions, RetentionError> {
        Retentions::new(Retention::parse_list(text)?)
    }
}

/// `60:1440`, the form that says exactly how many points there are.
impl fmt::Display for Retention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.step, self.points)
    }
}

/// `60:1440,300:2016`.
impl fmt::Display for Retentions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, retention) in self.0.iter().enumerate() {
            write!(f, "{}{retention}", if index == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, step: u32, points: u32) {
        assert_eq!(Retention::parse(text), Ok(Retention::new(step, points).unwrap()), "{text}");
    }

    #[test]
    fn a_bare_right_side_counts_points_and_a_unit_makes_it_a_duration() {
        check("60:1440", 60, 1440);
        check("15m:8", 900, 8);
        check("1h:7d", 3600, 168);
        check("12h:2y", 43_200, 1460);
        check(" 7s:1min ", 7, 8);
    }

    #[test]
    fn any_beginning_of_a_unit_name_will_do() {
        check("1min:2hou", 60, 120);
        check("1minutes:2w", 60, 20_160);
    }

    #[test]
    fn what_is_no_retention_is_refused_with_its_fault() {
        let of = |text: &str| Retention::parse(text).unwrap_err();
        assert!(matches!(of("60"), RetentionError::Shape { .. }));
        assert!(matches!(of("60:10:5"), RetentionError::Length { .. }));
        assert!(matches!(of("1M:1d"), RetentionError::Length { .. }));
        assert!(matches!(of("60 s:1d"), RetentionError::Length { .. }));
        assert!(matches!(of(":1d"), RetentionError::Length { .. }));
        assert!(matches!(of("0:10"), RetentionError::Zero { .. }));
        assert!(matches!(of("0:10s"), RetentionError::Zero { .. }));
        assert!(matches!(of("1h:59m"), RetentionError::Zero { .. }));
        assert!(matches!(of("1:4294967296"), RetentionError::TooLarge { .. }));
        assert!(matches!(of("1:99999999999999999999999"), RetentionError::TooLarge { .. }));
        assert!(matches!(of("2:4294967295"), RetentionError::TooLarge { .. }));
    }

    #[test]
    fn each_of_the_five_rules_has_its_own_error() {
        let of = |text: &str| text.parse::<Retentions>().unwrap_err();
        assert_eq!(Retentions::new(Vec::new()), Err(RetentionError::Empty));
        assert!(matches!(of("60:10,60:20"), RetentionError::SameStep { index: 0, .. }));
        assert!(matches!(of("60:10,90:20"), RetentionError::Indivisible { .. }));
        assert!(matches!(of("60:60,300:12"), RetentionError::NotLonger { .. }));
        assert!(matches!(of("60:4,300:12"), RetentionError::TooFewPoints { .. }));
        assert!(matches!(of("1:400000000"), RetentionError::FileTooLarge { .. }));
        assert!("60:5,300:12".parse::<Retentions>().is_ok());
    }

    #[test]
    fn a_list_is_sorted_finest_first() {
        let list: Retentions = "300:12,60:10".parse().unwrap();
        assert_eq!(list.to_string(), "60:10,300:12");
        assert_eq!(list.file_size(), 16 + 24 + 22 * 12);
    }
}
