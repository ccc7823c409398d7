//! The values of a series: shared by everyone who only reads them, copied by the first who changes them.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

/// Values in time order, NaN where nothing is known.
///
/// A series that was read is handed on without a copy, however many targets use it. Reading is reading a slice; a change
/// in place (all that takes `&mut`) copies the values first if anyone else still has them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Values {
    numbers: Arc<Vec<f64>>,
    /// Forgotten at any change in place.
    spelling: Option<Arc<Spelling>>,
}

/// How values are written that are no plain numbers to graphite-web, whose lists may hold anything.
#[derive(Clone, Debug, PartialEq)]
enum Spelling {
    /// These are whole numbers among floats: `0`, not `0.0`.
    Whole(Vec<bool>),
    /// A text stands in place of every value, all of which are gaps.
    Word(Box<str>),
}

impl Values {
    /// Bytes that only this series holds.
    pub(crate) fn own_bytes(&self) -> usize {
        if Arc::strong_count(&self.numbers) == 1 { self.numbers.len() * size_of::<f64>() } else { 0 }
    }

    /// Writes whole numbers as such where `is_whole` says so.
    pub(crate) fn spell_whole(&mut self, is_whole: impl IntoIterator<Item = bool>) {
        let is_whole: Vec<bool> = is_whole.into_iter().collect();
        self.spelling = is_whole.contains(&true).then(|| Arc::new(Spelling::Whole(is_whole)));
    }

    /// As many gaps, each of which is written as `word`.
    pub(crate) fn words(word: &str, count: usize) -> Values {
        let spelling = Some(Arc::new(Spelling::Word(word.into())));
        Values { spelling, ..Values::from(vec![f64::NAN; count]) }
    }

    /// Whether any value is to be written in a way of its own.
    pub(crate) fn is_spelled(&self) -> bool {
        self.spelling.is_some()
    }

    /// Whether the value at `at` is a whole number among floats.
    pub(crate) fn is_whole(&self, at: usize) -> bool {
        matches!(self.spelling.as_deref(), Some(Spelling::Whole(is_whole)) if is_whole.get(at) == Some(&true))
    }

    /// The text that stands for every value.
    pub(crate) fn word(&self) -> Option<&str> {
        match self.spelling.as_deref() {
            Some(Spelling::Word(word)) => Some(word),
            _ => None,
        }
    }
}

impl Deref for Values {
    type Target = Vec<f64>;

    fn deref(&self) -> &Vec<f64> {
        &self.numbers
    }
}

impl DerefMut for Values {
    fn deref_mut(&mut self) -> &mut Vec<f64> {
        self.spelling = None;
        Arc::make_mut(&mut self.numbers)
    }
}

impl From<Vec<f64>> for Values {
    fn from(values: Vec<f64>) -> Values {
        Values { numbers: Arc::new(values), spelling: None }
    }
}

impl From<&[f64]> for Values {
    fn from(values: &[f64]) -> Values {
        Values::from(values.to_vec())
    }
}

impl FromIterator<f64> for Values {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Values {
        Values::from(values.into_iter().collect::<Vec<_>>())
    }
}

impl<'v> IntoIterator for &'v Values {
    type Item = &'v f64;
    type IntoIter = std::slice::Iter<'v, f64>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'v> IntoIterator for &'v mut Values {
    type Item = &'v mut f64;
    type IntoIter = std::slice::IterMut<'v, f64>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter_mut()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_seen_by_its_maker_alone() {
        let kept = Values::from(vec![1.0, 2.0]);
        let mut changed = kept.clone();
        assert_eq!(kept.as_ptr(), changed.as_ptr());
        changed[1] = 3.0;
        assert_eq!((&kept[..], &changed[..]), (&[1.0, 2.0][..], &[1.0, 3.0][..]));
        let alone = changed.as_ptr();
        changed.iter_mut().for_each(|value| *value *= 2.0);
        assert_eq!((changed.as_ptr(), changed[1]), (alone, 6.0));
    }

    #[test]
    fn a_change_makes_plain_numbers_of_them() {
        let mut values = Values::from(vec![0.0, 0.5]);
        values.spell_whole([true, false]);
        assert_eq!((values.is_whole(0), values.is_whole(1)), (true, false));
        assert!(values.clone().is_whole(0));
        values[1] = 0.0;
        assert!(!values.is_whole(0));
        let mut words = Values::words("x", 3);
        assert_eq!((words.len(), words.word()), (3, Some("x")));
        words.iter_mut().for_each(|value| *value = 1.0);
        assert_eq!(words.word(), None);
    }
}
