//! The names that one generation of segments refers to, and which series they are now.
//!
//! Each start begins a new generation: names that no waiting point uses are forgotten, and a number that stood in a
//! damaged or torn place can never come to mean another series.

use std::io::Read;

use carbon_line::MetricName;
use carbon_storage::{NameTable, SeriesId};

use crate::names;
use crate::records::{Found, Records};

/// Not looked up yet.
const UNKNOWN: u32 = u32::MAX;

/// Names of one generation, read from its file. Takes memory in proportion to the file.
#[derive(Debug, Default)]
pub(crate) struct Generation {
    text: String,
    /// Where each name ends in the text, and the series it is now.
    entries: Vec<Entry>,
    /// Stretches of ids without a gap, in order; one, unless a part of the file is lost.
    runs: Vec<Run>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    end: usize,
    series: u32,
}

#[derive(Clone, Copy, Debug)]
struct Run {
    /// The id of the first, and its place among the entries.
    id: u32,
    entry: usize,
}

impl Generation {
    /// Reads the sound records of a names file, as far as it can be read.
    pub(crate) fn read(mut records: Records<impl Read>) -> (Generation, Found) {
        let mut generation = Generation::default();
        while let Ok(Some(payload)) = records.next() {
            for (id, name) in names::decode(payload) {
                generation.add(id, name);
            }
        }
        (generation, records.found())
    }

    fn add(&mut self, id: u32, name: &str) {
        let next = self.runs.last().map(|run| u64::from(run.id) + (self.entries.len() - run.entry) as u64);
        match next {
            // Named again, which changes nothing.
            Some(next) if u64::from(id) < next => return,
            Some(next) if u64::from(id) == next => {}
            _ => self.runs.push(Run { id, entry: self.entries.len() }),
        }
        self.text.push_str(name);
        self.entries.push(Entry { end: self.text.len(), series: UNKNOWN });
    }

    /// The series that `id` meant, entered into `table` when it is the first to be asked for. `None` for an id whose
    /// name is lost, or is no name.
    #[inline]
    pub(crate) fn series(&mut self, id: u32, table: &NameTable) -> Option<SeriesId> {
        let place = self.place(id)?;
        match self.entries.get(place)?.series {
            UNKNOWN => self.enter(place, table),
            series => Some(SeriesId::new(series)),
        }
    }

    fn place(&self, id: u32) -> Option<usize> {
        let after = self.runs.partition_point(|run| run.id <= id);
        let run = self.runs[..after].last()?;
        let place = run.entry + (id - run.id) as usize;
        let end = self.runs.get(after).map_or(self.entries.len(), |next| next.entry);
        (place < end).then_some(place)
    }

    fn enter(&mut self, place: usize, table: &NameTable) -> Option<SeriesId> {
        let start = if place == 0 { 0 } else { self.entries[place - 1].end };
        let name = MetricName::parse(&self.text[start..self.entries[place].end]).ok()?;
        let series = table.intern(&name);
        self.entries[place].series = series.index() as u32;
        Some(series)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_costs_its_own_ids() {
        let table = NameTable::new();
        let mut generation = Generation::default();
        for (id, name) in [(0, "a"), (1, "b"), (1, "b"), (5, "f"), (6, "g"), (2, "never"), (4_000_000_000, "z")] {
            generation.add(id, name);
        }
        let mut name = |id| generation.series(id, &table).map(|series| table.name(series).to_string());
        assert_eq!([0, 1, 5, 6, 4_000_000_000].map(&mut name), ["a", "b", "f", "g", "z"].map(|name| Some(name.into())));
        assert_eq!([2, 4, 7, 3_999_999_999, u32::MAX].map(&mut name), [const { None }; 5]);
        assert_eq!(table.len(), 5);
    }
}
