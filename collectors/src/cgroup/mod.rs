//! What the control groups of this host use: services, containers, users, from a cgroup v2 tree. Diamond has version 1
//! only; the names are ours.

mod group;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use crate::{Class, Collector, Fail, Made, Out, Site, Slot, Spec};

/// Where the tree may be; the second is that of hosts that have both versions.
const TREES: [&str; 2] = ["sys/fs/cgroup", "sys/fs/cgroup/unified"];

/// `[collectors.cgroup]`.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Options {
    /// How many levels below the root are measured. Default 1.
    depth: usize,
    /// The most groups that are measured. Default 256.
    most: usize,
    /// Groups left out with all below them, by the beginnings of their names. Default none.
    exclude: Vec<String>,
}

impl Default for Options {
    fn default() -> Options {
        Options { depth: 1, most: 256, exclude: Vec::new() }
    }
}

struct Cgroup {
    options: Options,
    trees: [PathBuf; TREES.len()],
    /// The contents of one file; kept for its memory.
    bytes: Vec<u8>,
    /// There was no group at all.
    idle: bool,
}

pub(crate) fn build(site: &Site, options: toml::Table) -> Made {
    let trees = TREES.map(|tree| site.path(tree));
    Ok(Box::new(Cgroup { options: options.try_into()?, trees, bytes: Vec::new(), idle: false }))
}

impl Collector for Cgroup {
    fn spec(&self) -> Spec {
        // Memory statistics of many groups take the kernel milliseconds.
        let class = if self.idle { Class::Fast } else { Class::Slow };
        Spec { name: "cgroup", class, default_interval: None, deadline: Duration::from_secs(5) }
    }

    fn run(&mut self, _: Slot, out: &mut Out) -> Result<(), Fail> {
        let Some(tree) = self.trees.iter().find(|tree| tree.join("cgroup.controllers").is_file()) else {
            return Err(Fail::Absent { what: "a cgroup v2 tree".to_owned() });
        };
        let mut walk = Walk { options: &self.options, bytes: &mut self.bytes, left: self.options.most, result: Ok(()) };
        walk.below(tree, &mut vec!["cgroup".to_owned()], out);
        self.idle = walk.left == self.options.most;
        walk.result
    }
}

/// One way through the tree.
struct Walk<'a> {
    options: &'a Options,
    bytes: &'a mut Vec<u8>,
    left: usize,
    result: Result<(), Fail>,
}

impl Walk<'_> {
    /// Measures the groups in `folder`, each before those below it. `name` is that of the folder, by its parts.
    fn below(&mut self, folder: &Path, name: &mut Vec<String>, out: &mut Out) {
        if name.len() > self.options.depth.min(group::DEEPEST) {
            return;
        }
        // Gone since it was listed.
        let Ok(entries) = fs::read_dir(folder) else { return };
        for entry in entries.flatten() {
            let Ok(group) = entry.file_name().into_string() else { continue };
            let excluded = self.options.exclude.iter().any(|begin| group.starts_with(begin));
            if excluded || !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                continue;
            }
            if self.left == 0 {
                return;
            }
            self.left -= 1;
            name.push(group);
            let mark = out.mark();
            if let Err(fail) = group::publish(&entry.path(), name, self.bytes, out) {
                out.rewind(mark);
                self.result = Err(fail);
            }
            self.below(&entry.path(), name, out);
            name.pop();
        }
    }
}

#[cfg(test)]
mod tests;
