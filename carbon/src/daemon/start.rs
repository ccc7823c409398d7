//! The start: addresses, writers, what the journal has kept, then listeners.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use carbon_journal::{Journal, JournalError, Options, Sync};
use carbon_storage::{NameTable, Store};
use tokio::runtime::Handle;
use tracing::{info, warn};

use super::{Carbon, Error, Reading, judge};
use crate::activity::Activity;
use crate::cache::Cache;
use crate::changes::Changes;
use crate::checkpoint::Checkpoint;
use crate::clock::seconds;
use crate::intake::Intake;
use crate::journaling::Journaling;
use crate::limits::{Limits, LiveLimits};
use crate::listener::{Handed, Listeners, Tasks};
use crate::others::Others;
use crate::rate::Bucket;
use crate::report;
use crate::watchdog::{self, Health};
use crate::writer::{LogLimit, Writing};
use crate::{Config, Stats};

/// How often a start that waits for the store says so.
const PATIENCE: Duration = Duration::from_secs(10);

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
            changes: None,
            tasks: Tasks::default(),
            reading: None,
            ending: Arc::default(),
            activity: Arc::new(Activity::of(config.writers)),
            health: Health::new(config.patience),
            drain_for: config.drain_for,
            writers: Vec::new(),
        };
        if let Err(error) = carbon.run(config, journal, store, listeners).await {
            // Nothing has come in, and what the journal held it still holds: the writers may end as they are.
            carbon.end_writers(Instant::now());
            carbon.writers.clear();
            return Err(error);
        }
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
            let (journal, changes) = self.take_over(options, Arc::clone(&store)).await?;
            self.changes = Some(changes);
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
            others: Others::default(),
            stop: Mutex::default(),
        });
        self.read(Reading { config, intake, store }, listeners)
    }

    /// Starts all tasks that end with the stop of listeners.
    pub(super) fn read(&mut self, reading: Reading, listeners: Listeners) -> Result<(), Error> {
        let Tasks { tracker, stop, .. } = &self.tasks;
        let Reading { config, intake, store } = &reading;
        intake.until(stop.clone());
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
    async fn take_over(&self, options: Options, store: Arc<dyn Store>) -> Result<(Arc<Journal>, Changes), Error> {
        let (names, cache) = (Arc::clone(&self.names), Arc::clone(&self.cache));
        let opened = tokio::task::spawn_blocking(move || {
            let folder = options.dir.clone();
            let failed = |source| JournalError::Disk { path: folder.clone(), source };
            let mut changes = Changes::read(&folder).map_err(failed)?;
            let filter = changes.filter(&names);
            let (mut told, mut redone) = (Instant::now(), Ok(()));
            // Interrupted changes are made once the journal is ours, and before points follow them.
            let mut redo = Some(|| store.rearrange().map_or(Ok(()), |archives| changes.redo(archives)));
            let (journal, replayed) = Journal::open(options, Arc::clone(&names), |segment, batch| {
                if let Some(mut redo) = redo.take() {
                    redone = redo();
                }
                while !cache.has_room() {
                    cache.bell().ring();
                    std::thread::sleep(Duration::from_millis(10));
                    if told.elapsed() >= PATIENCE {
                        told = Instant::now();
                        warn!("The journal holds more than memory does; the start waits for the store to take it.");
                    }
                }
                let sifted = filter.sift(segment.number(), batch);
                cache.refill(sifted.as_deref().unwrap_or(batch), segment.number(), seconds());
            })?;
            if let Some(mut redo) = redo.take() {
                redone = redo();
            }
            if replayed.segments == 0 {
                // Numbers of segments begin anew, so no line may be left that speaks of the old ones.
                redone = redone.and_then(|()| changes.clear());
            }
            redone.map_err(failed)?;
            Ok::<_, JournalError>((journal, replayed, changes))
        });
        let (journal, replayed, changes) =
            opened.await.map_err(|_| Error::WriterPanicked("the replay".to_owned()))??;
        info!(?replayed, "The journal is open.");
        Ok((journal, changes))
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
