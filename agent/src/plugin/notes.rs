//! What a program wants to be told at its next start, such as the last readings of counters: numbers by name.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use collectors::Kept;

/// What a name costs beside its letters and numbers, which lie here and once more in the text for the next start: a row of
/// the tree, and what the allocator adds.
const ROW: usize = 160;
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
    bytes: usize,
    /// When something was said last.
    latest: Duration,
    /// When what is too old was thrown out last, for want of room.
    cleared: Duration,
}

impl Notes {
    /// Takes what was said at `at`, if all of it fits into `room` bytes then; it takes the place of what was said under that
    /// name before.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub(super) fn take(&mut self, name: &str, numbers: &str, at: Duration, room: usize) -> Result<(), &'static str> {
        let numbers = numbers.split_ascii_whitespace().map(|number| number.parse().ok());
        let numbers: Option<Vec<u64>> = numbers.take(MOST_NUMBERS + 1).collect();
        let numbers =
            numbers.filter(|numbers| numbers.len() <= MOST_NUMBERS).ok_or("keeps what are no whole numbers")?;
        if name.len() > LONGEST {
            return Err("keeps too long a name");
        }
        if self.bytes + cost(name, &numbers) > room && self.cleared < at {
            self.clear_old(at);
        }
        let before = self.rows.get(name).map_or(0, |(_, numbers)| cost(name, numbers));
        let bytes = self.bytes - before + cost(name, &numbers);
        if bytes > room && bytes > self.bytes {
            return Err("keeps too many names");
        }
        self.bytes = bytes;
        self.latest = self.latest.max(at);
        match self.rows.get_mut(name) {
            Some(row) => *row = (at, numbers),
            None => drop(self.rows.insert(name.into(), (at, numbers))),
        }
        Ok(())
    }

    /// Memory that all of it takes.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// What was said and is not too old.
    fn fresh(&self) -> impl Iterator<Item = (&str, Duration, &[u64])> {
        let fresh = |at: Duration| self.latest.saturating_sub(at) < FORGOTTEN;
        let rows = self.rows.iter().filter(move |(_, (at, _))| fresh(*at));
        rows.map(|(name, (at, numbers))| (&**name, *at, numbers.as_slice()))
    }

    fn clear_old(&mut self, now: Duration) {
        self.cleared = now;
        self.rows.retain(|_, (at, _)| now.saturating_sub(*at) < FORGOTTEN);
        self.bytes = self.rows.iter().map(|(name, (_, numbers))| cost(name, numbers)).sum();
    }

    /// Hands all of it to the agent's memory.
    pub(super) fn keep(&self, kept: &mut Kept) {
        self.fresh().for_each(|(name, at, numbers)| kept.add(name, Some(at), numbers.to_vec()));
    }

    /// Takes back what an earlier start has kept, as far as it fits into `room` bytes.
    pub(super) fn recall(&mut self, kept: &Kept, room: usize) {
        for row in kept.rows() {
            let (at, bytes) = (row.at.unwrap_or_default(), cost(&row.name, &row.numbers));
            if self.bytes + bytes > room {
                return;
            }
            self.latest = self.latest.max(at);
            if self.rows.insert(row.name.as_str().into(), (at, row.numbers.clone())).is_none() {
                self.bytes += bytes;
            }
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

/// Memory for one name.
fn cost(name: &str, numbers: &[u64]) -> usize {
    2 * name.len() + size_of_val(numbers) + ROW
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: usize = 1 << 20;

    #[test]
    fn what_is_kept_is_told_again() {
        let mut notes = Notes::default();
        notes.take("b", "1", Duration::from_secs(1), ROOM).unwrap();
        notes.take("b", "3 4", Duration::from_secs(2), ROOM).unwrap();
        notes.take("a", "", Duration::from_secs(2), ROOM).unwrap();
        let mut kept = Kept::default();
        notes.keep(&mut kept);
        let mut next = Notes::default();
        next.recall(&kept, ROOM);
        assert_eq!(next.told(), "keep a\nkeep b 3 4\n");
        next.take("c", "5", Duration::from_secs(7200), ROOM).unwrap();
        assert_eq!(next.told(), "keep c 5\n", "the others are too old");
    }

    #[test]
    fn what_cannot_be_kept_is_refused() {
        let mut notes = Notes::default();
        for (name, numbers) in [("a", "x"), ("a", "-1"), ("a", "1 2 3 4 5 6 7 8 9"), (&*"n".repeat(2000), "1")] {
            notes.take(name, numbers, Duration::ZERO, ROOM).unwrap_err();
        }
        for number in 1000..2 * ROOM / ROW {
            let _ = notes.take(&number.to_string(), "1", Duration::ZERO, ROOM);
        }
        let fit = ROOM / cost("1000", &[1]);
        assert_eq!(notes.rows.len(), fit);
        notes.take("1000", "2", Duration::ZERO, ROOM).unwrap();
        assert!(notes.bytes() <= ROOM);
        assert_eq!(notes.take("late", "1", FORGOTTEN / 2, ROOM), Err("keeps too many names"));
        let mut kept = Kept::default();
        notes.keep(&mut kept);
        let mut next = Notes::default();
        next.recall(&kept, ROOM / 2);
        assert_eq!(next.rows.len(), fit / 2);
        notes.take("later", "1", 2 * FORGOTTEN, ROOM).unwrap();
        assert_eq!(notes.rows.len(), 1, "the others are too old");
    }
}
