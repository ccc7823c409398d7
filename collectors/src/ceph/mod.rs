//! Ceph's daemons on this host, asked through their admin sockets: `perf schema` once, `perf dump` at each run.
//!
//! A daemon answers its admin socket with one thread and reads blocking, so an idle connection of ours would make every
//! other client wait. Hence: connect, ask at once in one write, give up early, never hold, never two at a time.

mod discover;
mod flatten;
mod schema;
mod socket;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::Deserialize;

use self::discover::Daemon;
use self::flatten::flatten;
use self::schema::{Addresses, Schema, Wanted};
use self::socket::{Fault, ask};
use crate::{Class, Collector, Fail, Made, Out, Scope, Site, Slot, Spec};

/// All daemons of a run together may take this long; those left over are told as a failure.
const BUDGET: Duration = Duration::from_secs(8);

/// Runs between two looks at the schema of a daemon that shows sections its schema lacks.
const SCHEMA_AGE: u32 = 12;

/// A daemon that gives no answer is left in peace for up to this many runs.
const MOST_SKIPPED: u32 = 8;

/// `[collectors.ceph]`.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Options {
    /// Directories of admin sockets; `*` as the last part stands for every directory there. Default `/var/run/ceph`
    /// and what is in it.
    directories: Vec<String>,
    /// Counters of a lower priority in the schema are left out. Default 5.
    min_priority: u8,
    /// Counters taken whatever their priority, as `SECTION.COUNTER` or `SECTION.*`. Default none.
    include: Vec<String>,
    /// How long a daemon may take for one answer. Default "1s".
    #[serde(with = "humantime_serde")]
    timeout: Duration,
}

impl Default for Options {
    fn default() -> Options {
        let directories = ["/var/run/ceph", "/var/run/ceph/*"].map(str::to_owned).to_vec();
        Options { directories, min_priority: 5, include: Vec::new(), timeout: Duration::from_secs(1) }
    }
}

struct Ceph {
    options: Options,
    site: Site,
    /// What is known of each daemon, by its socket.
    known: BTreeMap<PathBuf, Known>,
}

/// What is remembered of a daemon between runs.
#[derive(Default)]
struct Known {
    /// Which socket file it was: a daemon that starts anew makes a new one.
    file: (u64, u64, i64),
    schema: Option<Schema>,
    schema_age: u32,
    /// Answers that did not come, one after another, and runs still to be left out for that.
    silences: u32,
    skip: u32,
}

pub(crate) fn build(site: &Site, options: toml::Table) -> Made {
    Ok(Box::new(Ceph { options: options.try_into()?, site: site.clone(), known: BTreeMap::new() }))
}

impl Collector for Ceph {
    fn spec(&self) -> Spec {
        let deadline = BUDGET.saturating_add(self.options.timeout);
        Spec { name: "ceph", class: Class::Slow, default_interval: None, deadline }
    }

    fn run(&mut self, slot: Slot, out: &mut Out) -> Result<(), Fail> {
        let begun = Instant::now();
        let sockets = discover::sockets(&self.site, &self.options.directories)?;
        self.known.retain(|path, _| sockets.contains(path));
        let wanted = Wanted { min_priority: self.options.min_priority, include: &self.options.include };
        // A daemon's names are the same wherever it runs, and one name is published once.
        out.scope(Scope::World);
        let (mut names, mut first_fail) = (BTreeSet::new(), Ok(()));
        for path in sockets {
            let Some(daemon) = Daemon::of(&path) else { continue };
            if !names.insert((daemon.cluster.clone(), daemon.kind.clone(), daemon.id.clone())) {
                continue;
            }
            if begun.elapsed() > BUDGET {
                let what = format!("the admin socket {} and those after it", path.display());
                return first_fail.and(Err(Fail::Timeout { what, after: BUDGET }));
            }
            let known = self.known.entry(path.clone()).or_default();
            out.measured_at(slot.monotonic + begun.elapsed());
            let mark = out.mark();
            let result = known.measure(&path, &daemon, wanted, self.options.timeout, out);
            if result.is_err() {
                out.rewind(mark);
            }
            // Where we may not look there is nothing to say about it.
            if !matches!(&result, Err(Fail::Read { .. })) {
                let up = if matches!(result, Ok(true)) { 1.0 } else { 0.0 };
                out.gauge(&["ceph", &daemon.cluster, &daemon.kind, &daemon.id, "up"], up);
            }
            first_fail = first_fail.and(result.map(|_| ()));
        }
        first_fail
    }
}

impl Known {
    /// Puts the daemon's counters into `out`; `false` when it is down, which is no failure.
    fn measure(
        &mut self,
        path: &Path,
        daemon: &Daemon,
        wanted: Wanted<'_>,
        timeout: Duration,
        out: &mut Out,
    ) -> Result<bool, Fail> {
        if self.skip > 0 {
            self.skip -= 1;
            return Ok(false);
        }
        match self.try_measure(path, daemon, wanted, timeout, out) {
            Ok(()) => {
                self.silences = 0;
                Ok(true)
            }
            // A stopped daemon leaves its socket behind; one that starts has a socket before it has counters.
            Err(Fault::Down) => Ok(false),
            Err(Fault::Silent) => {
                // Every question to a daemon that hangs costs a whole timeout, so it is asked less and less.
                self.silences += 1;
                self.skip = (1 << self.silences.min(16)).min(MOST_SKIPPED) - 1;
                Err(Fail::Timeout { what: format!("the admin socket {}", path.display()), after: timeout })
            }
            Err(Fault::Io(source)) => Err(Fail::Read { path: path.to_owned(), source }),
            Err(Fault::Refused(answer)) => {
                Err(Fail::Refused { what: format!("the admin socket {}", path.display()), answer })
            }
            Err(Fault::Garbled { expectation, finding }) => {
                // Perhaps the schema belongs to another daemon than the one that answers now.
                self.schema = None;
                Err(Fail::parse(path, 1, expectation, finding.as_bytes()))
            }
        }
    }

    fn try_measure(
        &mut self,
        path: &Path,
        daemon: &Daemon,
        wanted: Wanted<'_>,
        timeout: Duration,
        out: &mut Out,
    ) -> Result<(), Fault> {
        let file = identity(path).map_err(Fault::from_io)?;
        if file != self.file {
            *self = Known { file, ..Known::default() };
        }
        let schema = match &self.schema {
            Some(schema) => schema,
            None => {
                let answer = ask(path, "perf schema", timeout)?;
                self.schema_age = 0;
                self.schema.insert(Schema::parse(&answer, wanted, Addresses::Numbered).map_err(Fault::garbled)?)
            }
        };
        let dump = ask(path, "perf dump", timeout)?;
        let complete = flatten(&dump, schema, daemon, out).map_err(Fault::garbled)?;
        self.schema_age += 1;
        if !complete && self.schema_age >= SCHEMA_AGE {
            self.schema = None;
        }
        Ok(())
    }
}

/// Puts recorded answers of the daemon whose socket is called `socket` into `out`, as a run would: for replays and
/// benches. Takes counters of every priority and keeps addresses in the names of sections.
///
/// # Errors
/// What is wrong with the name or with one of the answers.
pub fn replay(socket: &str, schema: &[u8], dump: &[u8], out: &mut Out) -> Result<(), Fail> {
    let path = Path::new(socket);
    let garbled =
        |error: serde_json::Error| Fail::parse(path, error.line(), "JSON of counters", error.to_string().as_bytes());
    let daemon = Daemon::of(path);
    let daemon = daemon.ok_or_else(|| Fail::parse(path, 1, "a name CLUSTER-TYPE.ID.asok", socket.as_bytes()))?;
    let wanted = Wanted { min_priority: 0, include: &[] };
    let schema = Schema::parse(schema, wanted, Addresses::Kept).map_err(garbled)?;
    out.scope(Scope::World);
    flatten(dump, &schema, &daemon, out).map_err(garbled)?;
    Ok(())
}

fn identity(path: &Path) -> io::Result<(u64, u64, i64)> {
    let file = fs::metadata(path)?;
    Ok((file.dev(), file.ino(), file.ctime_nsec().wrapping_add(file.ctime().wrapping_mul(1_000_000_000))))
}

#[cfg(test)]
mod tests;
