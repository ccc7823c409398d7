//! Measures outside of the schedule, for people who want to know what would be sent.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::{Duration, Instant};

use collectors::{Class, Slot, Unit, Value};
use whisper::{Interval, Timestamp};

use crate::Setup;
use crate::clock::{since_boot, wall};
use crate::expose::Exposure;
use crate::ledger::Ledgers;
use crate::pipeline::Pipeline;
use crate::pool::Pool;
use crate::runner::Planned;
use crate::running::StartError;

/// What a look at all collectors gave.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Looked {
    /// The collectors that were asked.
    pub collectors: Vec<&'static str>,
    /// Every name that they have, in the order of the collectors.
    pub seen: Vec<Seen>,
    /// Collectors that failed or did not answer, each with the reason.
    pub faults: Vec<(&'static str, String)>,
}

/// A name and what would be sent under it. Shown, it is a line of Graphite's plaintext form.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// Whose name it is.
    pub collector: &'static str,
    /// How often it is measured.
    pub interval: Interval,
    /// The whole metric name.
    pub name: String,
    /// The value as it is printed; `None` when there is none now, such as a mean over nothing.
    pub value: Option<String>,
    /// The slot, or what the source says.
    pub time: Timestamp,
    /// What the value counts.
    pub unit: Unit,
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.name, self.value.as_deref().unwrap_or("-"), self.time)
    }
}

/// Everything that the collectors named in `only` (all that are enabled, when it is empty) would send.
///
/// Measures twice, `gap` apart, because a rate needs two readings. Blocks the thread for that long and for as long as
/// the collectors take, each at most a second beyond its deadline. A name in `only` that is no collector that runs gives
/// nothing.
///
/// # Errors
/// Faults of the settings.
pub fn once(setup: &Setup, only: &[&str], gap: Duration) -> Result<Looked, StartError> {
    let jobs = planned(setup, only)?;
    let mut looked =
        Looked { collectors: jobs.iter().map(|planned| planned.job.spec().name).collect(), ..Looked::default() };
    let mut hang = Vec::new();
    let first = round(jobs, &mut hang);
    thread::sleep(gap);
    let jobs: Vec<Planned> = first.into_iter().map(|(planned, _)| planned).collect();
    // What failed is asked again and then told of; what hangs is not.
    hang.retain(|(name, _)| jobs.iter().all(|planned| planned.job.spec().name != *name));
    looked.faults = hang;
    for (planned, lines) in round(jobs, &mut looked.faults) {
        looked.take(&planned, lines);
    }
    setup.agent.plugins.living.end_all();
    Ok(looked)
}

/// The jobs of `setup` with their intervals, without the agent's own.
pub(crate) fn planned(setup: &Setup, only: &[&str]) -> Result<Vec<Planned>, StartError> {
    let pipeline = Arc::new(Pipeline::default());
    let mut planned = setup.plan()?.planned(&setup.agent, &Ledgers::default(), &pipeline, &Exposure::default());
    planned.pop();
    planned.retain(|planned| only.is_empty() || only.contains(&planned.job.spec().name));
    Ok(planned)
}

/// What a job emitted: the whole name with value and time.
pub(crate) type Lines = HashMap<String, (String, Timestamp)>;

/// Runs each job once: fast ones one after another, slow ones at once on threads of their own. Gives those that have
/// come back in time, in their order; the others are among `faults`.
pub(crate) fn round(jobs: Vec<Planned>, faults: &mut Vec<(&'static str, String)>) -> Vec<(Planned, Lines)> {
    let (pool, begun) = (Pool::default(), Instant::now());
    let (sender, receiver) = sync_channel(jobs.len());
    let (mut done, mut away) = (Vec::new(), Vec::new());
    for (at, mut planned) in jobs.into_iter().enumerate() {
        let spec = planned.job.spec();
        if spec.class == Class::Fast {
            let lines = run(&mut planned);
            done.push((at, planned, lines));
            continue;
        }
        let sender = sender.clone();
        away.push((at, spec));
        let started = pool.run(move || {
            let lines = run(&mut planned);
            // Nobody may be waiting any more.
            let _ = sender.send((at, planned, lines));
        });
        if let Err(error) = started {
            faults.push((spec.name, format!("the system gives no thread: {error}")));
        }
    }
    drop(sender);
    let longest = away.iter().map(|(_, spec)| spec.deadline).max().unwrap_or_default() + Duration::from_secs(1);
    while let Ok((at, planned, lines)) = receiver.recv_timeout(longest.saturating_sub(begun.elapsed())) {
        away.retain(|(other, _)| *other != at);
        done.push((at, planned, lines));
    }
    for (_, spec) in away {
        faults.push((spec.name, format!("no answer within {} s", longest.as_secs())));
    }
    done.sort_by_key(|(at, ..)| *at);
    let failing = |planned: &Planned| Some((planned.job.spec().name, planned.job.failing()?.to_owned()));
    faults.extend(done.iter().filter_map(|(_, planned, _)| failing(planned)));
    done.into_iter().map(|(_, planned, lines)| (planned, lines)).collect()
}

fn run(planned: &mut Planned) -> Lines {
    let time = Timestamp::saturating_from(i64::try_from(wall().as_secs()).unwrap_or(i64::MAX)).floor(planned.interval);
    let mut lines = Lines::new();
    planned.job.measure(Slot { time, monotonic: since_boot() }, |ready| {
        let time = ready.sample.time.unwrap_or(time);
        lines.insert(ready.name.to_owned(), (ready.value.trim().to_owned(), time));
    });
    lines
}

impl Looked {
    fn take(&mut self, planned: &Planned, mut lines: Lines) {
        let (collector, interval) = (planned.job.spec().name, planned.interval);
        for (name, sample) in planned.job.samples() {
            let suffixes: &[&str] = match sample.value {
                Value::Avg { .. } => &[".rate", ".avg"],
                _ => &[""],
            };
            for suffix in suffixes {
                let name = format!("{name}{suffix}");
                let (value, time) = match lines.remove(&name) {
                    Some((value, time)) => (Some(value), time),
                    None => (None, planned.job.slot()),
                };
                self.seen.push(Seen { collector, interval, name, value, time, unit: sample.unit });
            }
        }
    }
}
