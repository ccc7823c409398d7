//! All destinations at work: an outlet and a task for each.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use whisper::Interval;

use crate::config::seconds;
use crate::destination::{DestinationConfig, Destinations, Kind, Protocol};
use crate::outlet::{Cause, Limits, Outlet};
#[cfg(feature = "tls")]
use crate::sink::Tls;
use crate::sink::{Content, Datagrams, Dial, Files, Pauses, Rotated, Stream, Target, Wire};
use crate::spool::Worker;
use crate::{AgentConfig, Counts};

/// How far slots are apart when the configuration says nothing sensible, which it was checked for.
pub(crate) const SLOT: Interval = Interval::from_secs(10).expect("ten is not zero");

/// How long a stop waits for what is brought to disk.
const LAST_WRITES: Duration = Duration::from_secs(3);

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Delivery {
    lines: BTreeMap<String, Line>,
}

/// One destination at work.
#[derive(Debug)]
struct Line {
    config: DestinationConfig,
    manner: Manner,
    outlet: Arc<Outlet>,
    closing: CancellationToken,
    task: JoinHandle<()>,
    spool: Option<Worker>,
}

/// What one destination is told by `[agent]`.
#[derive(Clone, Debug, PartialEq)]
struct Manner {
    limits: Limits,
    retries: (Duration, Duration),
    patience: Duration,
    folder: Option<PathBuf>,
}

impl Delivery {
    /// Starts delivering to all of `destinations`. Has to be called within a tokio runtime.
    pub(crate) fn start(agent: &AgentConfig, destinations: &Destinations) -> Delivery {
        let share = agent.buffer_bytes / destinations.len().max(1);
        let lines = destinations.iter().map(|(name, config)| (name.clone(), Line::start(name, config, agent, share)));
        Delivery { lines: lines.collect() }
    }

    /// Starts destinations that are new, goes on with those that have changed under their new settings, and ends those
    /// that are gone, whose lines go to their spools. What waits for one that stays is kept.
    pub(crate) fn replace(&mut self, agent: &AgentConfig, destinations: &Destinations) {
        let share = agent.buffer_bytes / destinations.len().max(1);
        for (name, config) in destinations {
            match self.lines.get_mut(name) {
                Some(line) => line.change(config, agent, share),
                None => drop(self.lines.insert(name.clone(), Line::start(name, config, agent, share))),
            }
        }
        let gone: Vec<_> = self.lines.keys().filter(|name| !destinations.contains_key(*name)).cloned().collect();
        for mut line in gone.iter().filter_map(|name| self.lines.remove(name)) {
            let until = Instant::now() + agent.flush_for;
            line.closing.cancel();
            tokio::spawn(async move { line.stop(until).await });
        }
    }

    /// Every destination's queue.
    pub(crate) fn outlets(&self) -> Vec<Arc<Outlet>> {
        self.lines.values().map(|line| Arc::clone(&line.outlet)).collect()
    }

    /// Delivers what waits until `until`, and gives what went through in all.
    pub(crate) async fn stop(&mut self, until: Instant) -> Counts {
        self.lines.values().for_each(|line| line.closing.cancel());
        let mut all = Counts::default();
        for line in self.lines.values_mut() {
            all.add(line.stop(until).await);
        }
        all
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        self.lines.values().for_each(|line| line.task.abort());
    }
}

impl Line {
    fn start(name: &str, config: &DestinationConfig, agent: &AgentConfig, share: usize) -> Line {
        let manner = Manner::of(config, agent, share);
        let outlet = Arc::new(Outlet::new(name, manner.limits));
        let closing = CancellationToken::new();
        let task = tokio::spawn(deliver(config.clone(), agent.clone(), Arc::clone(&outlet), closing.clone()));
        let spool = manner.spool(config, &outlet);
        Line { config: config.clone(), manner, outlet, closing, task, spool }
    }

    /// Goes on under other settings: what is being sent goes back to what waits, and all of it to the new task.
    fn change(&mut self, config: &DestinationConfig, agent: &AgentConfig, share: usize) {
        let manner = Manner::of(config, agent, share);
        if (&self.config, &self.manner) == (config, &manner) {
            return;
        }
        self.outlet.limit(manner.limits);
        if self.config == *config && self.manner.is_as_patient_as(&manner) {
            // Another destination came or went, and the shares of memory are others.
            self.manner = manner;
            return;
        }
        let room = (manner.room(&self.config), manner.room(config));
        if room.0 != room.1 || self.manner.folder != manner.folder {
            // A folder has one spool at a time: the new one opens it as soon as the old one has closed it.
            self.spool = manner.spool_after(config, &self.outlet, self.spool.take());
        }
        let same_place = self.config.address == config.address && self.config.connects() && config.connects();
        let (outlet, closing) = (Arc::clone(&self.outlet), self.closing.clone());
        let (settings, agent) = (config.clone(), agent.clone());
        self.task.abort();
        let before = std::mem::replace(&mut self.task, tokio::spawn(async {}));
        self.task = tokio::spawn(async move {
            // The lines on their way go back when the task is dropped.
            let _ = before.await;
            if same_place {
                outlet.broken();
            } else {
                // Another server has not been handed anything, and the old one is not asked any more.
                outlet.confirmed();
            }
            deliver(settings, agent, outlet, closing).await;
        });
        (self.config, self.manner) = (config.clone(), manner);
        info!(destination = self.outlet.name(), "Delivers by its new settings; what waited goes on waiting.");
    }

    async fn stop(&mut self, until: Instant) -> Counts {
        if timeout_at(until, &mut self.task).await.is_err() {
            self.task.abort();
            // The lines on their way go back when the task is dropped.
            let _ = (&mut self.task).await;
        }
        if let Some(spool) = &mut self.spool {
            // A disk that hangs is left behind.
            let _ = timeout(LAST_WRITES, spool.stop()).await;
        }
        let mut queue = self.outlet.queue();
        queue.abandon();
        let counts = queue.counts();
        let (destination, lost) = (self.outlet.name(), queue.lost().points(Cause::Stopped));
        if lost > 0 {
            warn!(destination, points = lost, "Stopped before all was delivered; these points are lost.");
        }
        if counts.spooled > 0 {
            info!(destination, points = counts.spooled, "What was not delivered is on disk, for the next start.");
        }
        counts
    }
}

impl Manner {
    fn of(config: &DestinationConfig, agent: &AgentConfig, share: usize) -> Manner {
        let slot = seconds(agent.interval).unwrap_or(SLOT);
        let bytes = config.buffer_bytes.unwrap_or(share).max(crate::outlet::SMALLEST);
        let resend = if config.connects() { config.resend } else { Duration::ZERO };
        Manner {
            limits: Limits { bytes, resend, slot },
            retries: (agent.retry_first, agent.retry_most),
            patience: agent.patience,
            folder: agent.folder.clone(),
        }
    }

    fn is_as_patient_as(&self, other: &Manner) -> bool {
        let limits = self.limits;
        *self == Manner { limits, ..other.clone() }
    }

    /// Bytes of disk for what waits; none for what keeps nothing there.
    fn room(&self, config: &DestinationConfig) -> u64 {
        if config.connects() && self.folder.is_some() { config.spool.0 } else { 0 }
    }

    fn spool(&self, config: &DestinationConfig, outlet: &Arc<Outlet>) -> Option<Worker> {
        self.spool_after(config, outlet, None)
    }

    /// The spool of `outlet`, which begins when `before` has ended.
    fn spool_after(&self, config: &DestinationConfig, outlet: &Arc<Outlet>, before: Option<Worker>) -> Option<Worker> {
        let Some(folder) = self.folder.as_ref().filter(|_| self.room(config) > 0) else {
            before.into_iter().for_each(Worker::abandon);
            return None;
        };
        let started = Worker::start(outlet, &folder.join("spool").join(outlet.name()), self.room(config), before);
        let told = |error| warn!(destination = outlet.name(), %error, "No spool, the system gives no thread.");
        started.map_err(told).ok()
    }
}

/// Takes from `outlet` and delivers, until `closing` fires and nothing waits.
pub(crate) async fn deliver(
    config: DestinationConfig,
    agent: AgentConfig,
    outlet: Arc<Outlet>,
    closing: CancellationToken,
) {
    let pauses = Pauses::new(agent.retry_first, agent.retry_most);
    let (address, patience) = (config.address.clone().unwrap_or_default(), agent.patience);
    let content = match (config.kind, config.protocol) {
        (Kind::Line, Protocol::Udp) => Content::Lines,
        (Kind::Statsd, _) => Content::Statsd,
        (Kind::Stdout, _) => return Files { target: Target::Stdout, outlet, pauses }.run(closing).await,
        (Kind::File, _) => {
            let path = config.path.clone().unwrap_or_default();
            let target = Target::File(Rotated::new(&path, config.rotate_at.0, config.rotations));
            return Files { target, outlet, pauses }.run(closing).await;
        }
        (kind, _) => {
            let wire = if kind == Kind::Pickle { Wire::Pickle } else { Wire::Lines };
            let pace = Duration::from_secs(1) / config.replay_rate.max(1);
            let dial = Dial::new(&address, patience);
            #[cfg(feature = "tls")]
            let dial = dial.encrypted(config.tls.as_ref().map(|tls| Tls::new(tls, &address)));
            return Stream { dial, wire, outlet, pauses, patience, pace }.run(closing).await;
        }
    };
    Datagrams { address, content, outlet, pauses, patience }.run(closing).await;
}
