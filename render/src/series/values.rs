//! The values of a series: shared by everyone who only reads them, copied by the first who changes them.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

/// Values in time order, NaN where nothing is known.
///
/// A series that was read is handed on without a copy, however many targets use it. Reading is reading a slice; a change
/// in place (all that takes `&mut`) copies the values first if anyone else still has them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Values(Arc<Vec<f64>>);

impl Values {
    /// Bytes that only this series holds.
    pub(crate) fn own_bytes(&self) -> usize {
        if Arc::strong_count(&self.0) == 1 { self.0.len() * size_of::<f64>() } else { 0 }
    }
}

impl Deref for Values {
    type Target = Vec<f64>;

    fn deref(&self) -> &Vec<f64> {
        &self.0
    }
}

impl DerefMut for Values {
    fn deref_mut(&mut self) -> &mut Vec<f64> {
        Arc::make_mut(&mut self.0)
    }
}

impl From<Vec<f64>> for Values {
    fn from(values: Vec<f64>) -> Values {
        Values(Arc::new(values))
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
}
