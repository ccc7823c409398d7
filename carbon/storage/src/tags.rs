//! Which series carry which tags: the questions that `seriesByTag` and tag editors ask ([`Tags`]).
//!
//! A series is known by its name in normal form, `disk.used;dc=a;server=web01`; its metric name counts as the value of
//! the tag `name`. A tag that a series lacks counts as empty.

use carbon_line::MetricName;
use regex::Regex;

use crate::{Answer, StorageError};

/// Lists series by their tags, and tags and values by series.
pub trait Tags: Send + Sync {
    /// Names of the series that meet all of `wanted`, sorted, or `None` if there are more than `limit`. Without
    /// expressions, or with such alone as hold for series without the tag, every series is looked at.
    fn series<'a>(
        &'a self,
        wanted: &'a [TagExpression],
        limit: usize,
    ) -> Answer<'a, Result<Option<Vec<MetricName>>, StorageError>>;

    /// The tags that occur, sorted.
    fn tags<'a>(&'a self, query: &'a TagQuery) -> Answer<'a, Result<Vec<TagEntry>, StorageError>>;

    /// The values of `tag` that occur, sorted.
    fn values<'a>(&'a self, tag: &'a str, query: &'a TagQuery) -> Answer<'a, Result<Vec<ValueEntry>, StorageError>>;

    /// Enters series; those that are known stay as they are.
    ///
    /// # Errors
    /// When no more can be kept, or this index is kept elsewhere.
    fn add<'a>(&'a self, names: &'a [MetricName]) -> Answer<'a, Result<(), StorageError>>;

    /// Takes series out; those that are not known are passed over.
    ///
    /// # Errors
    /// When this index is kept elsewhere.
    fn remove<'a>(&'a self, names: &'a [MetricName]) -> Answer<'a, Result<(), StorageError>>;

    /// As [`Tags::remove`], for series whose points are gone as well: whatever waits of one from now on brings it back.
    ///
    /// # Errors
    /// As [`Tags::remove`].
    fn forget<'a>(&'a self, names: &'a [MetricName]) -> Answer<'a, Result<(), StorageError>> {
        self.remove(names)
    }
}

/// `tag=value`, `tag!=value`, `tag=~regex` or `tag!=~regex`.
#[derive(Clone, Debug)]
pub struct TagExpression {
    /// Whose value is tested.
    pub tag: String,
    /// Whether the test must fail.
    pub negated: bool,
    /// What the value is tested for.
    pub test: ValueTest,
}

/// What a tag's value may be asked to be.
#[derive(Clone, Debug)]
pub enum ValueTest {
    /// Exactly this.
    Equals(String),
    /// Something that this expression finds a match in; whoever makes it anchors it.
    Matches(Regex),
}

impl TagExpression {
    /// Whether a series with this value of the tag meets the expression; without the tag, the value is empty.
    pub fn holds_for(&self, value: &str) -> bool {
        let passed = match &self.test {
            ValueTest::Equals(wanted) => wanted == value,
            ValueTest::Matches(regex) => regex.is_match(value),
        };
        passed != self.negated
    }

    /// Whether series without the tag meet it, so that it cannot narrow a search by itself.
    pub fn holds_for_absent(&self) -> bool {
        self.holds_for("")
    }
}

/// Which tags or values are asked for.
#[derive(Clone, Debug, Default)]
pub struct TagQuery {
    /// Only those of series that meet all of these.
    pub wanted: Vec<TagExpression>,
    /// Only those that begin so.
    pub prefix: String,
    /// Only those that this finds a match in.
    pub filter: Option<Regex>,
    /// At most so many, the first ones; `None` for all.
    pub limit: Option<usize>,
    /// Without these.
    pub without: Vec<String>,
}

impl TagQuery {
    /// Whether a tag or value is among those asked for.
    pub fn takes(&self, text: &str) -> bool {
        text.starts_with(&self.prefix)
            && self.filter.as_ref().is_none_or(|filter| filter.is_match(text))
            && !self.without.iter().any(|other| other == text)
    }
}

/// A tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagEntry {
    /// A number that it keeps while the program runs.
    pub id: u32,
    /// Its name.
    pub tag: String,
}

/// A value of a tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueEntry {
    /// A number that it keeps while the program runs.
    pub id: u32,
    /// The value.
    pub value: String,
    /// How many series carry it.
    pub count: usize,
}
