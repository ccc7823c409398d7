//! New series that the store holds back for now, because of a limit or a full disk.
//!
//! Each writer keeps its own. They are offered after everything else, a batch at a time until one of it is refused again,
//! so that a hundred thousand of them cost nobody's pace; each time the next ones have their turn.

use std::collections::HashSet;

use carbon_storage::SeriesId;

/// The series of one writer that were held back the last time.
#[derive(Debug, Default)]
pub(crate) struct Held {
    ids: HashSet<SeriesId, foldhash::fast::RandomState>,
    /// Refused last of those that were offered again.
    last: Option<SeriesId>,
}

impl Held {
    /// Parts what is due into what is offered as usual, and what was held back, in the order of its turn. What is not
    /// due any more is forgotten.
    pub(crate) fn part(&mut self, due: Vec<SeriesId>) -> (Vec<SeriesId>, Vec<SeriesId>) {
        if self.ids.is_empty() {
            return (due, Vec::new());
        }
        let (mut held, others): (Vec<_>, Vec<_>) = due.into_iter().partition(|id| self.ids.contains(id));
        if held.len() < self.ids.len() {
            self.ids = held.iter().copied().collect();
        }
        if let Some(last) = held.iter().position(|id| Some(*id) == self.last) {
            held.rotate_left(last + 1);
        }
        (others, held)
    }

    /// Holds a series that was refused.
    pub(crate) fn hold(&mut self, id: SeriesId) {
        self.ids.insert(id);
        self.last = Some(id);
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.ids.len()
    }

    /// A series is in the store, or will never be.
    pub(crate) fn release(&mut self, id: SeriesId) {
        if !self.ids.is_empty() {
            self.ids.remove(&id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(numbers: &[u32]) -> Vec<SeriesId> {
        numbers.iter().map(|number| SeriesId::new(*number)).collect()
    }

    #[test]
    fn those_held_back_come_after_all_others_and_take_turns() {
        let mut held = Held::default();
        assert_eq!(held.part(ids(&[1, 2, 3])), (ids(&[1, 2, 3]), vec![]));
        ids(&[2, 4, 6]).into_iter().for_each(|id| held.hold(id));
        held.hold(SeriesId::new(2));
        assert_eq!(held.part(ids(&[1, 2, 3, 4, 5, 6])), (ids(&[1, 3, 5]), ids(&[4, 6, 2])));
        held.release(SeriesId::new(4));
        assert_eq!(held.part(ids(&[2, 4])), (ids(&[4]), ids(&[2])));
        assert_eq!((held.part(ids(&[6])), held.len()), ((ids(&[6]), vec![]), 0), "6 was not due and starts anew");
    }
}
