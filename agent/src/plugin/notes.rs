//! What a program wants to be told at its next start, such as the last readings of counters: numbers by name.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use collectors::Kept;

/// Names that are kept of one program.
const MOST: usize = 50_000;
/// No name is longer.
const LONGEST: usize = 1024;
/// Numbers of one name.
const MOST_NUMBERS: usize = 8;
/// What was not said again for so long is forgotten.
const FORGOTTEN: Duration = Duration::from_secs(3600);

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Notes {
    rows: BTreeMap<Box<str>, (Duration, Vec<u64>)>,
    /// When something was said last.
    latest: Duration,
}

impl Notes {
    /// Takes what was said at `at`; it takes the place of what was said under that name before.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub(super) fn take(&mut self, name: &str, numbers: &str, at: Duration) -> Result<(), &'static str> {
        let numbers = numbers.split_ascii_whitespace().map(|number| number.parse().ok());
        let numbers: Option<Vec<u64>> = numbers.take(MOST_NUMBERS + 1).collect();
        let numbers =
            numbers.filter(|numbers| numbers.len() <= MOST_NUMBERS).ok_or("keeps what are no whole numbers")?;
        let known = self.rows.contains_key(name);
        if name.len() > LONGEST || !(known || self.rows.len() < MOST) {
            return Err("keeps too long a name, or too many of them");
        }
        self.latest = self.latest.max(at);
        match self.rows.get_mut(name) {
            Some(row) => *row = (at, numbers),
            None => drop(self.rows.insert(name.into(), (at, numbers))),
        }
        Ok(())
    }

    /// What was said and is not too old.
    fn fresh(&self) -> impl Iterator<Item = (&str, Duration, &[u64])> {
        let fresh = |at: Duration| self.latest.saturating_sub(at) < FORGOTTEN;
        let rows = self.rows.iter().filter(move |(_, (at, _))| fresh(*at));
        rows.map(|(name, (at, numbers))| (&**name, *at, numbers.as_slice()))
    }

    /// Hands all of it to the agent's memory.
    pub(super) fn keep(&self, kept: &mut Kept) {
        self.fresh().for_each(|(name, at, numbers)| kept.add(name, Some(at), numbers.to_vec()));
    }

    /// Takes back what an earlier start has kept.
    pub(super) fn recall(&mut self, kept: &Kept) {
        for row in kept.rows().iter().take(MOST) {
            let at = row.at.unwrap_or_default();
            self.latest = self.latest.max(at);
            self.rows.insert(row.name.as_str().into(), (at, row.numbers.clone()));
        }
    }

    /// The lines that tell the program, each `keep name 1 2`.
    pub(super) fn told(&self) -> String {
        let mut text = String::new();
        for (name, _, numbers) in self.fresh() {
            // Writing to a String cannot fail.
            let _ = write!(text, "keep {name}");
            for number in numbers {
                let _ = write!(text, " {number}");
            }
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_told_again() {
        let mut notes = Notes::default();
        notes.take("b", "1", Duration::from_secs(1)).unwrap();
        notes.take("b", "3 4", Duration::from_secs(2)).unwrap();
        notes.take("a", "", Duration::from_secs(2)).unwrap();
        let mut kept = Kept::default();
        notes.keep(&mut kept);
        let mut next = Notes::default();
        next.recall(&kept);
        assert_eq!(next.told(), "keep a\nkeep b 3 4\n");
        next.take("c", "5", Duration::from_secs(7200)).unwrap();
        assert_eq!(next.told(), "keep c 5\n", "the others are too old");
    }

    #[test]
    fn what_cannot_be_kept_is_refused() {
        let mut notes = Notes::default();
        for (name, numbers) in [("a", "x"), ("a", "-1"), ("a", "1 2 3 4 5 6 7 8 9"), (&*"n".repeat(2000), "1")] {
            notes.take(name, numbers, Duration::ZERO).unwrap_err();
        }
        for number in 0..2 * MOST {
            let _ = notes.take(&number.to_string(), "1", Duration::ZERO);
        }
        assert_eq!(notes.rows.len(), MOST);
    }
}
