//! All destinations at work: an outlet and a task for each.

use std::collections::BTreeMap;
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
    outlet: Arc<Outlet>,
    closing: CancellationToken,
    task: JoinHandle<()>,
    spool: Option<Worker>,
}

impl Delivery {
    /// Starts delivering to all of `destinations`. Has to be called within a tokio runtime.
    pub(crate) fn start(agent: &AgentConfig, destinations: &Destinations) -> Delivery {
        let share = agent.buffer_bytes / destinations.len().max(1);
        let lines = destinations.iter().map(|(name, config)| (name.clone(), Line::start(name, config, agent, share)));
        Delivery { lines: lines.collect() }
    }

    /// Starts destinations that are new, and ends those that are gone, whose lines go to their spools. Gives those that
    /// have changed, which takes a restart.
    pub(crate) fn replace(&mut self, agent: &AgentConfig, destinations: &Destinations) -> Vec<String> {
        let share = agent.buffer_bytes / destinations.len().max(1);
        let mut changed = Vec::new();
        for (name, config) in destinations {
            match self.lines.get(name) {
                Some(line) if line.config != *config => changed.push(format!("[destination.{name}]")),
                Some(_) => {}
                None => {
                    self.lines.insert(name.clone(), Line::start(name, config, agent, share));
                }
            }
        }
        let gone: Vec<_> = self.lines.keys().filter(|name| !destinations.contains_key(*name)).cloned().collect();
        for mut line in gone.iter().filter_map(|name| self.lines.remove(name)) {
            let until = Instant::now() + agent.flush_for;
            line.closing.cancel();
            tokio::spawn(async move { line.stop(until).await });
        }
        changed
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
        let slot = seconds(agent.interval).unwrap_or(SLOT);
        let bytes = config.buffer_bytes.unwrap_or(share).max(crate::outlet::SMALLEST);
        let resend = if config.connects() { config.resend } else { Duration::ZERO };
        let outlet = Arc::new(Outlet::new(name, Limits { bytes, resend, slot }));
        let closing = CancellationToken::new();
        let task = deliver(config, agent, &outlet, closing.clone());
        let folder = agent.folder.as_ref().filter(|_| config.connects() && config.spool.0 > 0);
        let spool = folder.and_then(|folder| {
            let started = Worker::start(&outlet, &folder.join("spool").join(name), config.spool.0);
            let told = |error| warn!(destination = name, %error, "No spool, the system gives no thread.");
            started.map_err(told).ok()
        });
        Line { config: config.clone(), outlet, closing, task, spool }
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

/// Starts the task that takes from `outlet` what it delivers.
pub(crate) fn deliver(
    config: &DestinationConfig,
    agent: &AgentConfig,
    outlet: &Arc<Outlet>,
    closing: CancellationToken,
) -> JoinHandle<()> {
    let (outlet, pauses) = (Arc::clone(outlet), Pauses::new(agent.retry_first, agent.retry_most));
    let (address, patience) = (config.address.clone().unwrap_or_default(), agent.patience);
    let content = match (config.kind, config.protocol) {
        (Kind::Line, Protocol::Udp) => Content::Lines,
        (Kind::Statsd, _) => Content::Statsd,
        (Kind::Stdout, _) => return tokio::spawn(Files { target: Target::Stdout, outlet, pauses }.run(closing)),
        (Kind::File, _) => {
            let path = config.path.clone().unwrap_or_default();
            let target = Target::File(Rotated::new(&path, config.rotate_at.0, config.rotations));
            return tokio::spawn(Files { target, outlet, pauses }.run(closing));
        }
        (kind, _) => {
            let wire = if kind == Kind::Pickle { Wire::Pickle } else { Wire::Lines };
            let pace = Duration::from_secs(1) / config.replay_rate.max(1);
            let dial = Dial::new(&address, patience);
            #[cfg(feature = "tls")]
            let dial = dial.encrypted(config.tls.as_ref().map(|tls| Tls::new(tls, &address)));
            return tokio::spawn(Stream { dial, wire, outlet, pauses, patience, pace }.run(closing));
        }
    };
    tokio::spawn(Datagrams { address, content, outlet, pauses, patience }.run(closing))
}
