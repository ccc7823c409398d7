//! What happened when, as people and deployment scripts tell it, for drawing beside series ([`Events`]).

use std::collections::HashSet;

use crate::{Answer, StorageError};

/// Keeps events and lists them by time and tags.
pub trait Events: Send + Sync {
    /// The events that `query` asks for, in time order, those of one instant as they came.
    fn find<'a>(&'a self, query: &'a EventQuery) -> Answer<'a, Result<Vec<Event>, StorageError>>;

    /// The event with this number.
    fn one(&self, id: u64) -> Answer<'_, Result<Option<Event>, StorageError>>;

    /// Keeps an event and gives its number. When it answers, the event survives the end of the process.
    fn add(&self, event: NewEvent) -> Answer<'_, Result<u64, StorageError>>;
}

/// An event that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its number; later ones have greater numbers.
    pub id: u64,
    /// What it is.
    pub told: NewEvent,
}

/// An event as it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvent {
    /// When it happened, in microseconds since the epoch.
    pub when: i64,
    /// What happened.
    pub what: String,
    /// Its tags, parted by blanks, or by commas if there is one.
    pub tags: String,
    /// Anything else.
    pub data: String,
}

impl NewEvent {
    /// The tags that it is found by.
    pub fn tags(&self) -> impl Iterator<Item = &str> {
        let comma = self.tags.contains(',');
        let parts = self.tags.split(move |c: char| if comma { c == ',' } else { c.is_whitespace() });
        parts.map(str::trim).filter(|tag| !tag.is_empty())
    }

    /// What it takes in memory and in a file, about.
    pub fn bytes(&self) -> usize {
        self.what.len() + self.tags.len() + self.data.len() + 100
    }
}

/// Which events are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventQuery {
    /// None before, in microseconds since the epoch.
    pub from: i64,
    /// None after.
    pub until: i64,
    /// Only those with these tags; `None` for all.
    pub tags: Option<Vec<String>>,
    /// How many of the tags they must have.
    pub set: TagSet,
}

/// How many of the tags that are asked for an event must have. Tags that no event has are passed over, as in
/// graphite-web; if all of them are such, there is no answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TagSet {
    /// All that any event has.
    #[default]
    All,
    /// One at least.
    Any,
    /// All, and no tag is passed over.
    Strictly,
}

impl EventQuery {
    /// The events of `all` that are asked for, in their order; `known` are the tags that any event has.
    pub fn choose<'e>(&self, all: impl Iterator<Item = &'e Event>, known: impl Fn(&str) -> bool) -> Vec<Event> {
        let wanted: Option<HashSet<&str>> =
            self.tags.as_ref().map(|tags| tags.iter().map(String::as_str).filter(|tag| known(tag)).collect());
        let counted = self.tags.as_ref().map_or(0, Vec::len);
        let fits = |event: &Event| {
            let Some(wanted) = &wanted else { return true };
            let has: HashSet<&str> = event.told.tags().filter(|tag| wanted.contains(tag)).collect();
            match self.set {
                TagSet::All => !wanted.is_empty() && has.len() == wanted.len(),
                TagSet::Any => !has.is_empty(),
                TagSet::Strictly => !wanted.is_empty() && has.len() == counted,
            }
        };
        let within = |event: &&Event| (self.from..=self.until).contains(&event.told.when);
        all.filter(within).filter(|event| fits(event)).cloned().collect()
    }
}
