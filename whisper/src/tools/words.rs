//! Errors in the words of the scripts, for those that look for them; what we know beyond stands on a second line.

use std::error::Error as _;
use std::io::{self, Write};

use super::number::repr;
use crate::{Damage, Error, Retention, RetentionError};

pub(super) fn write(err: &mut dyn Write, error: &Error) -> io::Result<()> {
    let Some(words) = of(error) else {
        return match error.source() {
            Some(source) => writeln!(err, "[ERROR] {error}: {source}"),
            None => writeln!(err, "[ERROR] {error}"),
        };
    };
    writeln!(err, "[ERROR] {words}")?;
    // Ours would only say it again.
    if matches!(error, Error::NotFound { .. }) { Ok(()) } else { writeln!(err, "{error}") }
}

fn of(error: &Error) -> Option<String> {
    Some(match error {
        Error::InvalidConfiguration(rule) => configuration(rule)?,
        Error::InvalidAggregationMethod(unknown) => format!("Unrecognized aggregation method: {}", unknown.name),
        Error::InvalidXFilesFactor(invalid) => match invalid.text.trim().parse() {
            Ok(number) => format!("Invalid xFilesFactor {}, not between 0 and 1", repr(number)),
            Err(_) => format!("Invalid xFilesFactor {}, not a float", invalid.text),
        },
        Error::InvalidTimeInterval { from, until } => {
            format!("Invalid time interval: from time '{from}' is after until time '{until}'")
        }
        Error::TimestampNotCovered { .. } => "Timestamp not covered by any archives in this database.".into(),
        Error::Corrupt { path, damage } => format!("{} ({})", corruption(damage)?, path.display()),
        Error::Exists { path } => format!("File {} already exists!", path.display()),
        Error::NotFound { path } => format!("File '{}' does not exist!", path.display()),
        _ => return None,
    })
}

fn corruption(damage: &Damage) -> Option<String> {
    Some(match damage {
        Damage::HeaderCutShort { .. } | Damage::UnknownAggregation { .. } | Damage::XFilesFactor { .. } => {
            "Unable to read header".into()
        }
        Damage::ArchiveTable { len, .. } => format!("Unable to read archive{} metadata", len.saturating_sub(16) / 12),
        Damage::BasePoint { .. } => "Unable to read base datapoint".into(),
        Damage::SlotsCutShort { .. } => "Unable to read datapoints".into(),
        _ => return None,
    })
}

fn configuration(error: &RetentionError) -> Option<String> {
    let pair = |archive: &Retention| format!("({}, {})", archive.step, archive.points);
    Some(match error {
        RetentionError::Empty => "You must specify at least one archive configuration!".into(),
        RetentionError::SameStep { index, first, second } => format!(
            "A Whisper database may not be configured having two archives with the same precision \
             (archive{index}: {}, archive{}: {})",
            pair(first),
            index + 1,
            pair(second)
        ),
        RetentionError::Indivisible { index, first, second } => format!(
            "Higher precision archives' precision must evenly divide all lower precision archives' precision \
             (archive{index}: {}, archive{}: {})",
            first.step,
            index + 1,
            second.step
        ),
        RetentionError::NotLonger { index, first, second } => format!(
            "Lower precision archives must cover larger time intervals than higher precision archives \
             (archive{index}: {} seconds, archive{}: {} seconds)",
            first.duration_secs(),
            index + 1,
            second.duration_secs()
        ),
        RetentionError::TooFewPoints { index, first, second } => format!(
            "Each archive must have at least enough points to consolidate to the next archive (archive{} consolidates \
             {} of archive{index}'s points but it has only {} total points)",
            index + 1,
            second.step.secs() / first.step.secs(),
            first.points
        ),
        _ => return None,
    })
}
