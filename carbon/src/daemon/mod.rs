//! The daemon as a whole: started from the store outwards, stopped from the listeners inwards.

use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use carbon_journal::Journal;
use carbon_storage::{Flush, Flushed, NameTable, Recent, Store, Waiting};

use crate::activity::Activity;
use crate::cache::Cache;
use crate::changes::Changes;
use crate::checkpoint::Checkpoint;
use crate::clock::seconds;
use crate::flush::Flusher;
use crate::gate::Gate;
use crate::housekeeping::{House, Housekeeper, Indexes};
use crate::intake::Intake;
use crate::limits::{Limits, LiveLimits};
use crate::listener::{Address, Protocol, Tasks};
use crate::watchdog::{Health, Seen};
use crate::writer::Ending;
use crate::{Config, Stats};

mod error;
mod start;
mod stop;

pub use error::Error;

/// A running daemon.
pub struct Carbon {
    addresses: Vec<(Protocol, Address)>,
    cache: Arc<Cache>,
    stats: Arc<Stats>,
    names: Arc<NameTable>,
    gate: Arc<Gate>,
    limits: Arc<LiveLimits>,
    checkpoint: Option<Arc<Checkpoint>>,
    /// What was deleted and renamed, until a housekeeper takes it.
    changes: Option<Changes>,
    /// Listeners and their connections; nothing else watches their stop.
    tasks: Tasks,
    /// What they are made of, once they run.
    reading: Option<Reading>,
    /// Watched by writers: nothing more will arrive.
    ending: Arc<Ending>,
    activity: Arc<Activity>,
    health: Health,
    drain_for: Duration,
    writers: Vec<JoinHandle<()>>,
}

/// What listeners are made of.
struct Reading {
    config: Config,
    intake: Arc<Intake>,
    store: Arc<dyn Store>,
}

impl Carbon {
    /// The first address that takes plaintext, with the port that was really bound.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.addresses(Protocol::Plaintext).next()
    }

    /// The TCP and UDP addresses at which a protocol is spoken, with the ports that were really bound.
    pub fn addresses(&self, protocol: Protocol) -> impl Iterator<Item = SocketAddr> {
        self.listening().iter().filter_map(move |(spoken, address)| match address {
            Address::Ip(address) if *spoken == protocol => Some(*address),
            _ => None,
        })
    }

    /// Everything that is listened on.
    pub fn listening(&self) -> &[(Protocol, Address)] {
        &self.addresses
    }

    /// The points that wait, for queries in this process.
    pub fn recent(&self) -> Arc<dyn Recent> {
        Arc::clone(&self.cache) as Arc<dyn Recent>
    }

    /// Which series hold points, for an index of names in this process.
    pub fn waiting(&self) -> Arc<dyn Waiting> {
        Arc::clone(&self.cache) as Arc<dyn Waiting>
    }

    /// The cache, to see how full it is.
    pub fn cache(&self) -> Arc<Cache> {
        Arc::clone(&self.cache)
    }

    /// The counters.
    pub fn stats(&self) -> Arc<Stats> {
        Arc::clone(&self.stats)
    }

    /// Reads the lists that `config` names and puts them in force; points of names that they keep out are refused from
    /// here on. What waits already is written.
    ///
    /// # Errors
    /// When a list cannot be used; those in force stay.
    pub async fn reload_lists(&self, config: Config) -> Result<(), Error> {
        judge(Arc::clone(&self.gate), config, Arc::clone(&self.names)).await
    }

    /// Puts the limits of `config` in force: how long points wait, how many series are written a second, which times
    /// come in.
    pub fn reload_limits(&self, config: &Config) {
        self.limits.set(Limits::of(config));
        self.cache.forget_waits();
    }

    /// Writes on request what waits.
    pub fn flusher(&self) -> Flusher {
        Flusher { cache: Arc::clone(&self.cache) }
    }

    /// Deletes and renames series on request; to be called once, within a runtime. Nothing where the store cannot do that.
    pub fn housekeeper(&mut self, indexes: Indexes) -> Option<Housekeeper> {
        let store = Arc::clone(&self.reading.as_ref()?.store);
        store.rearrange()?;
        Some(Housekeeper::new(House {
            cache: Arc::clone(&self.cache),
            names: Arc::clone(&self.names),
            store,
            journal: self.journal(),
            checkpoint: self.checkpoint.clone(),
            changes: self.changes.take().map(Mutex::new),
            indexes,
            turn: tokio::sync::Mutex::default(),
        }))
    }

    /// Whether the daemon does its work, judged once a second.
    pub fn health(&self) -> Health {
        self.health.clone()
    }

    /// What the watchdog looks at.
    fn look(&self) -> impl Fn() -> Seen + Send + 'static {
        let (activity, stats) = (Arc::clone(&self.activity), Arc::clone(&self.stats));
        let checkpoint = self.checkpoint.clone();
        move || {
            let held = checkpoint.as_ref().map(|checkpoint| checkpoint.journal().snapshot());
            Seen {
                due: activity.any_due(),
                written: stats.stored.load(Relaxed) + stats.dropped.load(Relaxed),
                journal_ready: held.is_none_or(|held| held.wait.is_none()),
                store_full: activity.is_full(seconds()),
                journal_full: held.is_some_and(|held| held.is_full()),
                sync_failed: checkpoint.as_ref().is_some_and(|checkpoint| checkpoint.has_failed()),
            }
        }
    }

    /// Writes all that waits and has the journal forget it, within `patience`: for a start without listeners, after which
    /// the archives alone hold everything.
    pub async fn empty(&self, patience: Duration) -> Flushed {
        let until = Instant::now() + patience;
        self.lift_limits();
        let done = self.flusher().flush(None, patience).await;
        if let Some(checkpoint) = self.checkpoint.as_ref().filter(|_| done.left == 0) {
            checkpoint.empty(until).await;
        }
        done
    }

    /// For when nobody else has what waits, or somebody waits for all of it.
    fn lift_limits(&self) {
        if let Some(reading) = &self.reading {
            reading.store.lift_limits();
        }
    }

    /// Reports what `numbers` gives, names without the prefix, with the daemon's own numbers each time.
    pub fn also_report(&self, numbers: impl FnMut() -> Vec<(String, f64)> + Send + 'static) {
        if let Some(reading) = &self.reading {
            reading.intake.others.add(Box::new(numbers));
        }
    }

    /// The figures of the journal, if there is one.
    pub fn journal(&self) -> Option<Arc<Journal>> {
        self.checkpoint.as_ref().map(|checkpoint| checkpoint.journal())
    }
}

impl fmt::Debug for Carbon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Carbon").field("addresses", &self.addresses).field("stats", &self.stats).finish_non_exhaustive()
    }
}

/// Reads the lists and judges every known name by them, on a thread that may block.
async fn judge(gate: Arc<Gate>, config: Config, names: Arc<NameTable>) -> Result<(), Error> {
    let judged = tokio::task::spawn_blocking(move || config.lists().map(|lists| gate.replace(lists, &names)));
    Ok(judged.await.map_err(|_| Error::WriterPanicked("the thread that reads the lists".to_owned()))??)
}
