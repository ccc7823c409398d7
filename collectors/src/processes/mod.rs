//! What processes use: groups of them by name, program or command line, and the commands that use most. Names of groups
//! are those of Diamond's ProcessResourcesCollector.
//!
//! A run costs an open, a read and a close for each process of the host, about 10 µs, and seven more files for each
//! that belongs to a group.

mod group;
mod process;
mod top;

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use crate::proc::{ProcFile, fields, lines, number, read_once, text};
use crate::{Class, Collector, Fail, Kept, Made, Out, Site, Slot, Spec};

use group::{Rule, Sum, Whole};
use process::Stat;
use top::Top;

/// Processes that are looked at; those beyond are left out.
const MOST: usize = 1 << 16;
/// Runs after which it is asked again which groups a process belongs to: a command line may change.
const FRESH: u32 = 30;

/// `[collectors.processes]`.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Options {
    /// Commands that are published for using most processor, and as many for most memory. Default 5.
    top: usize,
    /// Groups by the names they are published under. Default none.
    process: BTreeMap<String, Rule>,
}

impl Default for Options {
    fn default() -> Options {
        Options { top: 5, process: BTreeMap::new() }
    }
}

struct Processes {
    options: Options,
    diamond: bool,
    proc: PathBuf,
    uptime: ProcFile,
    meminfo: ProcFile,
    known: HashMap<u32, Known>,
    top: Top,
    run: u32,
    last: Option<Duration>,
    /// The contents of one file; kept for its memory.
    bytes: Vec<u8>,
}

/// What is remembered of a process.
struct Known {
    name: String,
    started: u64,
    ticks: u64,
    /// The places of its groups in the order of their names.
    groups: Vec<usize>,
    asked: u32,
    seen: u32,
}

pub(crate) fn build(site: &Site, options: toml::Table) -> Made {
    Ok(Box::new(Processes {
        options: options.try_into()?,
        diamond: site.is_diamond(),
        proc: site.path("proc"),
        uptime: ProcFile::new(site.path("proc/uptime")),
        meminfo: ProcFile::new(site.path("proc/meminfo")),
        known: HashMap::new(),
        top: Top::default(),
        run: 0,
        last: None,
        bytes: Vec::new(),
    }))
}

impl Collector for Processes {
    fn spec(&self) -> Spec {
        Spec { name: "processes", class: Class::Slow, default_interval: None, deadline: Duration::from_secs(5) }
    }

    fn run(&mut self, slot: Slot, out: &mut Out) -> Result<(), Fail> {
        self.run = self.run.wrapping_add(1);
        let elapsed = self.last.map(|last| slot.monotonic.saturating_sub(last).as_secs_f64());
        let elapsed = elapsed.filter(|elapsed| *elapsed > 0.0);
        self.last = Some(slot.monotonic);
        let folders = fs::read_dir(&self.proc).map_err(|source| Fail::Read { path: self.proc.clone(), source })?;
        let mut sums: Vec<Sum> = self.options.process.values().map(|_| Sum::default()).collect();
        let pids = folders.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let mut result = Ok(());
        for pid in pids.take(MOST) {
            match self.look(pid, elapsed.is_some(), &mut sums) {
                // It has ended since it was listed, or is hidden from us.
                Ok(()) | Err(Fail::Absent { .. } | Fail::Read { .. }) => {}
                Err(fail) => result = Err(fail),
            }
        }
        self.known.retain(|_, known| known.seen == self.run);
        self.top.publish(self.options.top, elapsed, out);
        if !sums.is_empty() {
            self.publish_groups(&sums, elapsed, out)?;
        }
        result
    }

    fn keep(&self, kept: &mut Kept) {
        for (pid, known) in &self.known {
            kept.add(&pid.to_string(), self.last, vec![known.started, known.ticks]);
        }
    }

    fn recall(&mut self, kept: &Kept) {
        for row in kept.rows() {
            if let (Ok(pid), [started, ticks]) = (row.name.parse(), row.numbers.as_slice()) {
                // Without its name it is looked at anew, and keeps its ticks.
                let (name, started, ticks) = (String::new(), *started, *ticks);
                self.known.insert(pid, Known { name, started, ticks, groups: Vec::new(), asked: 0, seen: 0 });
                self.last = row.at;
            }
        }
    }
}

impl Processes {
    /// Adds one process to what its groups and its command use.
    fn look(&mut self, pid: u32, later: bool, sums: &mut [Sum]) -> Result<(), Fail> {
        let folder = self.proc.join(pid.to_string());
        let path = folder.join("stat");
        let mut bytes = std::mem::take(&mut self.bytes);
        let result = read_once(&path, &mut bytes).and_then(|bytes| process::stat(&path, bytes)).map(|stat| {
            let ticks = stat.user.saturating_add(stat.system);
            let known = self.known.get(&pid).filter(|known| known.started == stat.started);
            // All that a new process used was used since the last run, unless there was none; Diamond has 0 for it.
            let before = known.map_or(if self.diamond { ticks } else { 0 }, |known| known.ticks);
            let moved = later.then(|| ticks.saturating_sub(before));
            if self.options.top > 0 {
                self.top.add(&stat, moved);
            }
            let mut scratch = Vec::new();
            for at in self.remember(pid, &folder, &stat, ticks, &mut scratch) {
                let details = process::details(&folder, &mut scratch);
                sums[*at].add(&stat, moved, details);
            }
        });
        self.bytes = bytes;
        result
    }

    /// Keeps what the next run needs of a process; gives its groups.
    fn remember(&mut self, pid: u32, folder: &Path, stat: &Stat<'_>, ticks: u64, scratch: &mut Vec<u8>) -> &[usize] {
        let run = self.run;
        let fresh = |known: &Known| {
            known.started == stat.started && known.name == stat.name && run.wrapping_sub(known.asked) < FRESH
        };
        if !self.known.get(&pid).is_some_and(fresh) {
            let groups = if self.options.process.is_empty() {
                Vec::new()
            } else {
                let (exe, cmdline) = process::program(folder, scratch);
                let rules = self.options.process.values().enumerate();
                rules.filter(|(_, rule)| rule.wants(pid, stat.name, &exe, &cmdline)).map(|(at, _)| at).collect()
            };
            let known =
                Known { name: stat.name.to_owned(), started: stat.started, ticks, groups, asked: run, seen: run };
            self.known.insert(pid, known);
        }
        self.known.get_mut(&pid).map_or(&[], |known| {
            (known.ticks, known.seen) = (ticks, run);
            &known.groups
        })
    }

    fn publish_groups(&mut self, sums: &[Sum], elapsed: Option<f64>, out: &mut Out) -> Result<(), Fail> {
        let (path, uptime) = self.uptime.read()?;
        let up = fields(uptime).next().and_then(text).and_then(|up| up.parse().ok());
        let up = up.ok_or_else(|| Fail::parse(path, 1, "a number of seconds", uptime))?;
        let (_, meminfo) = self.meminfo.read()?;
        let total = lines(meminfo).find(|(_, line)| line.starts_with(b"MemTotal:"));
        let total = total.and_then(|(_, line)| fields(line).nth(1).and_then(number)).filter(|total| *total > 0);
        let whole = Whole { elapsed, up, memory: total.map(|total| total as f64 * 1024.0), diamond: self.diamond };
        for ((group, rule), sum) in self.options.process.iter().zip(sums) {
            if sum.workers > 0 {
                sum.publish(group, whole, out);
            }
            if rule.count_workers {
                out.gauge(&["process", group, "workers_count"], sum.workers as f64);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
