//! The commands that use most, all processes of one name together.

use std::collections::BTreeMap;

use super::process::Stat;
use crate::{Out, Unit};

/// What each command uses. Names are kept between runs, so that only new ones cost memory.
#[derive(Debug, Default)]
pub(super) struct Top {
    commands: BTreeMap<String, Use>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Use {
    processes: u64,
    /// Ticks since the last run.
    moved: Option<u64>,
    pages: u64,
}

impl Top {
    /// Adds a process that used `moved` ticks since the last run.
    pub(super) fn add(&mut self, stat: &Stat<'_>, moved: Option<u64>) {
        // The kernel's own carry a number behind a slash: `kworker/0:1-events`.
        let (name, _) = stat.name.split_once('/').unwrap_or((stat.name, ""));
        let used = match self.commands.get_mut(name) {
            Some(used) => used,
            None => self.commands.entry(name.to_owned()).or_default(),
        };
        used.processes += 1;
        used.pages = used.pages.saturating_add(stat.pages);
        if let Some(moved) = moved {
            used.moved = Some(used.moved.unwrap_or(0).saturating_add(moved));
        }
    }

    /// Publishes the `most` that use most processor and the `most` that use most memory, and forgets what they used.
    pub(super) fn publish(&mut self, most: usize, elapsed: Option<f64>, out: &mut Out) {
        if let Some(elapsed) = elapsed {
            let scale = 100.0 / rustix::param::clock_ticks_per_second() as f64 / elapsed;
            for (name, ticks) in self.first(most, |used| used.moved) {
                let percent = ticks as f64 * scale;
                out.gauge(&["process", "top", "cpu", name], percent).decimals(2).unit(Unit::Percent);
            }
        }
        for (name, pages) in self.first(most, |used| Some(used.pages)) {
            let bytes = pages as f64 * rustix::param::page_size() as f64;
            out.gauge(&["process", "top", "memory", name], bytes).unit(Unit::Bytes);
        }
        self.commands.retain(|_, used| used.processes > 0);
        self.commands.values_mut().for_each(|used| *used = Use::default());
    }

    /// The `most` commands with the largest values that are not 0, the largest first.
    fn first(&self, most: usize, value: impl Fn(&Use) -> Option<u64>) -> Vec<(&str, u64)> {
        let used = self.commands.iter().map(|(name, used)| (name.as_str(), value(used).unwrap_or(0)));
        let mut used: Vec<_> = used.filter(|(_, value)| *value > 0).collect();
        used.sort_by_key(|(_, value)| std::cmp::Reverse(*value));
        used.truncate(most);
        used
    }
}
