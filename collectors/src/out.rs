//! Where a collector puts what it measured: one growing text of names and one list of values, both kept between runs,
//! so that a steady collector allocates nothing per value.

use std::time::Duration;

use crate::{Added, Bits, Change, Sample, Scope, Slot, Style, Unit, Value, clean, clean_as_diamond};

/// Bytes of names and samples that are a part; see [`Out::is_full`].
const PART: usize = 32 << 10;

/// The raw values of one run.
#[derive(Debug, Default)]
pub struct Out {
    names: String,
    samples: Vec<Sample>,
    scope: Scope,
    at: Duration,
    changes: Vec<Change>,
    /// Names are those that Diamond's points ended up under.
    diamond: bool,
}

/// A place in an [`Out`] to fall back to.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    names: usize,
    samples: usize,
}

impl Out {
    /// One whose names are not cleaned as ours are: see [`clean_as_diamond`].
    pub fn like_diamond() -> Out {
        Out { diamond: true, ..Out::default() }
    }

    /// Empty, for the run of `slot`; the memory of the last run is kept.
    pub fn begin(&mut self, slot: Slot) {
        self.names.clear();
        self.samples.clear();
        self.changes.clear();
        self.scope = Scope::Host;
        self.at = slot.monotonic;
    }

    /// Whether there is enough for a part of a run to be passed on, see
    /// [`run_in_parts`](crate::Collector::run_in_parts).
    pub fn is_full(&self) -> bool {
        self.names.len() + self.samples.len() * size_of::<Sample>() >= PART
    }

    /// Forgets the samples that were passed on; the run goes on.
    pub fn begin_part(&mut self) {
        self.names.clear();
        self.samples.clear();
    }

    /// Says under which root the names that follow stand; a run begins with [`Scope::Host`].
    pub fn scope(&mut self, scope: Scope) {
        self.scope = scope;
    }

    /// Says when the values that follow were measured, for a run that takes its time; it begins with the slot's.
    pub fn measured_at(&mut self, monotonic: Duration) {
        self.at = monotonic;
    }

    /// Adds a value that is sent as it is. A value that is no number is left out.
    ///
    /// `path` is the name by its parts, each of which may hold anything: see [`clean`].
    pub fn gauge(&mut self, path: &[&str], value: f64) -> Added<'_> {
        self.add(path, Value::Gauge(value))
    }

    /// Adds the reading of a counter, of which the rate per second is sent.
    pub fn counter(&mut self, path: &[&str], raw: u64, bits: Bits) -> Added<'_> {
        self.add(path, Value::Counter { raw, bits })
    }

    /// Adds the reading of a growing sum with a fraction, of which the rate per second is sent.
    pub fn total(&mut self, path: &[&str], sum: f64) -> Added<'_> {
        self.add(path, Value::Total(sum))
    }

    /// Adds a sum over events: `PATH.rate` and, when there were events in the interval, `PATH.avg` are sent.
    pub fn avg(&mut self, path: &[&str], sum: f64, count: u64) -> Added<'_> {
        self.add(path, Value::Avg { sum, count })
    }

    /// Adds the sum of what is sent for the `count` samples before it, see [`Value::SumOf`].
    pub fn sum_of(&mut self, path: &[&str], count: u16) -> Added<'_> {
        self.add(path, Value::SumOf(count))
    }

    /// Adds a value under a name that needs no cleaning: `parts` follow each other with dots between them, and those
    /// that are empty are left out.
    pub fn value(&mut self, parts: &[&str], value: Value) -> Added<'_> {
        let start = self.names.len();
        for part in parts.iter().filter(|part| !part.is_empty()) {
            if self.names.len() > start {
                self.names.push('.');
            }
            self.names.push_str(part);
        }
        self.push(start, value)
    }

    /// Tells that something changed at the source; see [`Change`].
    pub fn change(&mut self, change: Change) {
        self.changes.push(change);
    }

    /// The changes of this run, which are taken out.
    pub fn take_changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.changes)
    }

    fn add(&mut self, path: &[&str], value: Value) -> Added<'_> {
        let start = self.names.len();
        for part in path {
            if self.diamond {
                clean_as_diamond(part, start, &mut self.names);
                continue;
            }
            if self.names.len() > start {
                self.names.push('.');
            }
            clean(part, &mut self.names);
        }
        self.push(start, value)
    }

    fn push(&mut self, start: usize, value: Value) -> Added<'_> {
        self.samples.push(Sample {
            start,
            end: self.names.len(),
            value,
            scale: 1.0,
            style: Style::Decimals(0),
            unit: Unit::None,
            scope: self.scope,
            at: self.at,
            time: None,
        });
        let last = self.samples.len() - 1;
        Added(&mut self.samples[last])
    }

    /// The state of now, for [`rewind`](Out::rewind).
    pub fn mark(&self) -> Mark {
        Mark { names: self.names.len(), samples: self.samples.len() }
    }

    /// Forgets what was added since `mark`: half an answer is no answer.
    pub fn rewind(&mut self, mark: Mark) {
        self.names.truncate(mark.names);
        self.samples.truncate(mark.samples);
    }

    /// All samples with their names below the scope's root, in the order they were added.
    pub fn samples(&self) -> impl Iterator<Item = (&str, &Sample)> {
        self.samples.iter().map(|sample| (&self.names[sample.start..sample.end], sample))
    }

    /// How many samples there are.
    pub fn len(&self) -> usize {
        self.samples.len()
    }

    /// Whether nothing was measured.
    pub fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_name_stays_one_part() {
        let mut out = Out::default();
        out.gauge(&["diskspace", "my disk/a.b", ""], 1.0);
        let names: Vec<&str> = out.samples().map(|(name, _)| name).collect();
        assert_eq!(names, ["diskspace.my_disk_a_b._"]);
    }

    #[test]
    fn as_diamond_has_it_dots_and_slashes_part_a_name() {
        let mut out = Out::like_diamond();
        out.gauge(&["diskspace", "/my disk/../a.b", "", "c;d"], 1.0);
        let names: Vec<&str> = out.samples().map(|(name, _)| name).collect();
        assert_eq!(names, ["diskspace.my_disk.a.b.c_d"]);
    }

    #[test]
    fn a_rewound_answer_leaves_nothing() {
        let mut out = Out::default();
        out.gauge(&["a"], 1.0);
        let mark = out.mark();
        out.gauge(&["b"], 2.0);
        out.rewind(mark);
        out.gauge(&["c"], 3.0);
        let names: Vec<&str> = out.samples().map(|(name, _)| name).collect();
        assert_eq!(names, ["a", "c"]);
    }
}
