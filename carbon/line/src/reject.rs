//! Why a line, an item or a frame is refused. Every refusal is counted under a label that never changes.

use crate::NameFault;

/// Why something a peer sent is not stored. The peer's connection goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Reject {
    /// Nothing but white space between two newlines.
    #[error("the line is blank")]
    Blank,
    /// More bytes than a line may have; the rest up to the next newline is skipped.
    #[error("the line is longer than the limit")]
    TooLong,
    /// The peer hung up in the middle of a line.
    #[error("the line ends without a newline")]
    Unfinished,
    /// Bytes that are not UTF-8.
    #[error("the line is not UTF-8")]
    NotUtf8,
    /// Fewer or more than `name value timestamp`.
    #[error("expected three fields: name, value, timestamp")]
    FieldCount,
    /// The second field is no number.
    #[error("the value is not a number")]
    Value,
    /// The value is NaN, which stands for "unknown" and is never stored.
    #[error("the value is NaN")]
    Nan,
    /// The third field is no number.
    #[error("the timestamp is not a number")]
    Time,
    /// NaN or infinity in place of an instant.
    #[error("the timestamp is not finite")]
    TimeNotFinite,
    /// Before 1970, where Whisper has no slot.
    #[error("the timestamp is before 1970")]
    TimeTooOld,
    /// After now by more than the future limit, or past what 32 bits hold.
    #[error("the timestamp is too far in the future")]
    Future,
    /// An instant of today, counted in milliseconds.
    #[error("the timestamp is in milliseconds, expected seconds")]
    Milliseconds,
    /// An instant of today, counted in microseconds.
    #[error("the timestamp is in microseconds, expected seconds")]
    Microseconds,
    /// An instant of today, counted in nanoseconds.
    #[error("the timestamp is in nanoseconds, expected seconds")]
    Nanoseconds,
    /// The name breaks a rule of [`crate::MetricName`].
    #[error("{0}")]
    Name(#[from] NameFault),
    /// A pickle that is damaged, too large, or asks for more than plain data.
    #[error("the pickle is damaged or holds more than plain data")]
    Pickle,
    /// An item of a pickle that is not `(name, (timestamp, value))`.
    #[error("the item is not (name, (timestamp, value))")]
    Item,
    /// A new name, while the names known already take all the memory that names may take.
    #[error("the name is new, and the table of names is full")]
    TooManyNames,
    /// A name that the deny list has.
    #[error("the name is on the deny list")]
    Denied,
    /// A name that the allow list lacks.
    #[error("the name is not on the allow list")]
    NotAllowed,
}

impl Reject {
    /// The label of each reason, in the order of [`Reject::index`].
    pub const REASONS: [&'static str; 25] = [
        "blank",
        "line-too-long",
        "unfinished",
        "not-utf8",
        "field-count",
        "value",
        "nan",
        "timestamp",
        "timestamp-not-finite",
        "timestamp-too-old",
        "future",
        "milliseconds",
        "microseconds",
        "nanoseconds",
        "name-empty",
        "name-not-utf8",
        "name-control",
        "name-slash",
        "name-too-long",
        "name-part-too-long",
        "pickle",
        "item",
        "too-many-names",
        "denied",
        "not-allowed",
    ];

    /// The label under which this refusal is counted.
    pub fn reason(self) -> &'static str {
        Reject::REASONS[self.index()]
    }

    /// Place of the reason in [`Reject::REASONS`], for arrays of counters.
    pub fn index(self) -> usize {
        match self {
            Reject::Blank => 0,
            Reject::TooLong => 1,
            Reject::Unfinished => 2,
            Reject::NotUtf8 => 3,
            Reject::FieldCount => 4,
            Reject::Value => 5,
            Reject::Nan => 6,
            Reject::Time => 7,
            Reject::TimeNotFinite => 8,
            Reject::TimeTooOld => 9,
            Reject::Future => 10,
            Reject::Milliseconds => 11,
            Reject::Microseconds => 12,
            Reject::Nanoseconds => 13,
            Reject::Name(NameFault::Empty) => 14,
            Reject::Name(NameFault::NotUtf8) => 15,
            Reject::Name(NameFault::Control) => 16,
            Reject::Name(NameFault::Slash) => 17,
            Reject::Name(NameFault::TooLong) => 18,
            Reject::Name(NameFault::PartTooLong) => 19,
            Reject::Pickle => 20,
            Reject::Item => 21,
            Reject::TooManyNames => 22,
            Reject::Denied => 23,
            Reject::NotAllowed => 24,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_has_a_label_of_its_own() {
        assert_eq!(Reject::Blank.reason(), "blank");
        assert_eq!(Reject::Nanoseconds.reason(), "nanoseconds");
        assert_eq!(Reject::Name(NameFault::PartTooLong).reason(), "name-part-too-long");
        assert_eq!(Reject::Item.reason(), "item");
        assert_eq!(Reject::TooManyNames.reason(), "too-many-names");
        assert_eq!(Reject::NotAllowed.reason(), "not-allowed");
        let mut labels = Reject::REASONS.to_vec();
        labels.sort_unstable();
        labels.dedup();
        assert_eq!(labels.len(), Reject::REASONS.len());
    }
}
