//! What any exporter for Prometheus says, under Graphite names: a scrape over plain HTTP. The names are ours.

mod family;
mod line;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use regex_lite::Regex;
use serde::{Deserialize, Deserializer, de};

use crate::http::Url;
use crate::proc::{lines, text};
use crate::{Class, Collector, Fail, Made, Out, Site, Slot, Spec};

use family::Family;
use line::Line;

/// `[collectors.prometheus]`.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Options {
    /// Exporters by the names they are published under. Default none.
    targets: BTreeMap<String, Target>,
    /// How long an answer may take. Default "3s".
    #[serde(with = "humantime_serde")]
    patience: Duration,
    /// The most bytes an answer may have. Default 8 MiB.
    longest: usize,
    /// The most values of one exporter; those beyond are left out, and that is a failure. Default 10 000.
    most: usize,
}

impl Default for Options {
    fn default() -> Options {
        Options { targets: BTreeMap::new(), patience: Duration::from_secs(3), longest: 8 << 20, most: 10_000 }
    }
}

/// `[collectors.prometheus.targets.NAME]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Target {
    url: Url,
    /// Metrics that are published, as regular expressions that have to match from the start. Default: all.
    #[serde(default = "all", deserialize_with = "anchored")]
    metrics: Vec<Regex>,
    /// Metrics that are not. Default none.
    #[serde(default, deserialize_with = "anchored")]
    exclude: Vec<Regex>,
    /// Labels that do not become part of the name. Default none.
    #[serde(default)]
    drop_labels: Vec<String>,
    /// Publishes the buckets of histograms, too. Default false.
    #[serde(default)]
    buckets: bool,
}

fn all() -> Vec<Regex> {
    vec![Regex::new("").expect("an empty pattern")]
}

fn anchored<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<Regex>, D::Error> {
    let patterns = Vec::<String>::deserialize(input)?;
    let compile = |pattern: &String| {
        Regex::new(&format!("^(?:{pattern})")).map_err(|error| de::Error::custom(format!("`{pattern}`: {error}")))
    };
    patterns.iter().map(compile).collect()
}

/// How long all exporters together may take.
const DEADLINE: Duration = Duration::from_secs(10);

struct Prometheus {
    options: Options,
    /// Those that gave no answer in time at the last run.
    silent: BTreeSet<String>,
    body: Vec<u8>,
}

pub(crate) fn build(_: &Site, options: toml::Table) -> Made {
    Ok(Box::new(Prometheus { options: options.try_into()?, silent: BTreeSet::new(), body: Vec::new() }))
}

impl Collector for Prometheus {
    fn spec(&self) -> Spec {
        Spec { name: "prometheus", class: Class::Slow, default_interval: None, deadline: DEADLINE }
    }

    fn run(&mut self, _: Slot, out: &mut Out) -> Result<(), Fail> {
        let Options { targets, patience, longest, most } = &self.options;
        let begun = Instant::now();
        let mut result = Ok(());
        let last = std::mem::take(&mut self.silent);
        // Those that kept us waiting the last time come last, and get what time is left.
        let (late, soon): (Vec<_>, Vec<_>) = targets.iter().partition(|(name, _)| last.contains(*name));
        for (name, target) in soon.into_iter().chain(late) {
            let patience = DEADLINE.saturating_sub(begun.elapsed()).min(*patience);
            let fetched = target.url.get(patience, *longest, &mut self.body);
            if let Err(fail) = fetched.and_then(|()| target.publish(name, &self.body, *most, out)) {
                if matches!(fail, Fail::Timeout { .. }) {
                    self.silent.insert(name.clone());
                }
                result = Err(fail);
            }
        }
        result
    }
}

impl Target {
    /// Publishes what is in `body`; a line that is not understood is passed over, and is the failure of the run.
    fn publish(&self, name: &str, body: &[u8], most: usize, out: &mut Out) -> Result<(), Fail> {
        let full = out.len().saturating_add(most);
        let mut family = Family::default();
        let mut result = Ok(());
        for (at, line) in lines(body) {
            match text(line).and_then(line::read) {
                Some(Line::Type(metric, kind)) => {
                    family.end(name, out);
                    family = Family::new(metric, kind, self.wants(metric), self.buckets);
                }
                Some(Line::Sample(mut sample)) => {
                    if !family.holds(sample.name) {
                        family.end(name, out);
                        family = Family::new(sample.name, line::Kind::Gauge, self.wants(sample.name), false);
                    }
                    if out.len().saturating_add(family.waiting()) >= full {
                        result = Err(Fail::parse(self.url.to_string(), at, "no more values than `most` says", line));
                        break;
                    }
                    sample.labels.retain(|(label, _)| !self.drop_labels.iter().any(|dropped| dropped == label));
                    sample.labels.sort_unstable();
                    family.publish(name, &sample, out);
                }
                Some(Line::Empty) => {}
                None => {
                    result =
                        Err(Fail::parse(self.url.to_string(), at, "a metric in the text form of Prometheus", line));
                }
            }
        }
        family.end(name, out);
        result
    }

    fn wants(&self, metric: &str) -> bool {
        let found = |patterns: &[Regex]| patterns.iter().any(|pattern| pattern.is_match(metric));
        found(&self.metrics) && !found(&self.exclude)
    }
}

#[cfg(test)]
mod tests;
