//! Which names come in. Lists are asked when a name is new to the table; of the names that are known, those that the
//! lists of today would keep out are remembered by their ids.
//!
//! A point of a known name costs nothing while no known name is kept out, and one look-up by id otherwise. A name that
//! is kept out is not entered, so its points cost one pass over the patterns each. Carbon's own counters do not come
//! this way.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, PoisonError, RwLock};

use carbon_line::{MetricName, Reject};
use carbon_storage::{NameLists, NameTable, SeriesId, Verdict};
use hashbrown::HashMap;

use crate::batch::Batch;

/// Names judged under one lock of the table, so that listeners are not held up.
const AT_ONCE: usize = 4_096;

/// The lists in force and what follows from them.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    lists: RwLock<Arc<NameLists>>,
    /// Known series that are kept out.
    outside: RwLock<Outside>,
    /// Whether there are any.
    any: AtomicBool,
}

type Outside = Arc<HashMap<SeriesId, Reject>>;

impl Gate {
    /// The id of a name that the table did not know as it was sent, `raw`, in normal form `name`.
    ///
    /// The lists see the name as it was sent, as in carbon: operators deny `\.\.` and the like.
    pub(crate) fn admit(&self, raw: &str, name: &MetricName, names: &NameTable) -> Result<SeriesId, Reject> {
        // Held until the name is in the table: whoever replaces the lists then knows of it. A poisoned lock guards a
        // whole `Arc`, which is replaced in one piece.
        let lists = self.lists.read().unwrap_or_else(PoisonError::into_inner);
        refused(lists.judge(raw))?;
        names.admit(name)
    }

    /// Puts other lists in force and judges every known name by them. Takes some 100 ns a name, so it is not to be
    /// called from an async worker.
    pub(crate) fn replace(&self, lists: NameLists, names: &NameTable) {
        let lists = Arc::new(lists);
        *self.lists.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&lists);
        let outside = if lists.is_empty() { HashMap::new() } else { judge_known(&lists, names) };
        let any = !outside.is_empty();
        *self.outside.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(outside);
        self.any.store(any, Relaxed);
    }

    /// Takes points of known series that are kept out out of `batch`, and hands each to `refuse`.
    pub(crate) fn sift(&self, batch: &mut Batch, mut refuse: impl FnMut(SeriesId, Reject)) {
        if !self.any.load(Relaxed) {
            return;
        }
        let outside = Arc::clone(&self.outside.read().unwrap_or_else(PoisonError::into_inner));
        batch.retain(|(series, _)| match outside.get(series) {
            Some(reject) => {
                refuse(*series, *reject);
                false
            }
            None => true,
        });
    }
}

fn judge_known(lists: &NameLists, names: &NameTable) -> HashMap<SeriesId, Reject> {
    let (mut outside, known) = (HashMap::new(), names.len());
    for first in (0..known).step_by(AT_ONCE) {
        let names = names.read();
        for index in first..known.min(first + AT_ONCE) {
            // The table holds no more names than 32 bits count.
            let series = SeriesId::new(index as u32);
            if let Err(reject) = refused(lists.judge(names.text(series))) {
                outside.insert(series, reject);
            }
        }
    }
    outside
}

fn refused(verdict: Verdict) -> Result<(), Reject> {
    match verdict {
        Verdict::Welcome => Ok(()),
        Verdict::Denied => Err(Reject::Denied),
        Verdict::NotAllowed => Err(Reject::NotAllowed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use carbon_storage::NameList;
    use whisper::{Point, Timestamp};

    fn lists(deny: &str, allow: &str) -> NameLists {
        NameLists { deny: NameList::parse(deny).unwrap(), allow: NameList::parse(allow).unwrap() }
    }

    fn admit(gate: &Gate, raw: &str, names: &NameTable) -> Result<SeriesId, Reject> {
        gate.admit(raw, &MetricName::parse(raw).unwrap(), names)
    }

    fn sifted(gate: &Gate, ids: &[SeriesId]) -> (usize, Vec<Reject>) {
        let point = Point { time: Timestamp::from_secs(1), value: 1.0 };
        let (mut batch, mut rejects): (Batch, _) = (ids.iter().map(|id| (*id, point)).collect(), Vec::new());
        gate.sift(&mut batch, |_, reject| rejects.push(reject));
        (batch.len(), rejects)
    }

    #[test]
    fn new_names_are_judged_as_they_were_sent() {
        let (gate, names) = (Gate::default(), NameTable::new());
        gate.replace(lists(r"\.\.", ""), &names);
        assert_eq!(admit(&gate, "a..b", &names), Err(Reject::Denied));
        assert!(names.is_empty(), "a name that is kept out takes no memory");
        assert_eq!(admit(&gate, "a.b", &names), Ok(SeriesId::new(0)));
    }

    #[test]
    fn known_names_are_judged_anew_when_lists_change() {
        let (gate, names) = (Gate::default(), NameTable::new());
        let ids: Vec<SeriesId> = (0..10_000).map(|n| admit(&gate, &format!("a.b{n}"), &names).unwrap()).collect();
        assert_eq!(sifted(&gate, &ids), (10_000, vec![]));
        gate.replace(lists("b7$", "b9999|b7"), &names);
        let (left, rejects) = sifted(&gate, &ids);
        let count = |which| rejects.iter().filter(|reject| **reject == which).count();
        assert_eq!((left, count(Reject::Denied), count(Reject::NotAllowed)), (1111, 1, 8888));
        gate.replace(NameLists::default(), &names);
        assert_eq!(sifted(&gate, &ids), (10_000, vec![]));
    }
}
