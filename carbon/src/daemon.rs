//! The daemon as a whole: started from the store outwards, stopped from the listeners inwards.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;

use carbon_line::Rules;
use carbon_storage::{NameTable, Recent, RuleError, Store};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::error;

use crate::cache::Cache;
use crate::gate::Gate;
use crate::intake::Intake;
use crate::listener::{Address, Listeners, Protocol};
use crate::report;
use crate::writer::{LogLimit, Writing};
use crate::{Config, Stats};

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
#[derive(Debug)]
pub struct Carbon {
    addresses: Vec<(Protocol, Address)>,
    cache: Arc<Cache>,
    stats: Arc<Stats>,
    names: Arc<NameTable>,
    gate: Arc<Gate>,
    tracker: TaskTracker,
    /// Watched by listeners and their connections alone.
    stop: CancellationToken,
    /// Watched by writers: nothing more will arrive.
    ended: CancellationToken,
    writers: Vec<JoinHandle<()>>,
}

impl Carbon {
    /// Starts writers, then listeners. Must be called within a tokio runtime, which then drives the listeners.
    ///
    /// # Errors
    /// When an option makes no sense, an address cannot be had, or no thread can be started; nothing runs then.
    pub async fn start(config: Config, store: Arc<dyn Store>, names: Arc<NameTable>) -> Result<Carbon, Error> {
        let faults = config.validate();
        if !faults.is_empty() {
            return Err(Error::Config(faults));
        }
        let gate = Arc::new(Gate::default());
        judge(Arc::clone(&gate), config.clone(), Arc::clone(&names)).await?;
        // Addresses first: to fail there must leave no thread behind.
        let listeners = Listeners::bind(&config)?;
        let stats = Arc::new(Stats::default());
        let cache = Arc::new(Cache::new(Arc::clone(&names), Arc::clone(&stats), config.max_bytes));
        let mut carbon = Carbon {
            addresses: listeners.addresses(),
            cache,
            stats,
            names,
            gate,
            tracker: TaskTracker::new(),
            stop: CancellationToken::new(),
            ended: CancellationToken::new(),
            writers: Vec::new(),
        };
        carbon.writers = carbon.writing(&config, Arc::clone(&store)).start().map_err(Error::Writers)?;
        carbon.listen(&config, store, listeners)?;
        Ok(carbon)
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

    /// Stops in order: listeners read out what their kernel had accepted, then writers store what waits.
    ///
    /// # Errors
    /// When a writer panicked, or the store refused points for longer than `drain-for`.
    pub async fn stop(mut self) -> Result<(), Error> {
        self.stop.cancel();
        self.tracker.close();
        self.tracker.wait().await;
        self.end_writers();
        let writers = std::mem::take(&mut self.writers);
        let joined =
            tokio::task::spawn_blocking(|| writers.into_iter().map(join).collect::<Result<Vec<()>, _>>()).await;
        joined.unwrap_or_else(|error| Err(Error::WriterPanicked(error.to_string())))?;
        match self.cache.points() {
            0 => Ok(()),
            points => Err(Error::PointsLeft { points }),
        }
    }

    fn end_writers(&self) {
        self.ended.cancel();
        self.cache.bell().ring();
    }

    fn writing(&self, config: &Config, store: Arc<dyn Store>) -> Writing {
        Writing {
            cache: Arc::clone(&self.cache),
            store,
            stats: Arc::clone(&self.stats),
            writers: config.writers,
            max_wait: config.max_wait,
            drain_for: config.drain_for,
            runtime: Handle::current(),
            ended: self.ended.clone(),
            log: LogLimit::default(),
        }
    }

    fn listen(&self, config: &Config, store: Arc<dyn Store>, listeners: Listeners) -> Result<(), Error> {
        let intake = Arc::new(Intake {
            names: Arc::clone(&self.names),
            gate: Arc::clone(&self.gate),
            keeps: store.keeps(),
            cache: Arc::clone(&self.cache),
            stats: Arc::clone(&self.stats),
            rules: Rules {
                min_resolution: u32::try_from(config.min_resolution.as_secs()).unwrap_or(u32::MAX),
                future_limit: u32::try_from(config.future_limit.as_secs()).unwrap_or(u32::MAX),
            },
        });
        listeners.start(config, store, &intake, &self.tracker, &self.stop)?;
        if !config.report_interval.is_zero() {
            let stop = self.stop.clone();
            self.tracker.spawn(report::run(intake, config.report_interval, config.host.clone(), stop));
        }
        Ok(())
    }
}

impl Drop for Carbon {
    /// A daemon that is dropped and not stopped still lets its tasks and threads end, but nobody waits for them.
    fn drop(&mut self) {
        self.stop.cancel();
        if !self.writers.is_empty() {
            error!(points = self.cache.points(), "The daemon was dropped without being stopped.");
        }
        self.end_writers();
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
