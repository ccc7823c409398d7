//! Ways from collectors to destinations: a route takes lines as they would be sent, and gives some of them on, under
//! other names, scaled, or as one for several. It reads no clock and owns no queue.

mod config;
mod pattern;
#[cfg(test)]
mod tests;
mod window;

use std::fmt::Write as _;

use collectors::Style;
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use tracing::warn;

pub use config::{Over, RenameConfig, RouteConfig, Routes};
use pattern::NamePattern;
use window::Window;

/// Names that a route remembers its decision on.
const REMEMBERED: usize = 50_000;

/// No name is longer.
const LONGEST_NAME: usize = 3500;

/// A way from collectors to destinations.
#[derive(Debug)]
pub(crate) struct Route {
    name: Box<str>,
    from: Vec<String>,
    keep: Vec<NamePattern>,
    drop: Vec<NamePattern>,
    rename: Vec<Rename>,
    scale: Option<f64>,
    window: Option<Window>,
    /// Destinations; none means all.
    pub(crate) to: Vec<String>,
    /// What becomes of a name: another, or none.
    decided: HashMap<Box<str>, Option<Box<str>>, RandomState>,
    counts: RouteCounts,
}

/// What went through a route.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RouteCounts {
    /// Points that it took.
    pub points: u64,
    /// Points that it could not use: too late for their window, one series too many, or renamed to what is no name.
    pub dropped: u64,
    /// Series with an open window.
    pub series: u64,
}

#[derive(Debug)]
struct Rename {
    pattern: NamePattern,
    to: String,
}

impl Route {
    /// What it is called.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Whether it takes lines of `source` at all.
    pub(crate) fn takes(&self, source: &str) -> bool {
        self.from.is_empty() || self.from.iter().any(|from| from == source)
    }

    /// Appends to `out` what becomes of `lines` at the second `now`.
    pub(crate) fn pass(&mut self, lines: &str, now: u32, out: &mut String) {
        for line in lines.lines() {
            let Some((name, rest)) = line.split_once(' ') else { continue };
            if !self.decided.contains_key(name) {
                self.decide(name);
            }
            let Some(Some(renamed)) = self.decided.get(name) else { continue };
            self.counts.points += 1;
            if self.scale.is_none() && self.window.is_none() {
                // Writing to a String cannot fail, here and below.
                let _ = writeln!(out, "{renamed} {rest}");
                continue;
            }
            let parsed =
                rest.split_once(' ').and_then(|(value, time)| Some((value.parse::<f64>().ok()?, time.parse().ok()?)));
            let Some((value, time)) = parsed else {
                self.counts.dropped += 1;
                continue;
            };
            let value = value * self.scale.unwrap_or(1.0);
            match &mut self.window {
                None => write(renamed, value, time, out),
                Some(window) => {
                    let taken = window.enter(renamed, value, time, now, |time, value| write(renamed, value, time, out));
                    self.counts.dropped += u64::from(!taken);
                }
            }
        }
    }

    /// Appends windows that are over at the second `now`.
    pub(crate) fn look(&mut self, now: u32, out: &mut String) {
        if let Some(window) = &mut self.window {
            window.look(now, |name, time, value| write(name, value, time, out));
        }
    }

    /// Appends all open windows: nothing more will come.
    pub(crate) fn finish(&mut self, out: &mut String) {
        if let Some(window) = &mut self.window {
            window.finish(|name, time, value| write(name, value, time, out));
        }
    }

    /// What went through so far.
    pub(crate) fn counts(&self) -> RouteCounts {
        RouteCounts { series: self.window.as_ref().map_or(0, Window::len) as u64, ..self.counts }
    }

    /// Finds out once what becomes of `name`.
    fn decide(&mut self, name: &str) {
        if self.decided.len() >= REMEMBERED {
            // Names that come and go without end: those that stay are decided anew, which costs time and no memory.
            self.decided.clear();
        }
        let wanted = self.keep.is_empty() || self.keep.iter().any(|pattern| pattern.matches(name));
        let wanted = wanted && !self.drop.iter().any(|pattern| pattern.matches(name));
        let renamed = wanted.then(|| self.renamed(name)).flatten();
        self.decided.insert(name.into(), renamed);
    }

    fn renamed(&mut self, name: &str) -> Option<Box<str>> {
        let mut renamed = name.to_owned();
        for rename in &self.rename {
            if let Some(other) = rename.pattern.replace(&renamed, &rename.to) {
                renamed = other;
            }
        }
        let odd = |c: char| c.is_whitespace() || c.is_control() || c == '/';
        let empty = renamed.split('.').any(str::is_empty);
        // A tagged name has its own rules for what stands behind the `;`, which carbon knows.
        if empty || renamed.len() > LONGEST_NAME || renamed.chars().any(odd) {
            warn!(route = &*self.name, metric = name, renamed, "Is renamed to what is no name, and left out.");
            self.counts.dropped += 1;
            return None;
        }
        Some(renamed.into())
    }
}

/// Appends a line with a value that was computed.
fn write(name: &str, value: f64, time: u32, out: &mut String) {
    if !value.is_finite() {
        return;
    }
    out.push_str(name);
    out.push(' ');
    // A whole number keeps all its digits, a fraction as many as anybody looks at.
    let whole = value.fract() == 0.0 && value.abs() < 9e15;
    if whole { Style::Whole } else { Style::Significant(10) }.print(value, out);
    let _ = writeln!(out, " {time}");
}
