//! The daemon as a whole: started from the store outwards, stopped from the listeners inwards.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use carbon_journal::{Journal, JournalError, Options, Sync};
use carbon_storage::{Flush, Flushed, NameTable, Recent, RuleError, Store};
use tokio::runtime::Handle;
use tracing::{error, info};

use crate::activity::Activity;
use crate::cache::Cache;
use crate::checkpoint::Checkpoint;
use crate::clock::seconds;
use crate::flush::Flusher;
use crate::gate::Gate;
use crate::intake::Intake;
use crate::journaling::Journaling;
use crate::limits::{Limits, LiveLimits};
use crate::listener::{Address, Handed, Listeners, Protocol, Tasks};
use crate::rate::Bucket;
use crate::report;
use crate::watchdog::{self, Health, Seen};
use crate::writer::{Ending, LogLimit, Writing};
use crate::{Config, Stats};

/// What writers get at least on a stop, however late it is.
const LEAST_DRAIN: Duration = Duration::from_millis(500);

/// Why the daemon could not start, or could not stop cleanly.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Options that make no sense, all of them.
    #[error("the configuration cannot be used: {}", .0.join("; "))]
    Config(Vec<String>),
    /// The allow or the deny list cannot be used.
    #[error(transparent)]
    Lists(#[from] RuleError),
    /// A listener's address cannot be had; mostly another daemon holds it.
    #[error("cannot listen on {address}; stop whatever holds it (`ss -lnp` shows it) or change carbon.{key}")]
    Listen {
        /// The address that was asked for.
        address: Address,
        /// The option that asked for it.
        key: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The journal cannot be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// No thread could be started.
    #[error("cannot start the writer threads")]
    Writers(#[source] io::Error),
    /// A writer thread ended by a panic, which is a bug.
    #[error("{0} ended by a panic")]
    WriterPanicked(String),
    /// The store refused points until `drain-for` was over.
    #[error(
        "{points} points could not be stored and are lost; see the refusals logged above, or raise carbon.drain-for"
    )]
    PointsLeft {
        /// How many.
        points: usize,
    },
}

/// A running daemon.
pub struct Carbon {
    addresses: Vec<(Protocol, Address)>,
    cache: Arc<Cache>,
    stats: Arc<Stats>,
    names: Arc<NameTable>,
    gate: Arc<Gate>,
    limits: Arc<LiveLimits>,
    checkpoint: Option<Arc<Checkpoint>>,
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
    /// Starts writers, takes over what the journal has kept, then starts listeners. Addresses are bound before that, so
    /// that whoever connects meanwhile waits and is not refused. Must be called within a tokio runtime, which then drives
    /// the listeners.
    ///
    /// `names` is empty when there is a journal, which fills it.
    ///
    /// # Errors
    /// When an option makes no sense, an address cannot be had, the journal cannot be used, or no thread can be started;
    /// nothing runs then.
    pub async fn start(
        config: Config,
        journal: Option<Journaling>,
        store: Arc<dyn Store>,
        names: Arc<NameTable>,
    ) -> Result<Carbon, Error> {
        Carbon::start_with(config, journal, store, names, Handed::default()).await
    }

    /// As [`Carbon::start`], with sockets that are open already: those at an address that `config` asks for are used
    /// instead of new ones, and connections go on where they are.
    ///
    /// # Errors
    /// As [`Carbon::start`].
    pub async fn start_with(
        config: Config,
        journal: Option<Journaling>,
        store: Arc<dyn Store>,
        names: Arc<NameTable>,
        handed: Handed,
    ) -> Result<Carbon, Error> {
        let faults = config.validate();
        if !faults.is_empty() {
            return Err(Error::Config(faults));
        }
        // Addresses first: to fail there must leave no thread behind.
        let listeners = Listeners::bind(&config, handed)?;
        let stats = Arc::new(Stats::default());
        let mut carbon = Carbon {
            addresses: listeners.addresses(),
            cache: Arc::new(Cache::new(Arc::clone(&names), Arc::clone(&stats), config.max_bytes)),
            stats,
            names,
            gate: Arc::default(),
            limits: Arc::new(LiveLimits::new(Limits::of(&config))),
            checkpoint: None,
            tasks: Tasks::default(),
            reading: None,
            ending: Arc::default(),
            activity: Arc::new(Activity::of(config.writers)),
            health: Health::new(config.patience),
            drain_for: config.drain_for,
            writers: Vec::new(),
        };
        carbon.run(config, journal, store, listeners).await?;
        Ok(carbon)
    }

    async fn run(
        &mut self,
        config: Config,
        journal: Option<Journaling>,
        store: Arc<dyn Store>,
        listeners: Listeners,
    ) -> Result<(), Error> {
        let opened = Arc::default();
        let journal_bytes = journal.as_ref().map_or(u64::MAX, |journal| journal.options.most_bytes);
        let sync_always = journal.as_ref().is_some_and(|journal| journal.options.sync == Sync::Always);
        let writing = self.writing(config.writers, Arc::clone(&store), Arc::clone(&opened), journal_bytes);
        self.writers = writing.start().map_err(Error::Writers)?;
        let mut open = None;
        if let Some(Journaling { options, checkpoint }) = journal {
            let journal = self.take_over(options).await?;
            let _ = opened.set(Arc::clone(&journal));
            let cache = Arc::clone(&self.cache);
            self.checkpoint =
                Some(Arc::new(Checkpoint::new(Arc::clone(&journal), cache, Arc::clone(&store), checkpoint)));
            open = Some(journal);
        }
        judge(Arc::clone(&self.gate), config.clone(), Arc::clone(&self.names)).await?;
        let intake = Arc::new(Intake {
            names: Arc::clone(&self.names),
            gate: Arc::clone(&self.gate),
            keeps: store.keeps(),
            cache: Arc::clone(&self.cache),
            stats: Arc::clone(&self.stats),
            limits: Arc::clone(&self.limits),
            journal: open,
            sync_always,
            stall_for: config.stall_for,
            stalled: AtomicBool::new(false),
        });
        self.read(Reading { config, intake, store }, listeners)
    }

    /// Starts all tasks that end with the stop of listeners.
    fn read(&mut self, reading: Reading, listeners: Listeners) -> Result<(), Error> {
        let Tasks { tracker, stop, .. } = &self.tasks;
        let Reading { config, intake, store } = &reading;
        listeners.start(config, Arc::clone(store), intake, &self.tasks)?;
        if !config.report_interval.is_zero() {
            let (intake, host) = (Arc::clone(intake), config.host.clone());
            tracker.spawn(report::run(intake, config.report_interval, host, stop.clone()));
        }
        if let Some(checkpoint) = &self.checkpoint {
            tracker.spawn(Arc::clone(checkpoint).run(stop.clone()));
        }
        tracker.spawn(watchdog::watch(self.health.clone(), self.look(), stop.clone()));
        self.reading = Some(reading);
        Ok(())
    }

    /// Opens the journal and files what an earlier run had accepted and not stored. Where that is more than the cache
    /// holds, it is filed as fast as the writers make room.
    async fn take_over(&self, options: Options) -> Result<Arc<Journal>, Error> {
        let (names, cache) = (Arc::clone(&self.names), Arc::clone(&self.cache));
        let opened = tokio::task::spawn_blocking(move || {
            Journal::open(options, names, |segment, batch| {
                while !cache.has_room() {
                    cache.bell().ring();
                    std::thread::sleep(Duration::from_millis(10));
                }
                cache.refill(batch, segment.number(), seconds());
            })
        });
        let (journal, replayed) = opened.await.map_err(|_| Error::WriterPanicked("the replay".to_owned()))??;
        info!(?replayed, "The journal is open.");
        Ok(journal)
    }

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
        let done = self.flusher().flush(None, patience).await;
        if let Some(checkpoint) = self.checkpoint.as_ref().filter(|_| done.left == 0) {
            checkpoint.empty(until).await;
        }
        done
    }

    /// The figures of the journal, if there is one.
    pub fn journal(&self) -> Option<Arc<Journal>> {
        self.checkpoint.as_ref().map(|checkpoint| checkpoint.journal())
    }

    /// Stops to read and to accept, and gives the sockets for a successor; what was read is in journal and cache. To be
    /// followed by [`Carbon::stop`], or by [`Carbon::resume`] when there is no successor after all.
    pub async fn hand_over(&mut self) -> Handed {
        self.tasks.desk.open();
        self.tasks.end().await;
        if self.checkpoint.is_some() {
            // A successor waits; it stores from the journal what we have not.
            self.drain_for = Duration::ZERO;
        }
        self.tasks.desk.close()
    }

    /// Goes on with what [`Carbon::hand_over`] gave.
    ///
    /// # Errors
    /// When a socket cannot be watched any more.
    pub fn resume(&mut self, handed: Handed) -> Result<(), Error> {
        self.tasks = Tasks::default();
        let Some(reading) = self.reading.take() else { return Ok(()) };
        self.drain_for = reading.config.drain_for;
        let listeners = Listeners::bind(&reading.config, handed)?;
        self.read(reading, listeners)
    }

    /// Stops in order: listeners read out what their kernel had accepted, the journal makes it safe, then writers store
    /// what waits, for `drain-for` from now. What is left then is stored by the next start.
    ///
    /// # Errors
    /// When a writer panicked, the journal could not make its points safe, or there is none and the store refused points
    /// for longer than `drain-for`.
    pub async fn stop(mut self) -> Result<(), Error> {
        let until = Instant::now() + self.drain_for;
        self.tasks.end().await;
        let checkpoint = self.checkpoint.take();
        let safe = match &checkpoint {
            Some(checkpoint) => checkpoint.sync_journal().await,
            None => Ok(()),
        };
        // However long that took, there is a moment for the points that came last.
        self.end_writers(until.max(Instant::now() + LEAST_DRAIN));
        let writers = std::mem::take(&mut self.writers);
        let joined =
            tokio::task::spawn_blocking(|| writers.into_iter().map(join).collect::<Result<Vec<()>, _>>()).await;
        joined.unwrap_or_else(|error| Err(Error::WriterPanicked(error.to_string())))?;
        let points = self.cache.points();
        match checkpoint {
            Some(checkpoint) => {
                info!(points, "What is not in its archive is in the journal, for the next start.");
                checkpoint.finish(until).await?;
                Ok(safe?)
            }
            None if points == 0 => Ok(()),
            None => Err(Error::PointsLeft { points }),
        }
    }

    fn end_writers(&self, until: Instant) {
        let _ = self.ending.until.set(until);
        self.ending.ended.cancel();
        self.cache.bell().ring();
    }

    fn writing(
        &self,
        writers: usize,
        store: Arc<dyn Store>,
        journal: Arc<OnceLock<Arc<Journal>>>,
        journal_bytes: u64,
    ) -> Writing {
        Writing {
            cache: Arc::clone(&self.cache),
            store,
            journal,
            journal_bytes,
            stats: Arc::clone(&self.stats),
            limits: Arc::clone(&self.limits),
            updates: Mutex::new(Bucket::full(Instant::now())),
            writers,
            runtime: Handle::current(),
            ending: Arc::clone(&self.ending),
            activity: Arc::clone(&self.activity),
            log: LogLimit::default(),
        }
    }
}

impl fmt::Debug for Carbon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Carbon").field("addresses", &self.addresses).field("stats", &self.stats).finish_non_exhaustive()
    }
}

impl Drop for Carbon {
    /// A daemon that is dropped and not stopped still lets its tasks and threads end, but nobody waits for them.
    fn drop(&mut self) {
        self.tasks.stop.cancel();
        if !self.writers.is_empty() {
            error!(points = self.cache.points(), "The daemon was dropped without being stopped.");
        }
        self.end_writers(Instant::now() + self.drain_for);
    }
}

/// Reads the lists and judges every known name by them, on a thread that may block.
async fn judge(gate: Arc<Gate>, config: Config, names: Arc<NameTable>) -> Result<(), Error> {
    let judged = tokio::task::spawn_blocking(move || config.lists().map(|lists| gate.replace(lists, &names)));
    Ok(judged.await.map_err(|_| Error::WriterPanicked("the thread that reads the lists".to_owned()))??)
}

fn join(writer: JoinHandle<()>) -> Result<(), Error> {
    let name = writer.thread().name().unwrap_or("a writer").to_owned();
    writer.join().map_err(|_| Error::WriterPanicked(name))
}
