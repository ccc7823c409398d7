//! One collector with its memory: a run goes in as a slot and comes out as lines.

use std::error::Error;
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use collectors::{Collector, Fail, Kept, Out, Sample, Slot, Spec};
use tracing::{debug, info, warn};
use whisper::Timestamp;

use crate::Upstream;
use crate::naming::Naming;
use crate::rate::Rates;
use crate::teller::{Ready, Teller};

/// A collector and what is remembered between its runs.
pub(crate) struct Job {
    collector: Box<dyn Collector>,
    spec: Spec,
    out: Out,
    teller: Teller,
    /// The failure that was logged last, while it lasts.
    failing: Option<String>,
    /// The slot of the last run.
    slot: Timestamp,
    /// Where changes go.
    upstream: Upstream,
    /// See [`Built::settings`](collectors::Built::settings).
    settings: Option<String>,
    /// Who else wants the values.
    witness: Option<Box<dyn Witness>>,
}

/// Sees what a job sends.
pub(crate) trait Witness: Send {
    /// One value of a run.
    fn see(&mut self, ready: &Ready<'_>);

    /// There are no more of this run.
    fn end(&mut self);
}

/// How a run went.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Report {
    /// Values that were sent.
    pub(crate) points: usize,
    /// How long the collector took.
    pub(crate) took: Duration,
    /// What came of it.
    pub(crate) state: State,
}

/// What came of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// There was none yet.
    #[default]
    Waiting,
    /// It measured.
    Works,
    /// This host has nothing of the kind.
    Absent,
    /// It failed, wholly or in part.
    Fails,
    /// An earlier one has not ended.
    Hangs,
}

impl Job {
    pub(crate) fn new(collector: Box<dyn Collector>, naming: Arc<Naming>) -> Job {
        let spec = collector.spec();
        Job {
            collector,
            spec,
            out: Out::default(),
            teller: Teller::new(naming),
            failing: None,
            slot: Timestamp::from_secs(0),
            upstream: Upstream::default(),
            settings: None,
            witness: None,
        }
    }

    /// Shows what is sent to `witness`, too.
    #[cfg(feature = "expose")]
    pub(crate) fn witness(&mut self, witness: Box<dyn Witness>) {
        self.witness = Some(witness);
    }

    /// The same, which posts to `upstream` what changes.
    pub(crate) fn telling(self, upstream: Upstream) -> Job {
        Job { upstream, ..self }
    }

    /// Tells its settings from others; see [`adopts`](Job::adopts).
    pub(crate) fn settled(self, settings: Option<String>) -> Job {
        Job { settings, ..self }
    }

    /// What it was made of, if that can be told.
    pub(crate) fn settings(&self) -> &Option<String> {
        &self.settings
    }

    /// Whether this one, which has not begun, is another one of the same `settings`.
    pub(crate) fn adopts(&self, settings: &Option<String>) -> bool {
        self.settings.is_some() && self.settings == *settings
    }

    /// Takes over all that `before` is, a program that runs included, under the names of this one.
    pub(crate) fn adopt(&mut self, before: Job) {
        let Job { collector, teller, failing, slot, .. } = before;
        (self.spec, self.collector, self.failing, self.slot) = (collector.spec(), collector, failing, slot);
        self.teller.rates.inherit(teller.rates);
    }

    /// Makes rates and names as Diamond does for a collector that runs each `interval`.
    pub(crate) fn like_diamond(mut self, interval: Duration) -> Job {
        self.teller.rates = Rates::like_diamond(interval);
        self.out = Out::like_diamond();
        self
    }

    pub(crate) fn spec(&self) -> Spec {
        self.spec
    }

    /// The samples of the last run under their whole names.
    pub(crate) fn samples(&self) -> impl Iterator<Item = (String, &Sample)> {
        self.out.samples().map(|(name, sample)| {
            let mut whole = String::new();
            self.teller.naming.write(sample.scope, name, &mut whole);
            (whole, sample)
        })
    }

    /// What `whole` is called by its collector, when it may be one of its names.
    pub(crate) fn own_name<'a>(&self, whole: &'a str) -> &'a str {
        self.teller.naming.below(whole)
    }

    /// What the last run failed with.
    pub(crate) fn failing(&self) -> Option<&str> {
        self.failing.as_deref()
    }

    /// The slot of the last run; 0 when there was none.
    pub(crate) fn slot(&self) -> Timestamp {
        self.slot
    }

    /// Runs the collector for `slot` and hands what is to be sent to `pass`, whole lines, in one go or in parts. `lines`
    /// lends its memory.
    pub(crate) fn run(&mut self, slot: Slot, lines: &mut String, mut pass: impl FnMut(&str)) -> Report {
        self.begin(slot);
        let (collector, teller, witness) = (&mut self.collector, &mut self.teller, &mut self.witness);
        let mut points = 0;
        let mut part = |out: &mut Out| {
            lines.clear();
            points += teller.tell(out, slot.time, lines, |ready| {
                if let Some(witness) = witness {
                    witness.see(&ready);
                }
            });
            pass(lines);
            out.begin_part();
        };
        let begun = Instant::now();
        let out = &mut self.out;
        let result = catch_unwind(AssertUnwindSafe(|| collector.run_in_parts(slot, out, &mut part)));
        let took = begun.elapsed();
        part(out);
        if let Some(witness) = witness {
            witness.end();
        }
        let state = self.end(slot, result);
        Report { points, took, state }
    }

    /// Runs the collector for `slot` and hands every value to `emit`. All its samples are there afterwards.
    pub(crate) fn measure(&mut self, slot: Slot, emit: impl FnMut(Ready<'_>)) -> Report {
        self.begin(slot);
        let begun = Instant::now();
        let result = catch_unwind(AssertUnwindSafe(|| self.collector.run(slot, &mut self.out)));
        let took = begun.elapsed();
        let points = self.teller.tell(&self.out, slot.time, &mut String::new(), emit);
        let state = self.end(slot, result);
        Report { points, took, state }
    }

    fn begin(&mut self, slot: Slot) {
        self.slot = slot.time;
        self.out.begin(slot);
    }

    fn end(&mut self, slot: Slot, result: std::thread::Result<Result<(), Fail>>) -> State {
        for change in self.out.take_changes() {
            info!(what = change.what, data = change.data, "Something changed.");
            self.upstream.post(change, slot.time);
        }
        self.teller.rates.end();
        // What was measured decides on where the next run takes place.
        self.spec = self.collector.spec();
        self.note(result)
    }

    /// What is remembered between runs: the agent's readings, and what the collector keeps beside them.
    pub(crate) fn memory(&self) -> (&Rates, Kept) {
        let mut kept = Kept::default();
        self.collector.keep(&mut kept);
        (&self.teller.rates, kept)
    }

    /// Takes back, before the first run, what an earlier job of the same collector remembered.
    pub(crate) fn recall(&mut self, rates: Rates, kept: &Kept) {
        self.teller.rates.inherit(rates);
        self.collector.recall(kept);
    }

    /// As [`recall`](Job::recall), from a job that ends now.
    pub(crate) fn inherit(&mut self, before: Job) {
        let mut kept = Kept::default();
        before.collector.keep(&mut kept);
        self.recall(before.teller.rates, &kept);
        self.failing = before.failing;
    }

    /// Logs a failure when it begins or changes, and its end. Gives what is to be said of the run.
    fn note(&mut self, result: std::thread::Result<Result<(), Fail>>) -> State {
        let collector = self.spec.name;
        let absent = matches!(&result, Ok(Err(Fail::Absent { .. })));
        let fault = match result {
            Ok(Ok(())) => None,
            Ok(Err(fail @ Fail::Absent { .. })) => {
                debug!(collector, "Nothing to measure: {fail}.");
                None
            }
            Ok(Err(fail)) => Some(chain(&fail)),
            Err(_) => Some("the collector itself is broken (it panicked); please report it".to_owned()),
        };
        if fault != self.failing {
            match &fault {
                Some(fault) => warn!(collector, "Measuring fails: {fault}."),
                None => info!(collector, "Measuring works again."),
            }
        }
        self.failing = fault;
        match &self.failing {
            Some(_) => State::Fails,
            None if absent => State::Absent,
            None => State::Works,
        }
    }
}

/// An error with all its causes in one line.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let _ = write!(text, ": {error}");
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use collectors::{Bits, Class};

    use super::*;

    type Round = fn(&mut Out) -> Result<(), Fail>;

    struct Script(Vec<Round>);

    impl Collector for Script {
        fn spec(&self) -> Spec {
            Spec { name: "script", class: Class::Fast, default_interval: None, deadline: Duration::from_secs(1) }
        }

        fn run(&mut self, _: Slot, out: &mut Out) -> Result<(), Fail> {
            self.0.remove(0)(out)
        }
    }

    fn lines(job: &mut Job, secs: u32) -> (String, Report) {
        let mut lines = String::new();
        let slot = Slot { time: Timestamp::from_secs(1000 + secs), monotonic: Duration::from_secs(secs.into()) };
        let report = job.run(slot, &mut String::new(), |part| lines.push_str(part));
        (lines, report)
    }

    fn job(runs: Vec<Round>) -> Job {
        Job::new(Box::new(Script(runs)), Arc::new(Naming::new("servers", "h")))
    }

    #[test]
    fn all_lines_of_a_run_carry_its_slot() {
        let mut job = job(vec![
            |out| {
                out.gauge(&["g"], 1.25).decimals(2);
                out.counter(&["c"], 10, Bits::B64);
                out.avg(&["a"], 1.0, 1).significant(6);
                Ok(())
            },
            |out| {
                out.gauge(&["g"], 1.5).decimals(2);
                out.counter(&["c"], 40, Bits::B64);
                out.avg(&["a"], 2.0, 5).significant(6);
                Ok(())
            },
        ]);
        assert_eq!(lines(&mut job, 0).0, "servers.h.g 1.25 1000\n");
        let (text, report) = lines(&mut job, 10);
        assert_eq!(
            text,
            "servers.h.g 1.50 1010\nservers.h.c 3 1010\nservers.h.a.rate 0.4 1010\nservers.h.a.avg 0.25 1010\n"
        );
        assert_eq!(report.points, 4);
        assert_eq!(report.state, State::Works);
    }

    #[test]
    fn a_collector_that_has_found_what_may_hang_is_slow_from_then_on() {
        struct Growing(Class);
        impl Collector for Growing {
            fn spec(&self) -> Spec {
                Spec { name: "growing", class: self.0, default_interval: None, deadline: Duration::from_secs(1) }
            }

            fn run(&mut self, _: Slot, _: &mut Out) -> Result<(), Fail> {
                self.0 = Class::Slow;
                Ok(())
            }
        }
        let mut job = Job::new(Box::new(Growing(Class::Fast)), Arc::new(Naming::new("", "h")));
        assert_eq!(job.spec().class, Class::Fast);
        lines(&mut job, 0);
        assert_eq!(job.spec().class, Class::Slow);
        let mut heir = Job::new(Box::new(Growing(Class::Fast)), Arc::new(Naming::new("", "h")));
        heir.adopt(job);
        assert_eq!(heir.spec().class, Class::Slow);
    }

    #[test]
    fn what_was_measured_before_a_failure_is_sent() {
        let mut job = job(vec![
            |out| {
                out.gauge(&["g"], 1.0);
                Err(Fail::parse("/proc/x", 1, "a number", b"?"))
            },
            |_| Err(Fail::Absent { what: "x".to_owned() }),
        ]);
        let (text, report) = lines(&mut job, 0);
        assert_eq!(text, "servers.h.g 1 1000\n");
        assert_eq!(report.state, State::Fails);
        assert_eq!(lines(&mut job, 10).1.state, State::Absent);
    }

    #[test]
    fn a_collector_that_panics_fails_and_runs_again() {
        let mut job = job(vec![|_| panic!("a bug"), |out| {
            out.gauge(&["g"], 1.0);
            Ok(())
        }]);
        assert_eq!(lines(&mut job, 0).1.state, State::Fails);
        assert_eq!(lines(&mut job, 10).0, "servers.h.g 1 1010\n");
    }
}
