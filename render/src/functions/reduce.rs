//! Many values into one: the reducers that `aggregate`, `summarize`, `sortBy` and their like name, and the join of
//! series of different steps.

use std::borrow::Cow;

use crate::series::{Consolidation, Series, Times};

/// A named way to make one value of many. Gaps are left out unless it says otherwise; of nothing comes a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reducer {
    Average,
    /// Gaps count as zero.
    AverageZero,
    Median,
    Sum,
    Min,
    Max,
    /// First known value less the other known ones.
    Diff,
    /// Population standard deviation.
    StdDev,
    /// Of nothing comes zero.
    Count,
    Range,
    /// A single gap makes a gap.
    Multiply,
    Last,
}

impl Reducer {
    /// The names of the manual.
    pub(crate) const NAMES: [&'static str; 16] = [
        "average", "avg", "avg_zero", "median", "sum", "total", "min", "max", "diff", "stddev", "count", "range",
        "rangeOf", "multiply", "last", "current",
    ];

    pub(crate) fn parse(name: &str) -> Option<Reducer> {
        Some(match name {
            "average" | "avg" => Reducer::Average,
            "avg_zero" => Reducer::AverageZero,
            "median" => Reducer::Median,
            "sum" | "total" => Reducer::Sum,
            "min" => Reducer::Min,
            "max" => Reducer::Max,
            "diff" => Reducer::Diff,
            "stddev" => Reducer::StdDev,
            "count" => Reducer::Count,
            "range" | "rangeOf" => Reducer::Range,
            "multiply" => Reducer::Multiply,
            "last" | "current" => Reducer::Last,
            _ => return None,
        })
    }

    /// One value of many.
    pub(crate) fn apply(self, values: &[f64]) -> f64 {
        self.apply_with(values, &mut Vec::new())
    }

    /// As [`Reducer::apply`], for callers with many rows: what has to be sorted is sorted in `buffer`.
    pub(crate) fn apply_with(self, values: &[f64], buffer: &mut Vec<f64>) -> f64 {
        let known = || values.iter().copied().filter(|v| !v.is_nan());
        let count = || known().count() as f64;
        match self {
            Reducer::Average => known().sum::<f64>() / count(),
            // Rust's sum of nothing is -0.
            Reducer::AverageZero => (known().sum::<f64>() + 0.0) / values.len() as f64,
            Reducer::Median => median(values, buffer),
            Reducer::Sum => known().reduce(|sum, v| sum + v).unwrap_or(f64::NAN),
            Reducer::Min => known().reduce(f64::min).unwrap_or(f64::NAN),
            Reducer::Max => known().reduce(f64::max).unwrap_or(f64::NAN),
            Reducer::Diff => known().reduce(|first, v| first - v).unwrap_or(f64::NAN),
            Reducer::StdDev => {
                let (mean, n) = (known().sum::<f64>() / count(), count());
                (known().map(|v| (v - mean) * (v - mean)).sum::<f64>() / n).sqrt()
            }
            Reducer::Count => count(),
            Reducer::Range => Reducer::Max.apply(values) - Reducer::Min.apply(values),
            Reducer::Multiply => values.iter().copied().reduce(|product, v| product * v).unwrap_or(f64::NAN),
            Reducer::Last => values.iter().rev().copied().find(|v| !v.is_nan()).unwrap_or(f64::NAN),
        }
    }

    /// Whether whole numbers reduce to a whole number.
    pub(crate) fn keeps_integers(self) -> bool {
        !matches!(self, Reducer::Average | Reducer::AverageZero | Reducer::Median | Reducer::StdDev | Reducer::Range)
    }
}

fn median(values: &[f64], known: &mut Vec<f64>) -> f64 {
    known.clear();
    known.extend(values.iter().filter(|v| !v.is_nan()));
    if known.is_empty() {
        return f64::NAN;
    }
    let middle = known.len() / 2;
    let even = known.len().is_multiple_of(2);
    let (below, upper, _) = known.select_nth_unstable_by(middle, f64::total_cmp);
    let upper = *upper;
    if even { (below.iter().copied().fold(f64::NEG_INFINITY, f64::max) + upper) / 2.0 } else { upper }
}

/// The value below which `n` percent of the known values lie; a gap if none is known.
///
/// The rank is `n/100 * (count + 1)`, rounded up, or between neighbours with `interpolate`; ranks beyond either end are
/// the end. Source: graphite-web `_getPercentile`.
pub(crate) fn percentile(values: impl Iterator<Item = f64>, n: f64, interpolate: bool) -> f64 {
    percentile_with(values, n, interpolate, &mut Vec::new())
}

/// As [`percentile`], for callers with many rows.
pub(crate) fn percentile_with(
    values: impl Iterator<Item = f64>,
    n: f64,
    interpolate: bool,
    known: &mut Vec<f64>,
) -> f64 {
    known.clear();
    known.extend(values.filter(|v| !v.is_nan()));
    known.sort_unstable_by(f64::total_cmp);
    let Some(last) = known.len().checked_sub(1) else { return f64::NAN };
    let fractional = n / 100.0 * (known.len() + 1) as f64;
    let (whole, fraction) = (fractional.trunc(), fractional.fract());
    let at = |rank: f64| known[(rank - 1.0).clamp(0.0, last as f64) as usize];
    if !interpolate {
        return at(whole + fraction.ceil());
    }
    let value = at(whole);
    // Below the first rank graphite-web starts from the first value and goes towards the one after the rank.
    if whole as usize > last { value } else { value + fraction * (known[whole.max(0.0) as usize] - value) }
}

/// As [`percentile`], and beyond both ends as an index into one of Python's lists: a rank below 0 counts from the end, and
/// one that is still outside gives `None`. Without a known value it is a gap.
pub(crate) fn percentile_by_index(values: impl Iterator<Item = f64>, n: f64) -> Option<f64> {
    let mut known: Vec<f64> = values.filter(|v| !v.is_nan()).collect();
    known.sort_unstable_by(f64::total_cmp);
    let Some(last) = known.last() else { return Some(f64::NAN) };
    let fractional = n / 100.0 * (known.len() + 1) as f64;
    let (rank, length) = ((fractional.trunc() + fractional.fract().ceil()) as i64, known.len() as i64);
    match rank {
        0 => known.first().copied(),
        rank if rank - 1 == length => Some(*last),
        rank => known.get(usize::try_from(if rank < 1 { rank - 1 + length } else { rank - 1 }).ok()?).copied(),
    }
}

/// The step and the bounds that series have in common once joined: the least common multiple of their steps.
pub(crate) fn common_times<'s>(series: impl Iterator<Item = &'s Series> + Clone) -> Option<Times> {
    let step = series.clone().map(|s| s.step).reduce(least_common_multiple)?;
    let start = series.clone().map(|s| s.start).min()?;
    let end = series.map(|s| s.end).max()?;
    Some(Times { start, end: end - (end - start).rem_euclid(step), step })
}

fn least_common_multiple(a: i64, b: i64) -> i64 {
    let gcd = |mut a: i64, mut b: i64| {
        while b != 0 {
            (a, b) = (b, a % b);
        }
        a
    };
    // Steps without a common divisor could leave what arithmetic on times holds; nobody reads such an answer.
    const COARSEST: i64 = 1 << 40;
    (a / gcd(a, b)).saturating_mul(b).min(COARSEST)
}

/// The values of a series at a coarser step, by its own consolidation; as they are if the step is the same.
pub(crate) fn at_step(series: &Series, step: i64) -> Cow<'_, [f64]> {
    let per_point = (step / series.step.max(1)).max(1) as usize;
    if per_point == 1 {
        return Cow::Borrowed(&series.values);
    }
    let joined = |values: &[f64]| {
        let known = values.iter().filter(|v| !v.is_nan()).count();
        if known == 0 || (known as f64 / per_point as f64) < series.x_files_factor {
            return f64::NAN;
        }
        match series.consolidation {
            Consolidation::Average | Consolidation::Avg => Reducer::Average.apply(values),
            Consolidation::Sum => Reducer::Sum.apply(values),
            Consolidation::Min => Reducer::Min.apply(values),
            Consolidation::Max => Reducer::Max.apply(values),
            Consolidation::First => values.iter().copied().find(|v| !v.is_nan()).unwrap_or(f64::NAN),
            Consolidation::Last => Reducer::Last.apply(values),
            Consolidation::AverageZero => Reducer::AverageZero.apply(values),
        }
    };
    Cow::Owned(series.values.chunks(per_point).map(joined).collect())
}

/// Reduces columns, row by row. A row is a gap if none of it is known or less than `x_files_factor` of it.
///
/// Columns may differ in length; the short ones end in gaps. Sums and their like run column by column over one
/// accumulator, which is what memory likes; only medians and deviations gather rows.
pub(crate) fn rows(columns: &[Cow<'_, [f64]>], reducer: Reducer, x_files_factor: f64) -> Vec<f64> {
    let length = columns.iter().map(|column| column.len()).max().unwrap_or(0);
    let mut known = vec![0_u32; length];
    let mut result = match reducer {
        Reducer::Sum => sums(columns, &mut known),
        Reducer::Average => {
            let mut sums = sums(columns, &mut known);
            sums.iter_mut().zip(&known).for_each(|(sum, known)| *sum /= f64::from(*known));
            sums
        }
        Reducer::AverageZero => {
            let mut sums = sums(columns, &mut known);
            sums.iter_mut().for_each(|sum| *sum /= columns.len() as f64);
            sums
        }
        Reducer::Diff => fold(columns, &mut known, 0.0, diff),
        // A gap is neither below nor above anything.
        Reducer::Min => fold(columns, &mut known, f64::INFINITY, |min, v, _| if v < min { v } else { min }),
        Reducer::Max => fold(columns, &mut known, f64::NEG_INFINITY, |max, v, _| if v > max { v } else { max }),
        Reducer::Last => fold(columns, &mut known, 0.0, |last, v, _| if v.is_nan() { last } else { v }),
        Reducer::Count => {
            sums(columns, &mut known);
            known.iter().map(|known| f64::from(*known)).collect()
        }
        Reducer::Range => {
            sums(columns, &mut known);
            let mut high = rows(columns, Reducer::Max, 0.0);
            let low = rows(columns, Reducer::Min, 0.0);
            high.iter_mut().zip(low).for_each(|(high, low)| *high -= low);
            high
        }
        Reducer::Multiply => {
            let mut products = fold(columns, &mut known, 1.0, |product, v, _| product * v);
            let whole = |known: &u32| *known as usize == columns.len();
            products.iter_mut().zip(&known).filter(|(_, known)| !whole(known)).for_each(|(v, _)| *v = f64::NAN);
            products
        }
        Reducer::Median | Reducer::StdDev => {
            sums(columns, &mut known);
            let mut buffer = Vec::with_capacity(columns.len());
            gathered(columns, length, |row| reducer.apply_with(row, &mut buffer))
        }
    };
    let enough = |known: u32| known > 0 && f64::from(known) / columns.len() as f64 >= x_files_factor;
    result.iter_mut().zip(&known).filter(|(_, known)| !enough(**known)).for_each(|(v, _)| *v = f64::NAN);
    result
}

/// Sums of the known values of each row, and how many they are: one pass, without a branch, which the compiler makes
/// vector code of.
fn sums(columns: &[Cow<'_, [f64]>], known: &mut [u32]) -> Vec<f64> {
    fold(columns, known, 0.0, |sum, v, _| sum + if v.is_nan() { 0.0 } else { v })
}

/// Folds each row from `begin` on, and counts its known values; the last argument says whether none was known before.
/// Gaps are folded in as well where `join` does not leave them out.
fn fold(columns: &[Cow<'_, [f64]>], known: &mut [u32], begin: f64, join: impl Fn(f64, f64, bool) -> f64) -> Vec<f64> {
    let mut result = vec![begin; known.len()];
    for column in columns {
        for ((result, known), value) in result.iter_mut().zip(known.iter_mut()).zip(column.iter()) {
            *result = join(*result, *value, *known == 0);
            *known += u32::from(!value.is_nan());
        }
    }
    result
}

/// The first known value less the others.
fn diff(rest: f64, value: f64, is_first: bool) -> f64 {
    match value.is_nan() {
        true => rest,
        false if is_first => value,
        false => rest - value,
    }
}

/// Gives each row to `reduce`, through one buffer.
pub(crate) fn gathered(columns: &[Cow<'_, [f64]>], length: usize, mut reduce: impl FnMut(&[f64]) -> f64) -> Vec<f64> {
    let mut row = vec![f64::NAN; columns.len()];
    let gather = |at: usize| {
        row.iter_mut().zip(columns).for_each(|(value, column)| *value = column.get(at).copied().unwrap_or(f64::NAN));
        reduce(&row)
    };
    (0..length).map(gather).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GAP: f64 = f64::NAN;

    #[test]
    fn rows_and_single_reductions_agree() {
        let columns = [vec![1.0, 4.0, GAP, 2.0], vec![3.0, GAP, GAP, 8.0], vec![5.0, 2.0, GAP]];
        let cows: Vec<Cow<'_, [f64]>> = columns.iter().map(|column| Cow::Borrowed(&column[..])).collect();
        for reducer in Reducer::NAMES.iter().filter_map(|name| Reducer::parse(name)) {
            let together = rows(&cows, reducer, 0.0);
            let alone = gathered(&cows, 4, |row| match row.iter().all(|v| v.is_nan()) {
                true => GAP,
                false => reducer.apply(row),
            });
            assert_eq!(format!("{together:?}"), format!("{alone:?}"), "{reducer:?}");
        }
    }

    #[test]
    fn a_row_with_too_few_known_values_is_a_gap() {
        let columns = [Cow::Owned(vec![1.0, 1.0]), Cow::Owned(vec![2.0, GAP])];
        assert_eq!(format!("{:?}", rows(&columns, Reducer::Sum, 0.6)), "[3.0, NaN]");
    }

    #[test]
    fn percentiles_reach_both_ends() {
        let values = || [4.0, 1.0, 3.0, 2.0, GAP].into_iter();
        assert_eq!(percentile(values(), 50.0, false), 3.0);
        assert_eq!(percentile(values(), 50.0, true), 2.5);
        assert_eq!(percentile(values(), 100.0, true), 4.0);
        assert_eq!(percentile(values(), 0.1, false), 1.0);
        assert!(percentile([GAP].into_iter(), 50.0, false).is_nan());
        for (n, expected) in [(100.0, Some(4.0)), (120.0, None), (-1.0, Some(1.0)), (-50.0, Some(2.0)), (-200.0, None)]
        {
            assert_eq!(percentile_by_index(values(), n), expected, "{n}");
        }
    }
}
