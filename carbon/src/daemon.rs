//! The daemon as a whole: started from the store outwards, stopped from the listeners inwards.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;

use carbon_line::Rules;
use carbon_storage::{NameTable, Recent, RuleError, Store};
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{error, info};

use crate::cache::Cache;
use crate::carbonlink::CarbonLink;
use crate::gate::Gate;
use crate::intake::Intake;
use crate::listener::accept::Accept;
use crate::listener::tcp::Plaintext;
use crate::report;
use crate::writer::{LogLimit, Writing};
use crate::{Config, Stats};

/// Cache query connections held at once; a renderer needs a handful.
const MOST_QUERIERS: usize = 256;

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
    #[error("cannot listen on {address}; stop whatever holds it (`ss -ltnp` shows it) or change carbon.{key}")]
    Listen {
        /// The address that was asked for.
        address: SocketAddr,
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
    plaintext: Vec<SocketAddr>,
    carbonlink: Vec<SocketAddr>,
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
        let plaintext = bind(&config.plaintext, "plaintext").await?;
        let carbonlink = bind(&config.carbonlink, "carbonlink").await?;
        let stats = Arc::new(Stats::default());
        let cache = Arc::new(Cache::new(Arc::clone(&names), Arc::clone(&stats), config.max_bytes));
        let mut carbon = Carbon {
            plaintext: plaintext.iter().map(|(address, _)| *address).collect(),
            carbonlink: carbonlink.iter().map(|(address, _)| *address).collect(),
            cache,
            stats,
            names,
            gate,
            tracker: TaskTracker::new(),
            stop: CancellationToken::new(),
            ended: CancellationToken::new(),
            writers: Vec::new(),
        };
        carbon.writers = carbon.writing(&config, store).start().map_err(Error::Writers)?;
        carbon.listen(&config, plaintext, carbonlink);
        Ok(carbon)
    }

    /// The first address that takes plaintext, with the port that was really bound.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.plaintext.first().copied()
    }

    /// The addresses that take plaintext.
    pub fn plaintext_addrs(&self) -> &[SocketAddr] {
        &self.plaintext
    }

    /// The addresses that answer cache queries.
    pub fn carbonlink_addrs(&self) -> &[SocketAddr] {
        &self.carbonlink
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

    fn listen(&self, config: &Config, plaintext: Vec<Bound>, carbonlink: Vec<Bound>) {
        let intake = Arc::new(Intake {
            names: Arc::clone(&self.names),
            gate: Arc::clone(&self.gate),
            cache: Arc::clone(&self.cache),
            stats: Arc::clone(&self.stats),
            rules: Rules {
                min_resolution: u32::try_from(config.min_resolution.as_secs()).unwrap_or(u32::MAX),
                future_limit: u32::try_from(config.future_limit.as_secs()).unwrap_or(u32::MAX),
            },
        });
        let protocol = Arc::new(Plaintext {
            intake: Arc::clone(&intake),
            max_line: config.max_line,
            idle_timeout: config.idle_timeout,
            stop: self.stop.clone(),
        });
        let accept = self.accept(config.max_connections);
        for (address, listener) in plaintext {
            info!(%address, "Taking Graphite plaintext.");
            let protocol = Arc::clone(&protocol);
            let serve = move |stream, peer| Arc::clone(&protocol).serve(stream, peer);
            self.tracker.spawn(accept.clone().run(listener, serve));
        }
        let link = Arc::new(CarbonLink {
            cache: Arc::clone(&self.cache),
            stats: Arc::clone(&self.stats),
            idle_timeout: config.idle_timeout,
            stop: self.stop.clone(),
        });
        let accept = self.accept(MOST_QUERIERS);
        for (address, listener) in carbonlink {
            info!(%address, "Answering cache queries.");
            let link = Arc::clone(&link);
            self.tracker.spawn(accept.clone().run(listener, move |stream, _| Arc::clone(&link).serve(stream)));
        }
        if !config.report_interval.is_zero() {
            let stop = self.stop.clone();
            self.tracker.spawn(report::run(intake, config.report_interval, config.host.clone(), stop));
        }
    }

    fn accept(&self, most: usize) -> Accept {
        let permits = Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS)));
        Accept { permits, tracker: self.tracker.clone(), stop: self.stop.clone() }
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

type Bound = (SocketAddr, TcpListener);

async fn bind(addresses: &[SocketAddr], key: &'static str) -> Result<Vec<Bound>, Error> {
    let mut bound = Vec::new();
    for address in addresses {
        let failed = |source| Error::Listen { address: *address, key, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        bound.push((listener.local_addr().map_err(failed)?, listener));
    }
    Ok(bound)
}

fn join(writer: JoinHandle<()>) -> Result<(), Error> {
    let name = writer.thread().name().unwrap_or("a writer").to_owned();
    writer.join().map_err(|_| Error::WriterPanicked(name))
}
