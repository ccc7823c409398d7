//! The one thread that keeps the schedule: runs fast collectors in line, hands slow ones to the pool, and puts the
//! lines of both into the pipeline.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use collectors::{Class, Slot};
use tracing::{debug, info, warn};
use whisper::{Interval, Timestamp};

use crate::Timetable;
use crate::clock::{since_boot, wall};
use crate::job::{Job, Report};
use crate::keeper::Keeper;
use crate::ledger::Ledger;
use crate::pipeline::Pipeline;
use crate::pool::Pool;

/// The longest the thread sleeps, so that a clock that was set is noticed.
const NAP: Duration = Duration::from_secs(30);

/// How long stopping waits for runs that have begun, and then for the file of what is remembered.
const LAST_RUNS: Duration = Duration::from_secs(1);

/// After the clock was set back by less than this, slots that have had their run are left out; by more, they get a
/// second one, for the clock was wrong before.
const REPEATED: u32 = 300;

/// What the thread is told.
pub(crate) enum Event {
    /// Other collectors, or other settings of them; what is remembered of those that stay is kept.
    Replace(Vec<Planned>),
    /// No more runs.
    Stop,
}

/// A job that comes back from its run on the pool.
struct Run {
    seat: usize,
    /// Which set of seats it was begun from.
    generation: u64,
    job: Box<Job>,
}

/// A job with its interval and offset, as the runner is given it.
pub(crate) struct Planned {
    pub(crate) job: Job,
    pub(crate) interval: Interval,
    pub(crate) offset: Duration,
    pub(crate) ledger: Arc<Ledger>,
}

/// See the module.
pub(crate) struct Runner {
    seats: Vec<Seat>,
    generation: u64,
    timetable: Timetable,
    pool: Pool,
    inbox: Receiver<Event>,
    /// Jobs that come back. They are asked for before the next slot alone: to be woken for each would cost as much as
    /// many a run.
    back: Receiver<Run>,
    done: SyncSender<Run>,
    pipeline: Arc<Pipeline>,
    lines: String,
    keeper: Option<Keeper>,
}

struct Seat {
    /// Away while it runs on the pool.
    job: Option<Box<Job>>,
    /// What takes over from the one that is away, as soon as it comes back: the settings were read anew and are the same.
    heir: Option<Box<Job>>,
    name: &'static str,
    entry: Entry,
    /// The slot of its last run.
    last: Option<Timestamp>,
    /// What its job was made of, see [`Job::settings`].
    settings: Option<String>,
}

/// Where the runs of a seat are entered, also by the pool.
#[derive(Clone)]
struct Entry {
    name: &'static str,
    deadline: Duration,
    ledger: Arc<Ledger>,
}

impl Entry {
    fn enter(&self, report: Report) {
        self.ledger.enter(report);
        if report.took > self.deadline {
            self.ledger.overrun();
            let elapsed_ms = report.took.as_millis() as u64;
            debug!(collector = self.name, elapsed_ms, "A run took longer than its deadline.");
        }
    }
}

impl Runner {
    pub(crate) fn new(planned: Vec<Planned>, pipeline: Arc<Pipeline>, inbox: Receiver<Event>) -> Runner {
        // Who brings one back when there are more on their way waits for the next slot.
        let (done, back) = sync_channel(planned.len());
        let (pool, lines) = (Pool::default(), String::new());
        let (seats, timetable) = (Vec::new(), Timetable::default());
        let mut runner =
            Runner { seats, generation: 0, timetable, pool, inbox, back, done, pipeline, lines, keeper: None };
        runner.seat(planned);
        runner
    }

    /// Keeps in a file what is remembered.
    pub(crate) fn keeping(mut self, keeper: Option<Keeper>) -> Runner {
        self.keeper = keeper;
        self
    }

    fn seat(&mut self, planned: Vec<Planned>) {
        let now = wall();
        self.timetable = Timetable::default();
        self.seats.clear();
        for Planned { job, interval, offset, ledger } in planned {
            self.timetable.add(interval, offset, now);
            let (name, deadline, settings) = (job.spec().name, job.spec().deadline, job.settings().clone());
            let entry = Entry { name, deadline, ledger };
            self.seats.push(Seat { job: Some(Box::new(job)), heir: None, name, entry, last: None, settings });
        }
    }

    /// Runs until it is told to stop.
    pub(crate) fn run(mut self) {
        loop {
            let wait = self.timetable.wait(wall()).unwrap_or(NAP).min(NAP);
            match self.inbox.recv_timeout(wait) {
                Ok(Event::Replace(planned)) => {
                    self.take_all_back();
                    self.replace(planned);
                }
                Ok(Event::Stop) | Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {}
            }
            self.take_all_back();
            let due = self.timetable.due(wall());
            let ran = !due.is_empty();
            for due in due {
                if due.missed > 0 {
                    debug!(collector = self.seats[due.row].name, missed = due.missed, "Slots went by without a run.");
                }
                self.begin(due.row, due.slot);
            }
            if ran {
                self.pipeline.send();
            }
            if ran && let Some(keeper) = &mut self.keeper {
                keeper.tick(jobs(&self.seats), &self.pool);
            }
        }
        self.end();
    }

    fn begin(&mut self, at: usize, time: Timestamp) {
        let slot = Slot { time, monotonic: since_boot() };
        let seat = &mut self.seats[at];
        if seat.last.is_some_and(|last| time <= last && last.secs() - time.secs() < REPEATED) {
            debug!(collector = seat.name, slot = time.secs(), "This slot has had its run; the clock was set back.");
            return;
        }
        let Some(mut job) = seat.job.take() else {
            debug!(collector = seat.name, "Still busy with an earlier run; this slot stays empty.");
            seat.entry.ledger.hangs();
            return;
        };
        seat.last = Some(time);
        if job.spec().class == Class::Fast {
            let report = job.run(slot, &mut self.lines, |lines| self.pipeline.push(seat.name, lines));
            seat.job = Some(job);
            seat.entry.enter(report);
            return;
        }
        let (done, pipeline, entry) = (self.done.clone(), Arc::clone(&self.pipeline), seat.entry.clone());
        let (name, generation) = (seat.name, self.generation);
        let begun = self.pool.run(move || {
            let report = job.run(slot, &mut String::new(), |lines| pipeline.push(name, lines));
            pipeline.send();
            entry.enter(report);
            // A runner that has stopped wants no more runs.
            let _ = done.send(Run { seat: at, generation, job });
        });
        if let Err(error) = begun {
            let seat = &mut self.seats[at];
            // The next reload begins it anew.
            seat.settings = None;
            seat.entry.ledger.error();
            warn!(collector = seat.name, "Stops for good, the system gives no thread: {error}.");
        }
    }

    fn take_all_back(&mut self) {
        while let Ok(run) = self.back.try_recv() {
            self.take_back(run);
        }
    }

    fn take_back(&mut self, run: Run) {
        if run.generation == self.generation {
            self.seats[run.seat].job = Some(run.job);
            return;
        }
        let heir =
            self.seats.iter_mut().find(|seat| seat.heir.as_ref().is_some_and(|heir| heir.adopts(run.job.settings())));
        if let Some(seat) = heir {
            let heir = seat.heir.take().map(|mut heir| {
                heir.adopt(*run.job);
                heir
            });
            seat.job = heir;
            return;
        }
        // The collector was replaced meanwhile; its successor goes on from here unless it has begun by itself.
        let name = run.job.spec().name;
        let successor = self.seats.iter_mut().find(|seat| seat.name == name && seat.last <= Some(run.job.slot()));
        if let Some(job) = successor.and_then(|seat| seat.job.as_mut()) {
            job.inherit(*run.job);
        }
    }

    /// Lets `planned` take the place of all jobs; each goes on from what its predecessor remembers.
    fn replace(&mut self, planned: Vec<Planned>) {
        let mut before = std::mem::take(&mut self.seats);
        self.generation += 1;
        self.seat(planned);
        for seat in &mut self.seats {
            let Some(old) = before.iter_mut().find(|old| old.name == seat.name) else { continue };
            seat.last = old.last;
            let Some(job) = &mut seat.job else { continue };
            match old.job.take() {
                Some(before) if job.adopts(before.settings()) => job.adopt(*before),
                Some(before) => job.inherit(*before),
                // It is away, and what it runs must not be started twice.
                None if job.adopts(&old.settings) => seat.heir = seat.job.take(),
                None => {}
            }
        }
        info!(collectors = self.seats.len(), "The collectors were replaced.");
    }

    /// Takes what the runs give that have begun, for a short while.
    fn end(mut self) {
        let until = Instant::now() + LAST_RUNS;
        while self.seats.iter().any(|seat| seat.job.is_none()) {
            match self.back.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(run) => self.take_back(run),
                Err(_) => break,
            }
        }
        let Some(keeper) = self.keeper.take() else { return };
        let (write, (done, written)) = (keeper.last(jobs(&self.seats)), sync_channel(1));
        let begun = self.pool.run(move || {
            write();
            // A disk that hangs is not waited for.
            let _ = done.send(());
        });
        if begun.is_ok() {
            let _ = written.recv_timeout(LAST_RUNS);
        }
    }
}

/// The names of all jobs, and those that are here.
fn jobs(seats: &[Seat]) -> impl Iterator<Item = (&'static str, Option<&Job>)> {
    seats.iter().map(|seat| (seat.name, seat.job.as_deref()))
}

#[cfg(test)]
mod tests {
    use std::thread;

    use collectors::{Collector, Fail, Out, Spec};

    use super::*;
    use crate::ledger::Ledgers;
    use crate::naming::Naming;
    use crate::outlet::{Limits, Outlet, SMALLEST};
    use crate::own::Own;

    struct Hanging(Receiver<()>);

    impl Collector for Hanging {
        fn spec(&self) -> Spec {
            Spec { name: "hanging", class: Class::Slow, default_interval: None, deadline: Duration::from_secs(1) }
        }

        fn run(&mut self, _: Slot, out: &mut Out) -> Result<(), Fail> {
            // Ends when the test does.
            let _ = self.0.recv();
            out.gauge(&["late"], 1.0);
            Ok(())
        }
    }

    #[test]
    fn a_collector_that_hangs_delays_nobody_and_its_late_values_keep_their_slot() {
        let naming = Arc::new(Naming::new("servers", "h"));
        let slot = Interval::from_secs(1).unwrap();
        let outlet = Arc::new(Outlet::new("sink", Limits { bytes: SMALLEST, resend: Duration::ZERO, slot }));
        let pipeline = Arc::new(Pipeline::new(vec![Arc::clone(&outlet)], Vec::new()));
        let (release, hang) = sync_channel(1);
        let ledger = Arc::new(Ledger::new("hanging"));
        let ledgers = Ledgers::default();
        ledgers.replace(vec![Arc::clone(&ledger)]);
        let own = Own::new(ledgers, Arc::clone(&pipeline));
        let second = Interval::from_secs(1).unwrap();
        let plan = |collector, ledger| Planned {
            job: Job::new(collector, Arc::clone(&naming)),
            interval: second,
            offset: Duration::ZERO,
            ledger,
        };
        let planned = vec![plan(Box::new(Hanging(hang)), ledger), plan(Box::new(own), Arc::new(Ledger::new("agent")))];
        let (events, inbox) = sync_channel(3);
        let runner = Runner::new(planned, Arc::clone(&pipeline), inbox);
        let thread = thread::spawn(|| runner.run());

        let until = Instant::now() + Duration::from_secs(30);
        let mut text = String::new();
        let mut wait_for = |what: &str| {
            while !text.contains(what) {
                assert!(Instant::now() < until, "{what} never came: {text}");
                thread::sleep(Duration::from_millis(5));
                let chunks = std::iter::from_fn(|| outlet.queue().pop());
                text.extend(chunks.map(|chunk| String::from_utf8(chunk.lines).unwrap()));
            }
        };
        wait_for("servers.h.agent.collectors.hanging.overruns 1 ");
        release.send(()).unwrap();
        wait_for("servers.h.late 1 ");
        drop(release);
        events.send(Event::Stop).unwrap();
        thread.join().unwrap();
        let time = |name: &str| {
            let line = text.lines().find(|line| line.contains(name)).unwrap();
            line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()
        };
        assert!(time("late 1") < time("overruns 1"), "{text}");
    }
}
