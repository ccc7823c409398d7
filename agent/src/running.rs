//! An agent that runs: its thread, its delivering tasks, and how they end in order.

use std::fmt;
use std::net::SocketAddr;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use collectors::{Built, Class, Compat, Settings, SettingsFault, Site};
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout_at};
use tracing::info;
use whisper::Interval;

use crate::config::seconds;
use crate::delivery::Delivery;
use crate::expose::Exposure;
use crate::job::{Job, chain};
use crate::keeper::Keeper;
use crate::ledger::{Ledger, Ledgers, Watch};
use crate::naming::Naming;
use crate::own::Own;
use crate::pipeline::Pipeline;
use crate::plugin::{Home, Share};
use crate::runner::{Event, Planned, Runner};
use crate::{AgentConfig, Counts, Problem, Setup, clock, stagger};

/// Events that may wait for the runner.
const MOST_EVENTS: usize = 16;

/// An agent at work. Dropped without [`stop`](Agent::stop) it stops measuring and leaves its buffer undelivered.
#[derive(Debug)]
pub struct Agent {
    config: AgentConfig,
    pipeline: Arc<Pipeline>,
    delivery: Arc<Mutex<Delivery>>,
    ledgers: Ledgers,
    events: SyncSender<Event>,
    exposure: Exposure,
    ended: Option<oneshot::Receiver<()>>,
}

/// What became of the points of an agent that has stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    /// Handed to destinations, counted for each.
    pub sent: u64,
    /// Given up, for want of room, because no spool could keep them at the end, and other causes.
    pub lost: u64,
    /// On disk, for the next start to deliver.
    pub spooled: u64,
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
    /// Another program has the port, or the address is not of this host.
    #[error("[agent] expose: cannot listen on {address}")]
    Expose {
        /// Where it was tried.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The collectors do not take other settings now; only a host without any processor time left does that.
    #[error("the collectors are too busy to be replaced; try again")]
    Busy,
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
    pub fn start(setup: Setup) -> Result<Agent, StartError> {
        let plan = setup.plan()?;
        let (host, destinations) = (plan.host.clone(), setup.all_destinations());
        let routes = setup.build_routes(now()).map_err(|faults| StartError::Settings { faults })?;
        let config = setup.agent;
        let exposure = Exposure::open(config.expose, &plan.naming).map_err(|source| {
            let address = config.expose.unwrap_or_else(|| ([0; 4], 0).into());
            StartError::Expose { address, source }
        })?;
        if let Some(url) = &config.events {
            config.upstream.open(url);
        }
        let (delivery, ledgers) = (Delivery::start(&config, &destinations), Ledgers::default());
        let pipeline = Arc::new(Pipeline::new(delivery.outlets(), routes));
        let delivery = Arc::new(Mutex::new(delivery));
        let mut planned = plan.planned(&config, &ledgers, &pipeline, &exposure);
        ledgers.replace(told(&planned));
        let mut keeper = config.folder.as_deref().map(Keeper::new);
        if let Some(mut remembered) = keeper.as_mut().map(Keeper::load) {
            for Planned { job, interval, .. } in &mut planned {
                remembered.give(job, Duration::from_secs(interval.secs().into()), clock::since_boot());
            }
        }
        let count = planned.len() - 1;
        let (events, inbox) = sync_channel(MOST_EVENTS);
        let runner = Runner::new(planned, Arc::clone(&pipeline), inbox).keeping(keeper);
        let (end, ended) = oneshot::channel();
        let thread = thread::Builder::new().name("collect".to_owned()).spawn(move || {
            runner.run();
            // Nobody may be waiting for the end.
            let _ = end.send(());
        });
        thread.map_err(|source| StartError::Thread { source })?;
        let names: Vec<_> = destinations.keys().map(String::as_str).collect();
        info!(host, collectors = count, destinations = names.join(" "), "The agent measures.");
        if let Some(address) = exposure.address() {
            info!(%address, "The last values can be read.");
        }
        Ok(Agent { config, pipeline, delivery, ledgers, events, exposure, ended: Some(ended) })
    }

    /// What changes the settings of this agent while it runs.
    pub fn steering(&self) -> Steering {
        let (events, ledgers, pipeline) = (self.events.clone(), self.ledgers.clone(), Arc::clone(&self.pipeline));
        let delivery = Arc::clone(&self.delivery);
        Steering { started: self.config.clone(), events, ledgers, pipeline, delivery, exposure: self.exposure.clone() }
    }

    /// Posts changes to the events at `url` from now on, unless the settings name another place.
    pub fn post_events_to(&self, url: &str) {
        self.config.upstream.open(url);
    }

    /// Where `[agent] expose` answers.
    pub fn exposed_at(&self) -> Option<SocketAddr> {
        self.exposure.address()
    }

    /// What went through the agent so far.
    pub fn counts(&self) -> Counts {
        self.pipeline.counts()
    }

    /// Something that looks at this agent from elsewhere.
    pub fn watch(&self) -> Watch {
        Watch { ledgers: self.ledgers.clone(), pipeline: Arc::clone(&self.pipeline) }
    }

    /// Stops measuring, delivers what is buffered within `flush-for`, and says what became of it all.
    pub async fn stop(mut self) -> Account {
        let until = Instant::now() + self.config.flush_for;
        // A full inbox means that the runner is about to look into it; a closed one, that it has ended.
        let _ = self.events.try_send(Event::Stop);
        if let Some(ended) = self.ended.take() {
            let _ = timeout_at(until, ended).await;
        }
        let living = self.config.plugins.living.clone();
        let plugins = spawn_blocking(move || living.end_all());
        self.pipeline.finish();
        let mut delivery = std::mem::take(&mut *locked(&self.delivery));
        let Counts { spooled, sent, lost, .. } = delivery.stop(until).await;
        // Has bounds of its own; a thread that cannot be waited for takes nothing with it.
        let _ = plugins.await;
        Account { sent, lost, spooled }
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.events.try_send(Event::Stop);
    }
}

/// Changes the settings of an agent that runs, from elsewhere.
#[derive(Debug)]
pub struct Steering {
    /// The settings that it was started with.
    started: AgentConfig,
    events: SyncSender<Event>,
    ledgers: Ledgers,
    pipeline: Arc<Pipeline>,
    delivery: Arc<Mutex<Delivery>>,
    exposure: Exposure,
}

impl Steering {
    /// Puts other collectors, routes and destinations, or other settings of them, in place of those that run. What waits
    /// to be delivered stays, and so do the last readings, so that there is no gap. Gives the options of `[agent]` whose
    /// changes need a restart. Has to be called within a tokio runtime.
    ///
    /// # Errors
    /// Every fault of the settings at once; nothing has changed then.
    pub fn reload(&self, mut setup: Setup) -> Result<Vec<String>, StartError> {
        setup.agent.plugins.living = self.started.plugins.living.clone();
        setup.agent.upstream = self.started.upstream.clone();
        let (plan, destinations) = (setup.plan()?, setup.all_destinations());
        let routes = setup.build_routes(now()).map_err(|faults| StartError::Settings { faults })?;
        let config = setup.agent;
        let planned = plan.planned(&config, &self.ledgers, &self.pipeline, &self.exposure);
        let ledgers = told(&planned);
        // Only a runner that stands still lets the inbox fill.
        self.events.try_send(Event::Replace(planned)).map_err(|_| StartError::Busy)?;
        self.ledgers.replace(ledgers);
        let mut delivery = locked(&self.delivery);
        delivery.replace(&config, &destinations);
        self.pipeline.replace(delivery.outlets(), routes);
        let kept = config.at_next_start(&self.started).into_iter();
        Ok(kept.map(|key| format!("[agent] {key}")).collect())
    }
}

fn locked(delivery: &Mutex<Delivery>) -> MutexGuard<'_, Delivery> {
    // What was half changed has at worst a destination too many.
    delivery.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Seconds since the Unix epoch.
fn now() -> u32 {
    clock::wall().as_secs().try_into().unwrap_or(u32::MAX)
}

/// The ledgers of all but the agent's own job, which tells of the others.
fn told(planned: &[Planned]) -> Vec<Arc<Ledger>> {
    let collectors = planned.len().saturating_sub(1);
    planned[..collectors].iter().map(|planned| Arc::clone(&planned.ledger)).collect()
}

/// Settings that have been checked.
pub(crate) struct Plan {
    pub(crate) interval: Interval,
    pub(crate) host: String,
    pub(crate) naming: Arc<Naming>,
    pub(crate) built: Vec<Built>,
}

impl Plan {
    /// The jobs with their times, the agent's own last; they take their ledgers from `ledgers` where there are any.
    pub(crate) fn planned(
        self,
        config: &AgentConfig,
        ledgers: &Ledgers,
        pipeline: &Arc<Pipeline>,
        exposure: &Exposure,
    ) -> Vec<Planned> {
        let Plan { interval, host, naming, built } = self;
        let offset = |what: &str, interval| match config.stagger {
            true => stagger(&host, what, interval),
            false => Duration::ZERO,
        };
        let mut planned: Vec<Planned> = Vec::with_capacity(built.len() + 1);
        for Built { collector, interval: own, compat, settings } in built {
            let spec = collector.spec();
            let interval = own.or(spec.default_interval).and_then(seconds).unwrap_or(interval);
            // Fast collectors of one interval share an offset: one wake-up runs them all.
            let offset = offset(if spec.class == Class::Fast { "" } else { spec.name }, interval);
            let job = Job::new(collector, Arc::clone(&naming)).telling(config.upstream.clone()).settled(settings);
            let job = match compat {
                Compat::Diamond => job.like_diamond(Duration::from_secs(interval.secs().into())),
                Compat::Native => job,
            };
            planned.push(Planned { job, interval, offset, ledger: ledgers.of(spec.name) });
        }
        let own = Job::new(Box::new(Own::new(ledgers.clone(), Arc::clone(pipeline))), naming);
        let ledger = Arc::new(Ledger::new(own.spec().name));
        planned.push(Planned { job: own, interval, offset: offset("", interval), ledger });
        for Planned { job, interval, .. } in &mut planned {
            exposure.watch(job, Duration::from_secs(interval.secs().into()));
        }
        planned
    }

    pub(crate) fn of(config: &AgentConfig, collectors: &Settings) -> Result<Plan, StartError> {
        let mut faults: Vec<String> = config.validate().iter().map(Problem::to_string).collect();
        let host = config.host_name();
        let site =
            Site::below(&config.root).called(&host).with(config.compat).hearing(Arc::new(config.upstream.clone()));
        let mut built = collectors.build(&site).unwrap_or_else(|found| {
            faults.extend(found.iter().map(|fault: &SettingsFault| chain(fault).trim_end().to_owned()));
            Vec::new()
        });
        for built in &built {
            if built.interval.is_some_and(|interval| seconds(interval).is_none()) {
                let name = built.collector.spec().name;
                faults.push(format!("[collectors.{name}] interval: has to be whole seconds, at least \"1s\""));
            }
        }
        faults.extend(config.plugins.problems());
        let Some(interval) = seconds(config.interval).filter(|_| faults.is_empty()) else {
            return Err(StartError::Settings { faults });
        };
        let living = &config.plugins.living;
        let home = Home { host: &host, prefix: &config.prefix, interval, living, share: Share::default() };
        built.extend(config.plugins.build(home).map_err(|faults| StartError::Settings { faults })?);
        let naming = Arc::new(Naming::new(&config.prefix, &host).with_suffix(&config.suffix));
        Ok(Plan { interval, host, naming, built })
    }
}
