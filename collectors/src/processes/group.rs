//! A group of processes: which belong to it, and what they use together.

use regex_lite::Regex;
use serde::{Deserialize, Deserializer, de};

use super::process::{DETAILS, Stat};
use crate::{Out, Unit};

/// `[collectors.processes.process.GROUP]`: a process belongs to it when any of the expressions is found.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Rule {
    /// In the path of its program.
    #[serde(deserialize_with = "patterns")]
    exe: Vec<Regex>,
    /// In the kernel's name of it, at most 15 letters.
    #[serde(deserialize_with = "patterns")]
    name: Vec<Regex>,
    /// In the words it was started with.
    #[serde(deserialize_with = "patterns")]
    cmdline: Vec<Regex>,
    /// The agent itself belongs to it. Default false.
    selfmon: bool,
    /// Publishes how many belong to it. Default false.
    pub(super) count_workers: bool,
}

/// One expression or a list of them.
fn patterns<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<Regex>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Patterns {
        One(String),
        Many(Vec<String>),
    }
    let patterns = match Patterns::deserialize(input)? {
        Patterns::One(pattern) => vec![pattern],
        Patterns::Many(patterns) => patterns,
    };
    let compile =
        |pattern: &String| Regex::new(pattern).map_err(|error| de::Error::custom(format!("`{pattern}`: {error}")));
    patterns.iter().map(compile).collect()
}

impl Rule {
    /// Whether a process belongs to the group.
    pub(super) fn wants(&self, pid: u32, name: &str, exe: &str, cmdline: &str) -> bool {
        let found = |patterns: &[Regex], text: &str| patterns.iter().any(|pattern| pattern.is_match(text));
        (self.selfmon && pid == std::process::id())
            || found(&self.exe, exe)
            || found(&self.name, name)
            || found(&self.cmdline, cmdline)
    }
}

/// What the processes of a group use together.
#[derive(Debug, Default)]
pub(super) struct Sum {
    pub(super) workers: u64,
    user: u64,
    system: u64,
    threads: u64,
    pages: u64,
    started: u64,
    /// Ticks since the last run; `None` at the first.
    moved: Option<u64>,
    details: [Option<u64>; DETAILS.len()],
}

/// What the host has, to set a group against.
#[derive(Clone, Copy, Debug)]
pub(super) struct Whole {
    /// Seconds since the last run.
    pub(super) elapsed: Option<f64>,
    /// Seconds since the host was started.
    pub(super) up: f64,
    /// Bytes of memory.
    pub(super) memory: Option<f64>,
    /// Whether values are those of Diamond: whole numbers, and 0 for what is not known yet.
    pub(super) diamond: bool,
}

impl Sum {
    /// Adds a process that used `moved` ticks since the last run.
    pub(super) fn add(&mut self, stat: &Stat<'_>, moved: Option<u64>, details: [Option<u64>; DETAILS.len()]) {
        let add = |sum: &mut u64, more: u64| *sum = sum.saturating_add(more);
        self.workers += 1;
        add(&mut self.user, stat.user);
        add(&mut self.system, stat.system);
        add(&mut self.threads, stat.threads);
        add(&mut self.pages, stat.pages);
        add(&mut self.started, stat.started);
        let detailed = self.details.iter_mut().zip(details);
        for (sum, more) in detailed.chain([(&mut self.moved, moved)]) {
            if let Some(more) = more {
                add(sum.get_or_insert(0), more);
            }
        }
    }

    /// Publishes all of it below `process.GROUP`. All but the share of the processor are gauges, as in Diamond: sums
    /// over the processes of now, which fall when one of them ends.
    pub(super) fn publish(&self, group: &str, whole: Whole, out: &mut Out) {
        let hz = rustix::param::clock_ticks_per_second() as f64;
        let bytes = self.pages as f64 * rustix::param::page_size() as f64;
        let percent = match (self.moved, whole.elapsed) {
            (Some(moved), Some(elapsed)) => Some(100.0 * moved as f64 / hz / elapsed),
            _ => whole.diamond.then_some(0.0),
        };
        let digits = if whole.diamond { 0 } else { 2 };
        if let Some(percent) = percent {
            out.gauge(&["process", group, "cpu_percent"], percent).decimals(digits).unit(Unit::Percent);
        }
        for (name, ticks) in [("user", self.user), ("system", self.system)] {
            let seconds = ticks as f64 / hz;
            out.gauge(&["process", group, "cpu_times", name], seconds).decimals(digits).unit(Unit::Seconds);
        }
        out.gauge(&["process", group, "num_threads"], self.threads as f64);
        if let Some(memory) = whole.memory {
            let percent = 100.0 * bytes / memory;
            out.gauge(&["process", group, "memory_percent"], percent).decimals(digits).unit(Unit::Percent);
        }
        let up = self.workers as f64 * whole.up - self.started as f64 / hz;
        out.gauge(&["process", group, "uptime"], up).unit(Unit::Seconds);
        for (name, value) in DETAILS.iter().zip(self.details) {
            if let Some(value) = value {
                let mut parts = ["process", group, "", ""];
                parts[2..2 + name.len()].copy_from_slice(name);
                out.gauge(&parts[..2 + name.len()], value as f64);
            }
        }
    }
}
