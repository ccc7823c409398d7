//! Which journal segments still hold points that are not stored, and for how many series.

/// Segments with the number of runs that began in each, ascending. There are few: segments hold minutes of points.
#[derive(Debug, Default)]
pub(super) struct Segments(Vec<(u32, u32)>);

impl Segments {
    /// Counts a run that begins in `segment`.
    pub(super) fn enter(&mut self, segment: u32) {
        match self.0.last_mut() {
            Some((last, runs)) if *last == segment => *runs += 1,
            _ => match self.0.binary_search_by_key(&segment, |(found, _)| *found) {
                Ok(index) => self.0[index].1 += 1,
                Err(index) => self.0.insert(index, (segment, 1)),
            },
        }
    }

    /// A run that began in `segment` is gone.
    pub(super) fn leave(&mut self, segment: u32) {
        if let Ok(index) = self.0.binary_search_by_key(&segment, |(found, _)| *found) {
            self.0[index].1 -= 1;
            if self.0[index].1 == 0 {
                self.0.remove(index);
            }
        }
    }

    /// A run that began in one segment turns out to need another.
    pub(super) fn exchange(&mut self, from: u32, to: u32) {
        self.enter(to);
        self.leave(from);
    }

    /// The oldest that is still needed.
    pub(super) fn oldest(&self) -> Option<u32> {
        self.0.first().map(|(segment, _)| *segment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_counts_until_its_last_run_is_gone() {
        let mut segments = Segments::default();
        [7, 7, 8, 5].into_iter().for_each(|segment| segments.enter(segment));
        assert_eq!(segments.oldest(), Some(5));
        segments.exchange(5, 7);
        assert_eq!(segments.oldest(), Some(7));
        [7, 7, 7].into_iter().for_each(|segment| segments.leave(segment));
        assert_eq!(segments.oldest(), Some(8));
        segments.leave(8);
        assert_eq!(segments.oldest(), None);
    }
}
