//! Measures once and tells what would be sent.

use std::fmt;
use std::thread;
use std::time::{Duration, Instant};

use collectors::{Settings, Slot, Unit};
use whisper::Timestamp;

use crate::AgentConfig;
use crate::clock::wall;
use crate::job::Job;
use crate::running::{Plan, StartError};

/// One line that would be sent. Shown, it is in Graphite's plaintext form.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// The whole metric name.
    pub name: String,
    /// The value as it is printed.
    pub value: String,
    /// The slot, or what the source says.
    pub time: Timestamp,
    /// What the value counts.
    pub unit: Unit,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.name, self.value, self.time)
    }
}

/// Everything that the collectors named in `only` (all that are enabled, when it is empty) would send.
///
/// Measures twice, `gap` apart, because a rate needs two readings. Blocks the thread for that long and for as long as
/// the collectors take; one that hangs is waited for. A name in `only` that is no collector that runs gives nothing.
///
/// # Errors
/// Faults of the settings.
pub fn once(
    config: &AgentConfig,
    collectors: &Settings,
    only: &[&str],
    gap: Duration,
) -> Result<Vec<Line>, StartError> {
    let Plan { interval, naming, built, .. } = Plan::of(config, collectors)?;
    let wanted = |job: &Job| only.is_empty() || only.contains(&job.spec().name);
    let jobs = built.into_iter().map(|built| Job::new(built.collector, naming.clone()));
    let mut jobs: Vec<Job> = jobs.filter(wanted).collect();
    let started = Instant::now();
    let mut round = |time: Timestamp, lines: &mut Vec<Line>| {
        for job in &mut jobs {
            let slot = Slot { time, monotonic: started.elapsed() };
            job.measure(slot, |ready| {
                let (name, value) = (ready.name.to_owned(), ready.value.to_owned());
                let time = ready.sample.time.unwrap_or(time);
                lines.push(Line { name, value, time, unit: ready.sample.unit });
            });
        }
    };
    let now = || Timestamp::saturating_from(wall().as_secs() as i64).floor(interval);
    round(now(), &mut Vec::new());
    thread::sleep(gap);
    let mut lines = Vec::new();
    round(now(), &mut lines);
    Ok(lines)
}
