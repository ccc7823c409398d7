//! The values of one metric, which stand together: a histogram's sum and count are two lines and one average.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::line::{Kind, Sample};
use crate::Out;

/// A metric with its type, and what waits for its other half.
#[derive(Debug, Default)]
pub(super) struct Family<'a> {
    name: &'a str,
    kind: Kind,
    wanted: bool,
    buckets: bool,
    /// Sum and count by labels.
    halves: BTreeMap<Labels<'a>, (Option<f64>, Option<f64>)>,
}

type Labels<'a> = Vec<(&'a str, Cow<'a, str>)>;

impl<'a> Family<'a> {
    /// Nothing of it is published unless it is `wanted`.
    pub(super) fn new(name: &'a str, kind: Kind, wanted: bool, buckets: bool) -> Family<'a> {
        Family { name, kind, wanted, buckets, halves: BTreeMap::new() }
    }

    /// Whether the sample `name` is one of this family.
    pub(super) fn holds(&self, name: &str) -> bool {
        let Some(end) = name.strip_prefix(self.name).filter(|_| !self.name.is_empty()) else { return false };
        match self.kind {
            Kind::Gauge => end.is_empty(),
            // OpenMetrics names the family without it.
            Kind::Counter => matches!(end, "" | "_total"),
            Kind::Histogram => matches!(end, "_sum" | "_count" | "_bucket"),
            Kind::Summary => matches!(end, "" | "_sum" | "_count"),
        }
    }

    /// How many values are held back.
    pub(super) fn waiting(&self) -> usize {
        self.halves.len()
    }

    /// Publishes `sample` below `prometheus.TARGET`, or keeps it for its other half.
    pub(super) fn publish(&mut self, target: &str, sample: &Sample<'a>, out: &mut Out) {
        if !self.wanted {
            return;
        }
        let end = sample.name.strip_prefix(self.name).unwrap_or_default();
        match (self.kind, end) {
            (Kind::Histogram | Kind::Summary, "_sum") => {
                self.halves.entry(sample.labels.clone()).or_default().0 = Some(sample.value);
            }
            (Kind::Histogram | Kind::Summary, "_count") => {
                self.halves.entry(sample.labels.clone()).or_default().1 = Some(sample.value);
            }
            (Kind::Histogram, _) if !self.buckets => {}
            (Kind::Counter | Kind::Histogram, _) => {
                with_path(target, sample.name, &sample.labels, |path| {
                    // A counter that is no number would be one for good.
                    if sample.value.is_finite() {
                        out.total(path, sample.value).significant(9);
                    }
                });
            }
            (Kind::Summary | Kind::Gauge, _) => {
                with_path(target, sample.name, &sample.labels, |path| {
                    // All that a float holds: bytes of a large disk have twelve digits.
                    out.gauge(path, sample.value).significant(15);
                });
            }
        }
    }

    /// Publishes what has both halves.
    pub(super) fn end(&mut self, target: &str, out: &mut Out) {
        for (labels, halves) in std::mem::take(&mut self.halves) {
            let (Some(sum), Some(count)) = halves else { continue };
            if sum.is_finite() && (0.0..9e15).contains(&count) {
                with_path(target, self.name, &labels, |path| {
                    out.avg(path, sum, count as u64).significant(9);
                });
            }
        }
    }
}

/// A longer name is none of Graphite's; no file can have it.
const LONGEST_NAME: usize = 1000;

/// Calls `use_it` with `prometheus.TARGET.METRIC` and each label's name and value, as the parts of a path, unless they
/// are too long for a name.
fn with_path(target: &str, metric: &str, labels: &[(&str, Cow<'_, str>)], use_it: impl FnOnce(&[&str])) {
    let mut path = Vec::with_capacity(3 + 2 * labels.len());
    path.extend(["prometheus", target, metric]);
    for (label, value) in labels {
        path.extend([*label, value.as_ref()]);
    }
    if path.iter().map(|part| part.len() + 1).sum::<usize>() <= LONGEST_NAME {
        use_it(&path);
    }
}
