//! What logs say: how many lines match what, and quantiles of numbers in them, such as the answer times and 5xx answers of
//! a web server. Lines are read once, through rotations and restarts.

mod follow;
mod sketch;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use regex_lite::{Captures, Regex};
use serde::{Deserialize, Deserializer, de};
use serde_json::Value as Json;

use self::follow::{Log, Place};
use self::sketch::Sketch;
use crate::{Bits, Class, Collector, Fail, Kept, Made, Out, Site, Slot, Spec};

/// Values of a field that are counted by themselves; more are counted as `other`.
const MOST_VALUES: usize = 100;
/// A longer value of a field is cut.
const LONGEST_VALUE: usize = 64;

/// `[collectors.logtail]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Options {
    /// Logs by the names they are published under. Default none.
    log: BTreeMap<String, Rules>,
}

/// `[collectors.logtail.log.NAME]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Rules {
    path: PathBuf,
    /// A regular expression that a line has to match; its named groups are the fields. Without it a line is JSON, and its
    /// fields are the keys, those of inner objects behind a dot.
    #[serde(default, deserialize_with = "pattern")]
    pattern: Option<Regex>,
    /// Names of counts, each with the fields it wants and what they have to match.
    #[serde(default)]
    count: BTreeMap<String, BTreeMap<String, Matching>>,
    /// Fields whose values are counted, each value by itself.
    #[serde(default)]
    by: Vec<String>,
    /// Fields that are numbers, of which mean, quantiles and extremes are published.
    #[serde(default)]
    measure: Vec<String>,
    /// Quantiles in per cent. Default 50, 95 and 99.
    #[serde(default = "quantiles")]
    quantiles: Vec<f64>,
}

#[derive(Debug)]
struct Matching(Regex);

impl<'de> Deserialize<'de> for Matching {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Matching, D::Error> {
        compile(&String::deserialize(input)?).map(Matching)
    }
}

fn pattern<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Regex>, D::Error> {
    compile(&String::deserialize(input)?).map(Some)
}

fn compile<E: de::Error>(pattern: &str) -> Result<Regex, E> {
    Regex::new(pattern).map_err(|error| E::custom(format!("`{pattern}`: {error}")))
}

fn quantiles() -> Vec<f64> {
    vec![50.0, 95.0, 99.0]
}

struct LogTail {
    logs: Vec<Tail>,
}

/// A log with what was counted in it. Totals are kept over restarts, as its place is.
struct Tail {
    name: String,
    rules: Rules,
    log: Log,
    /// By the end of the metric's name.
    totals: BTreeMap<String, u64>,
    sketches: BTreeMap<String, Sketch>,
}

pub(crate) fn build(site: &Site, options: toml::Table) -> Made {
    let Options { log } = options.try_into()?;
    let mut logs = Vec::new();
    for (name, rules) in log {
        if let Some(wrong) = rules.quantiles.iter().find(|quantile| !(0.0..=100.0).contains(*quantile)) {
            let fault = format!("log.{name}: a quantile is from 0 to 100 per cent, not {wrong}");
            return Err(<toml::de::Error as de::Error>::custom(fault));
        }
        let log = Log::new(site.root().join(rules.path.strip_prefix("/").unwrap_or(&rules.path)));
        logs.push(Tail { name, rules, log, totals: BTreeMap::new(), sketches: BTreeMap::new() });
    }
    Ok(Box::new(LogTail { logs }))
}

impl Collector for LogTail {
    fn spec(&self) -> Spec {
        Spec { name: "logtail", class: Class::Slow, default_interval: None, deadline: Duration::from_secs(5) }
    }

    fn run(&mut self, _: Slot, out: &mut Out) -> Result<(), Fail> {
        let mut result = Ok(());
        for tail in &mut self.logs {
            // A log that is not there yet says nothing of the others.
            let read = tail.read();
            tail.publish(out);
            result = result.and(read);
        }
        result
    }

    fn keep(&self, kept: &mut Kept) {
        for tail in &self.logs {
            if let Some(place) = tail.log.place() {
                kept.add(&tail.name, None, place.numbers());
            }
            for (name, total) in &tail.totals {
                kept.add(&format!("{}/{name}", tail.name), None, vec![*total]);
            }
        }
    }

    fn recall(&mut self, kept: &Kept) {
        for row in kept.rows() {
            let (name, total) =
                row.name.split_once('/').map_or((row.name.as_str(), None), |(log, name)| (log, Some(name)));
            let Some(tail) = self.logs.iter_mut().find(|tail| tail.name == name) else { continue };
            match (total, row.numbers.as_slice()) {
                (Some(name), [total]) => drop(tail.totals.insert(name.to_owned(), *total)),
                (Some(_), _) => {}
                (None, numbers) => Place::of(numbers).into_iter().for_each(|place| tail.log.resume(place)),
            }
        }
    }
}

impl Tail {
    fn read(&mut self) -> Result<(), Fail> {
        let Tail { rules, log, totals, sketches, .. } = self;
        sketches.clear();
        // What may happen is told from the start, so that its first time is a rate and not a beginning.
        for name in ["lines", "unmatched"].into_iter().map(str::to_owned).chain(rules.count.keys().map(|n| count(n))) {
            totals.entry(name).or_default();
        }
        log.each_line(|line| {
            *totals.entry("lines".to_owned()).or_default() += 1;
            if !rules.take(&String::from_utf8_lossy(line), totals, sketches) {
                *totals.entry("unmatched".to_owned()).or_default() += 1;
            }
        })
    }

    fn publish(&self, out: &mut Out) {
        let parts = |end: &'static str| ["logtail", self.name.as_str(), end];
        for (name, total) in &self.totals {
            let mut path = vec!["logtail", &self.name];
            path.extend(name.splitn(3, '.'));
            out.counter(&path, *total, Bits::B64).significant(6);
        }
        for (field, sketch) in &self.sketches {
            let path = |what| ["logtail", self.name.as_str(), field.as_str(), what];
            out.gauge(&path("count"), sketch.count as f64);
            out.gauge(&path("mean"), sketch.sum / sketch.count as f64).significant(6);
            out.gauge(&path("min"), sketch.least).significant(6);
            out.gauge(&path("max"), sketch.most).significant(6);
            for percent in &self.rules.quantiles {
                if let Some(value) = sketch.quantile(percent / 100.0) {
                    let name = format!("p{percent}");
                    out.gauge(&["logtail", &self.name, field, &name], value).significant(4);
                }
            }
        }
        out.gauge(&parts("behind_byte"), self.log.behind as f64).unit(crate::Unit::Bytes);
        out.counter(&parts("skipped_byte"), self.log.skipped, Bits::B64).unit(crate::Unit::Bytes);
    }
}

fn count(name: &str) -> String {
    format!("count.{name}")
}

/// The fields of one line.
enum Fields<'a> {
    Groups(Captures<'a>),
    Keys(Json),
}

impl Fields<'_> {
    fn get(&self, name: &str) -> Option<String> {
        match self {
            Fields::Groups(groups) => groups.name(name).map(|group| group.as_str().to_owned()),
            Fields::Keys(json) => {
                // A key may hold a dot of its own.
                let inner = |json: &'_ Json| name.split('.').try_fold(json.clone(), |json, key| json.get(key).cloned());
                match json.get(name).cloned().or_else(|| inner(json))? {
                    Json::String(text) => Some(text),
                    Json::Null | Json::Array(_) | Json::Object(_) => None,
                    plain => Some(plain.to_string()),
                }
            }
        }
    }
}

impl Rules {
    /// Counts a line; gives whether it has the form that it should.
    fn take(&self, line: &str, totals: &mut BTreeMap<String, u64>, sketches: &mut BTreeMap<String, Sketch>) -> bool {
        let fields = match &self.pattern {
            Some(pattern) => pattern.captures(line).map(Fields::Groups),
            None => serde_json::from_str(line).ok().filter(Json::is_object).map(Fields::Keys),
        };
        let Some(fields) = fields else { return false };
        for (name, wanted) in &self.count {
            if wanted.iter().all(|(field, Matching(form))| fields.get(field).is_some_and(|value| form.is_match(&value)))
            {
                *totals.entry(count(name)).or_default() += 1;
            }
        }
        for field in &self.by {
            let Some(value) = fields.get(field) else { continue };
            let value: String = value.chars().take(LONGEST_VALUE).filter(|c| !c.is_control()).collect();
            let begin = format!("by.{field}.");
            let known = totals.contains_key(&format!("{begin}{value}"));
            let full = || totals.keys().filter(|name| name.starts_with(&begin)).count() >= MOST_VALUES;
            let value = if known || !full() { value.as_str() } else { "other" };
            *totals.entry(format!("{begin}{value}")).or_default() += 1;
        }
        for field in &self.measure {
            if let Some(value) = fields.get(field).and_then(|value| value.trim().parse().ok()) {
                sketches.entry(field.clone()).or_default().add(value);
            }
        }
        true
    }
}

#[cfg(test)]
mod tests;
