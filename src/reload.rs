//! Reads anew what may change while the daemon runs: schemas, aggregation, lists and limits. On SIGHUP all of it, and
//! rule files by themselves when they change, as carbon does. What cannot be used leaves the old rules in force, is
//! logged, and counted in `/metrics`.

mod agent;

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use carbon::Carbon;
use carbon_storage::WhisperTree;
use tokio::time::{Instant, sleep_until};
use tracing::{error, info, warn};

pub(crate) use self::agent::{AgentReload, setup as agent_setup};
use crate::config::Config;
use crate::migration::Migrations;
use crate::signals::{Asked, Signals};

/// How often lists are looked at, and every how many looks schemas and aggregation are: each 10 s and each 60 s.
const LOOK: Duration = Duration::from_secs(10);
const LOOKS_A_MINUTE: u32 = 6;

/// What is in force, and where it came from.
pub(crate) struct Reload<'a> {
    /// Gives the configuration as it is now, with the command line above it.
    read: Box<dyn Fn() -> anyhow::Result<Config> + 'a>,
    config: Config,
    tree: WhisperTree,
    lists: Files,
    rules: Files,
    counts: Arc<Reloads>,
    migrations: Arc<Migrations>,
    agent: Option<AgentReload>,
}

/// How reloading went so far.
#[derive(Debug, Default)]
pub(crate) struct Reloads {
    pub(crate) done: AtomicU64,
    pub(crate) failed: AtomicU64,
    /// Whether the last one failed, so that other rules are in force than the files hold.
    pub(crate) stale: AtomicBool,
}

impl<'a> Reload<'a> {
    /// Watches over `config`, which is in force.
    pub(crate) fn new(config: Config, tree: WhisperTree, read: impl Fn() -> anyhow::Result<Config> + 'a) -> Reload<'a> {
        let (lists, rules) = files(&config);
        let migrations = Arc::new(Migrations::default());
        migrations.begin(config.store.migrations());
        Reload { read: Box::new(read), config, tree, lists, rules, counts: Arc::default(), migrations, agent: None }
    }

    /// Reloads `agent` with the rest, if there is one.
    pub(crate) fn steer(&mut self, agent: Option<AgentReload>) {
        self.agent = agent;
    }

    /// What is in force.
    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    /// The files that the rules are for.
    pub(crate) fn tree(&self) -> &WhisperTree {
        &self.tree
    }

    /// The counters.
    pub(crate) fn counts(&self) -> Arc<Reloads> {
        Arc::clone(&self.counts)
    }

    /// What is done to files that the rules want otherwise.
    pub(crate) fn migrations(&self) -> Arc<Migrations> {
        Arc::clone(&self.migrations)
    }

    /// Reloads as often as it is asked for or due, until a signal asks to stop.
    pub(crate) async fn until_stop(&mut self, signals: &mut Signals, carbon: Option<&Carbon>) {
        let (mut look, mut looks) = (Instant::now() + LOOK, 0);
        loop {
            tokio::select! {
                asked = signals.next() => match asked {
                    Asked::Stop => return,
                    Asked::Reload => self.all(carbon).await,
                },
                () = sleep_until(look) => {
                    (look, looks) = (Instant::now() + LOOK, looks + 1);
                    self.changed(carbon, looks % LOOKS_A_MINUTE == 0).await;
                }
            }
        }
    }

    /// Everything anew, from the configuration down.
    async fn all(&mut self, carbon: Option<&Carbon>) {
        // Reading blocks, but a signal is rare and the files are small; the listeners' other threads go on.
        let outcome = match (self.read)() {
            Ok(config) => self.apply(config, carbon).await,
            Err(error) => Err(error),
        };
        self.account("SIGHUP", outcome);
    }

    /// Only the files that have changed since they were read.
    async fn changed(&mut self, carbon: Option<&Carbon>, rules_too: bool) {
        let lists = carbon.is_some() && self.lists.have_changed();
        let rules = rules_too && self.rules.have_changed();
        if lists || rules {
            let outcome = self.apply(self.config.clone(), carbon).await;
            self.account("a changed file", outcome);
        }
    }

    /// Puts `config` in force, all of it or nothing.
    async fn apply(&mut self, config: Config, carbon: Option<&Carbon>) -> anyhow::Result<()> {
        // Stamps first: what changes while it is read is read once more.
        (self.lists, self.rules) = files(&config);
        let rules = config.store.rules()?;
        if let Some(carbon) = carbon {
            carbon.reload_lists(config.carbon.clone()).await?;
            carbon.reload_limits(&config.carbon);
        }
        self.tree.set_rules(rules);
        self.tree.limit_creates(config.store.creates_per_minute);
        self.migrations.begin(config.store.migrations());
        if let Some(carbon) = carbon {
            // After the rules, which tell how long points gather.
            carbon.reload_limits(&config.carbon);
        }
        let mut kept = at_next_start(&config, &self.config);
        if let Some(agent) = &self.agent {
            agent.apply(&config)?;
            kept.retain(|table| !matches!(*table, "agent" | "collectors"));
        }
        if !kept.is_empty() {
            warn!(options = kept.join(", "), "Changed options of these tables need a restart.");
        }
        self.config = config;
        Ok(())
    }

    fn account(&self, cause: &str, outcome: anyhow::Result<()>) {
        self.counts.stale.store(outcome.is_err(), Relaxed);
        match outcome {
            Ok(()) => {
                self.counts.done.fetch_add(1, Relaxed);
                info!(cause, "Schemas, aggregation, lists, limits and collectors were read anew.");
            }
            Err(error) => {
                self.counts.failed.fetch_add(1, Relaxed);
                let error = format!("{error:#}");
                error!(cause, error, "What was read anew cannot be used; the old rules stay in force.");
            }
        }
    }
}

/// The tables in which `new` differs from `old` in something that is read at the start alone.
fn at_next_start(new: &Config, old: &Config) -> Vec<&'static str> {
    let mut settled = new.clone();
    settled.store.schemas.clone_from(&old.store.schemas);
    settled.store.aggregation.clone_from(&old.store.aggregation);
    settled.store.creates_per_minute = old.store.creates_per_minute;
    settled.store.migrate_per_minute = old.store.migrate_per_minute;
    settled.carbon.allow_list.clone_from(&old.carbon.allow_list);
    settled.carbon.deny_list.clone_from(&old.carbon.deny_list);
    settled.carbon = carbon::Config {
        max_wait: old.carbon.max_wait,
        write_strategy: old.carbon.write_strategy,
        min_timestamp_lag: old.carbon.min_timestamp_lag,
        updates_per_second: old.carbon.updates_per_second,
        future_limit: old.carbon.future_limit,
        min_resolution: old.carbon.min_resolution,
        ..settled.carbon
    };
    settled.carbon.max_wait = old.carbon.max_wait;
    settled.carbon.updates_per_second = old.carbon.updates_per_second;
    settled.carbon.future_limit = old.carbon.future_limit;
    settled.carbon.min_resolution = old.carbon.min_resolution;
    let differs = [
        ("memory", settled.memory != old.memory),
        ("journal", settled.journal != old.journal),
        ("store", settled.store != old.store),
        ("carbon", settled.carbon != old.carbon),
        ("http", settled.http != old.http),
        ("render", settled.render != old.render),
        ("agent", settled.agent != old.agent),
        ("collectors", settled.collectors != old.collectors),
    ];
    differs.into_iter().filter(|(_, differs)| *differs).map(|(table, _)| table).collect()
}

/// The lists, and the rule files of the store.
fn files(config: &Config) -> (Files, Files) {
    let lists = [&config.carbon.allow_list, &config.carbon.deny_list];
    let rules = [&config.store.schemas, &config.store.aggregation];
    (Files::new(&lists), Files::new(&rules))
}

/// Files, and how they looked when they were read.
struct Files(Vec<(PathBuf, Stamp)>);

/// Modification time to the nanosecond, length and number of the file: an editor that puts a new file in place keeps
/// neither, one that writes into the old one changes the time.
type Stamp = Option<(i64, i64, u64, u64)>;

impl Files {
    fn new(paths: &[&Option<PathBuf>]) -> Files {
        Files(paths.iter().filter_map(|path| path.as_ref()).map(|path| (path.clone(), stamp(path))).collect())
    }

    /// A file that is not there has changed only when it comes back: an editor is between two steps.
    fn have_changed(&self) -> bool {
        self.0.iter().any(|(path, before)| stamp(path).is_some_and(|now| Some(now) != *before))
    }
}

fn stamp(path: &Path) -> Stamp {
    let found = fs::metadata(path).ok()?;
    Some((found.mtime(), found.mtime_nsec(), found.len(), found.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_file_is_seen_and_a_missing_one_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rules");
        fs::write(&path, "a").unwrap();
        let files = Files::new(&[&Some(path.clone()), &None]);
        assert!(!files.have_changed());
        fs::remove_file(&path).unwrap();
        assert!(!files.have_changed());
        fs::write(&path, "another").unwrap();
        assert!(files.have_changed());
    }

    #[test]
    fn what_cannot_change_while_running_is_named() {
        let old = Config::default();
        let mut new = old.clone();
        new.store.schemas = Some("s".into());
        new.carbon.deny_list = Some("d".into());
        (new.store.creates_per_minute, new.store.migrate_per_minute) = (5, 6);
        assert_eq!(at_next_start(&new, &old), Vec::<&str>::new());
        new.carbon.writers += 1;
        new.http.connections += 1;
        assert_eq!(at_next_start(&new, &old), ["carbon", "http"]);
    }
}
