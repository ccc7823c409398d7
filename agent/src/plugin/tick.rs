//! Mode "tick": the program stays, is asked at each slot, and ends its answer with an empty line.

use std::time::{Duration, Instant};

use collectors::Slot;
use whisper::Interval;

use super::backoff::Backoff;
use super::book::Entered;
use super::hearing::Hearing;
use super::launch::Launch;
use super::session::{Pumped, Session};
use super::{Fault, Page, Source};

/// A program that has let so many slots go by without an answer is started anew.
const PATIENCE: u32 = 10;

/// See the module.
pub(super) struct Tick {
    launch: Launch,
    interval: Interval,
    deadline: Duration,
    line_bytes: usize,
    talk: Option<Talk>,
    backoff: Backoff,
    starts: u64,
    /// Why it does not run, as long as it does not.
    down: Option<String>,
}

struct Talk {
    session: Session,
    /// The slot whose answer is not complete.
    owed: Option<Slot>,
    /// Runs since it is owed.
    late: u32,
}

impl Tick {
    pub(super) fn new(launch: Launch, interval: Interval, deadline: Duration, line_bytes: usize) -> Tick {
        Tick { launch, interval, deadline, line_bytes, talk: None, backoff: Backoff::default(), starts: 0, down: None }
    }

    fn start(&mut self, page: &Page<'_>) -> Result<Talk, Fault> {
        let now = Instant::now();
        if !self.backoff.wait(now).is_zero() {
            return Err(Fault::Other(self.down.clone().unwrap_or_default()));
        }
        self.starts += 1;
        match Session::start(&self.launch, true, self.line_bytes) {
            Ok(mut session) => {
                session.say(&page.book.kept.told());
                Ok(Talk { session, owed: None, late: 0 })
            }
            Err(error) => Err(self.failed(Fault::start(self.launch.program(), &error))),
        }
    }

    fn failed(&mut self, fault: Fault) -> Fault {
        self.backoff.failed(Instant::now());
        self.down = Some(fault.words());
        fault
    }

    /// Takes a late answer, as far as it has come. Gives whether the program may be asked again.
    fn settle(&self, talk: &mut Talk, until: Instant, page: &mut Page<'_>) -> Result<bool, Pumped> {
        let Some(owed) = talk.owed else { return Ok(true) };
        let mut hearing = Hearing::new(page, owed, true);
        let pumped = talk.session.pump(Some(Instant::now()), None, &mut |heard| hearing.hear(heard));
        match pumped {
            Pumped::Enough if hearing.last == Entered::End => {
                (talk.owed, talk.late) = (None, 0);
                return Ok(true);
            }
            Pumped::Late => {}
            ended => return Err(ended),
        }
        talk.late += 1;
        match talk.session.pump(Some(until), None, &mut |heard| hearing.hear(heard)) {
            Pumped::Enough if hearing.last == Entered::End => {
                (talk.owed, talk.late) = (None, 0);
                Ok(false)
            }
            Pumped::Late => Ok(false),
            ended => Err(ended),
        }
    }

    /// What becomes of a program whose answer ended otherwise than with an empty line.
    fn over(&mut self, talk: Talk, pumped: &Pumped, page: &Page<'_>) -> Result<(), Fault> {
        match pumped {
            Pumped::Ended(status) if status.success() && page.book.points() > 0 => {
                // `echo a 1` is a plugin, too: it is started for the next slot.
                self.backoff.worked();
                Ok(())
            }
            Pumped::Ended(status) => Err(self.failed(Fault::ended(*status))),
            _ => {
                talk.session.kill();
                Err(self.failed(Fault::flood()))
            }
        }
    }
}

impl Source for Tick {
    fn gather(&mut self, slot: Slot, page: &mut Page<'_>) -> Result<(), Fault> {
        let until = Instant::now() + self.deadline;
        let mut talk = match self.talk.take() {
            Some(talk) => talk,
            None => self.start(page)?,
        };
        match self.settle(&mut talk, until, page) {
            Ok(true) => {}
            Ok(false) if talk.late >= PATIENCE => {
                talk.session.kill();
                return Err(self.failed(Fault::Late));
            }
            Ok(false) => {
                self.talk = Some(talk);
                return Err(Fault::Late);
            }
            Err(pumped) => return self.over(talk, &pumped, page),
        }
        talk.session.say(&format!("tick {} {}\n", slot.time, self.interval));
        talk.owed = Some(slot);
        let mut hearing = Hearing::new(page, slot, true);
        let pumped = talk.session.pump(Some(until), None, &mut |heard| hearing.hear(heard));
        match pumped {
            Pumped::Enough if hearing.last == Entered::End => {
                talk.owed = None;
                self.talk = Some(talk);
                self.backoff.worked();
                self.down = None;
                Ok(())
            }
            Pumped::Late => {
                self.talk = Some(talk);
                Err(Fault::Late)
            }
            pumped => self.over(talk, &pumped, page),
        }
    }

    fn restarts(&self) -> u64 {
        self.starts.saturating_sub(1)
    }
}
