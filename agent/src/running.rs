//! An agent that runs: its thread, its delivering task, and how both end in order.

use std::fmt;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use collectors::{Built, Class, Settings, SettingsFault, Site};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use whisper::Interval;

use crate::config::seconds;
use crate::job::{Job, chain};
use crate::ledger::{Ledger, Watch};
use crate::naming::Naming;
use crate::own::Own;
use crate::runner::{Event, Planned, Runner};
use crate::sink::Graphite;
use crate::{AgentConfig, Buffer, Counts, Problem, stagger};

/// An agent at work. Dropped without [`stop`](Agent::stop) it stops measuring and leaves its buffer undelivered.
#[derive(Debug)]
pub struct Agent {
    config: AgentConfig,
    buffer: Arc<Buffer>,
    ledgers: Vec<Arc<Ledger>>,
    events: SyncSender<Event>,
    ended: Option<oneshot::Receiver<()>>,
    closing: CancellationToken,
    sink: JoinHandle<()>,
}

/// What became of the points of an agent that has stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    /// Handed to the destination.
    pub sent: u64,
    /// Dropped while it ran, because the buffer was full.
    pub lost: u64,
    /// Still in the buffer when time was up.
    pub undelivered: u64,
}

/// Why an agent cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// Settings of the agent or of collectors; each fault names its key.
    #[error("{}", Lines(faults))]
    Settings {
        /// One line each.
        faults: Vec<String>,
    },
    /// The system gives no thread.
    #[error("cannot start the thread of the collectors")]
    Thread {
        /// What the system said.
        source: std::io::Error,
    },
}

struct Lines<'a>(&'a [String]);

impl fmt::Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl Agent {
    /// Starts measuring and delivering. Has to be called within a tokio runtime.
    ///
    /// # Errors
    /// Every fault of the settings at once, before anything was started.
    pub fn start(config: AgentConfig, collectors: &Settings) -> Result<Agent, StartError> {
        let Plan { interval, host, naming, built } = Plan::of(&config, collectors)?;
        let buffer = Arc::new(Buffer::new(config.buffer_bytes));
        let mut planned: Vec<Planned> = Vec::new();
        for Built { collector, interval: own } in built {
            let spec = collector.spec();
            let interval = own.or(spec.default_interval).and_then(seconds).unwrap_or(interval);
            // Fast collectors of one interval share an offset: one wake-up runs them all.
            let what = if spec.class == Class::Fast { "" } else { spec.name };
            let offset = if config.stagger { stagger(&host, what, interval) } else { Default::default() };
            let (job, ledger) = (Job::new(collector, Arc::clone(&naming)), Arc::new(Ledger::new(spec.name)));
            planned.push(Planned { job, interval, offset, ledger });
        }
        let count = planned.len();
        let ledgers: Vec<_> = planned.iter().map(|planned| Arc::clone(&planned.ledger)).collect();
        let own = Job::new(Box::new(Own::new(&ledgers, Arc::clone(&buffer))), naming);
        let offset = if config.stagger { stagger(&host, "", interval) } else { Default::default() };
        planned.push(Planned { job: own, interval, offset, ledger: Arc::new(Ledger::new("agent")) });

        let (events, inbox) = sync_channel(planned.len() + 1);
        let runner = Runner::new(planned, Arc::clone(&buffer), (events.clone(), inbox));
        let (end, ended) = oneshot::channel();
        let thread = thread::Builder::new().name("collect".to_owned()).spawn(move || {
            runner.run();
            // Nobody may be waiting for the end.
            let _ = end.send(());
        });
        thread.map_err(|source| StartError::Thread { source })?;
        let closing = CancellationToken::new();
        let sink = tokio::spawn(Graphite::new(&config, Arc::clone(&buffer)).run(closing.clone()));
        info!(host, collectors = count, peer = config.destination, "The agent measures.");
        Ok(Agent { config, buffer, ledgers, events, ended: Some(ended), closing, sink })
    }

    /// What went through the agent so far.
    pub fn counts(&self) -> Counts {
        self.buffer.counts()
    }

    /// Something that looks at this agent from elsewhere.
    pub fn watch(&self) -> Watch {
        Watch { ledgers: self.ledgers.clone(), buffer: Arc::clone(&self.buffer) }
    }

    /// Stops measuring, delivers what is buffered within `flush-for`, and says what became of it all.
    pub async fn stop(mut self) -> Account {
        let until = Instant::now() + self.config.flush_for;
        // A full inbox means that the runner is about to look into it; a closed one, that it has ended.
        let _ = self.events.try_send(Event::Stop);
        if let Some(ended) = self.ended.take() {
            let _ = timeout_at(until, ended).await;
        }
        self.closing.cancel();
        if timeout_at(until, &mut self.sink).await.is_err() {
            self.sink.abort();
            // The chunk on its way goes back when the task is dropped.
            let _ = (&mut self.sink).await;
        }
        let Counts { queued, sent, lost, .. } = self.buffer.counts();
        if queued > 0 {
            warn!(points = queued, peer = self.config.destination, "Stopped before all was delivered.");
        }
        Account { sent, lost, undelivered: queued }
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.events.try_send(Event::Stop);
        self.sink.abort();
    }
}

/// Settings that have been checked.
pub(crate) struct Plan {
    pub(crate) interval: Interval,
    pub(crate) host: String,
    pub(crate) naming: Arc<Naming>,
    pub(crate) built: Vec<Built>,
}

impl Plan {
    pub(crate) fn of(config: &AgentConfig, collectors: &Settings) -> Result<Plan, StartError> {
        let mut faults: Vec<String> = config.validate().iter().map(Problem::to_string).collect();
        let built = collectors.build(&Site::below(&config.root)).unwrap_or_else(|found| {
            faults.extend(found.iter().map(|fault: &SettingsFault| chain(fault)));
            Vec::new()
        });
        for built in &built {
            if built.interval.is_some_and(|interval| seconds(interval).is_none()) {
                let name = built.collector.spec().name;
                faults.push(format!("[collectors.{name}] interval: has to be whole seconds, at least \"1s\""));
            }
        }
        let Some(interval) = seconds(config.interval).filter(|_| faults.is_empty()) else {
            return Err(StartError::Settings { faults });
        };
        let host = config.host_name();
        let naming = Arc::new(Naming::new(&config.prefix, &host));
        Ok(Plan { interval, host, naming, built })
    }
}
