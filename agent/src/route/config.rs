//! `[route.NAME]`: which lines go to which destinations, and as what.

use std::collections::BTreeMap;
use std::time::Duration;

use hashbrown::HashMap;
use serde::Deserialize;
use whisper::Interval;

use super::pattern::NamePattern;
use super::window::{MOST_VALUES, Method, Window};
use super::{Rename, Route, RouteCounts};
use crate::config::seconds;
use crate::destination::is_name;

/// `[route.NAME]` for every name.
pub type Routes = BTreeMap<String, RouteConfig>;

/// `[route.NAME]`: a way from collectors to destinations. A line may take several. Without any route all lines go to all
/// destinations; with one, what no route takes goes nowhere.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct RouteConfig {
    /// Collectors and plugins whose lines it takes: `cpu`, `plugin.backup`, or `agent` for what the agent says of itself.
    /// Default: all.
    pub from: Vec<String>,
    /// Patterns of whole names, of which one has to match. Default: all names.
    pub keep: Vec<String>,
    /// Patterns of whole names, of which none may match. Default: none.
    pub drop: Vec<String>,
    /// Names that change, one after the other.
    pub rename: Vec<RenameConfig>,
    /// What values are multiplied with.
    pub scale: Option<f64>,
    /// Sends one value for several: "avg", "min", "max", "last", "sum", or a percentile such as "p95". It carries the
    /// first second of its window; windows begin at multiples of their length.
    pub aggregate: Option<String>,
    /// How long a window is: a number of slots of `[agent] interval`, or a time such as "5m".
    pub over: Option<Over>,
    /// Series that are aggregated at most; further ones are left out, counted. Default 20 000.
    pub series: usize,
    /// Destinations. Default: all.
    pub to: Vec<String>,
}

/// A name that changes.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RenameConfig {
    /// A pattern of whole names; others stay.
    #[serde(rename = "match")]
    pub pattern: String,
    /// What takes the place of what matches; `$1`, `${1}` is what the first wildcard or group stands for.
    pub to: String,
}

/// The length of a window.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Over {
    /// So many slots of the agent's interval.
    Slots(u32),
    /// A time, such as "5m".
    Time(String),
}

impl Default for RouteConfig {
    fn default() -> RouteConfig {
        RouteConfig {
            from: Vec::new(),
            keep: Vec::new(),
            drop: Vec::new(),
            rename: Vec::new(),
            scale: None,
            aggregate: None,
            over: None,
            series: 20_000,
            to: Vec::new(),
        }
    }
}

impl RouteConfig {
    /// The route called `name`, begun at the second `now`.
    ///
    /// # Errors
    /// Everything that is wrong, each with table and key.
    pub(crate) fn build(
        &self,
        name: &str,
        slot: Interval,
        destinations: &[&str],
        sources: &dyn Fn(&str) -> bool,
        now: u32,
    ) -> Result<Route, Vec<String>> {
        let mut faults = Vec::new();
        if !is_name(name) {
            faults.push("the name may hold letters, digits, - and _".to_owned());
        }
        for source in self.from.iter().filter(|source| !sources(source)) {
            faults.push(format!("from: there is no collector or plugin called {source:?}"));
        }
        for to in self.to.iter().filter(|to| !destinations.contains(&to.as_str())) {
            faults.push(format!("to: there is no destination called {to:?}, only {}", destinations.join(", ")));
        }
        let keep = patterns("keep", &self.keep, &mut faults);
        let drop = patterns("drop", &self.drop, &mut faults);
        let rename = self.rename.iter().filter_map(|rename| rename.build().map_err(|fault| faults.push(fault)).ok());
        let rename = rename.collect();
        if self.scale.is_some_and(|scale| !scale.is_finite()) {
            faults.push("scale: has to be a number".to_owned());
        }
        let window = self.window(slot, now).unwrap_or_else(|fault| {
            faults.push(fault);
            None
        });
        if faults.is_empty() {
            return Ok(Route {
                name: name.into(),
                from: self.from.clone(),
                keep,
                drop,
                rename,
                scale: self.scale,
                window,
                to: self.to.clone(),
                decided: HashMap::default(),
                counts: RouteCounts::default(),
            });
        }
        Err(faults.into_iter().map(|fault| format!("[route.{name}] {fault}")).collect())
    }

    fn window(&self, slot: Interval, now: u32) -> Result<Option<Window>, String> {
        let (method, over) = match (&self.aggregate, &self.over) {
            (None, None) => return Ok(None),
            (Some(method), Some(over)) => (method, over),
            (None, Some(_)) => return Err("over: says for how long, `aggregate` is missing, which says how".to_owned()),
            (Some(_), None) => return Err("aggregate: says how, `over` is missing, which says for how long".to_owned()),
        };
        let method = Method::parse(method)
            .ok_or_else(|| format!("aggregate: {method:?} is none of avg, min, max, last, sum, p1 to p100"))?;
        let length = match over {
            Over::Slots(slots) => Duration::from_secs(u64::from(slot.secs()) * u64::from(*slots)),
            Over::Time(text) => humantime::parse_duration(text)
                .map_err(|_| format!("over: {text:?} is no time, such as \"5m\", and no number of slots"))?,
        };
        let length = seconds(length).ok_or("over: has to be whole seconds, at least one")?;
        if matches!(method, Method::Percentile(_)) && length.secs() / slot.secs() > MOST_VALUES as u32 {
            return Err(format!("over: a percentile is of {MOST_VALUES} slots at most"));
        }
        Ok(Some(Window::new(method, length, slot, self.series, now)))
    }
}

impl RenameConfig {
    fn build(&self) -> Result<Rename, String> {
        let pattern = NamePattern::parse(&self.pattern).map_err(|fault| format!("rename: {fault}"))?;
        let spoken = self.to.split('$').skip(1).filter_map(|rest| {
            let digits = rest.trim_start_matches('{');
            let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
            digits[..end].parse::<usize>().ok()
        });
        if let Some(missing) = spoken.max().filter(|most| *most > pattern.groups()) {
            let groups = pattern.groups();
            return Err(format!("rename: {:?} speaks of ${missing}, the pattern has {groups} wildcards", self.to));
        }
        Ok(Rename { pattern, to: self.to.clone() })
    }
}

fn patterns(key: &str, texts: &[String], faults: &mut Vec<String>) -> Vec<NamePattern> {
    let parsed = texts.iter().map(|text| NamePattern::parse(text));
    parsed.filter_map(|parsed| parsed.map_err(|fault| faults.push(format!("{key}: {fault}"))).ok()).collect()
}
