//! Mode "stream": the program prints by its own clock. A thread takes its lines as they come, so that each is known by
//! the moment it arrived; a run takes what has gathered.

use std::io::{PipeWriter, pipe};
use std::ops::ControlFlow;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use collectors::Slot;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use whisper::{Interval, Timestamp};

use super::arrivals::{Arrivals, Arrived, What};
use super::backoff::Backoff;
use super::book::{Entered, Moment};
use super::launch::Launch;
use super::session::{Heard, Pumped, Session};
use super::word::Level;
use super::{Fault, Page, Source};
use crate::clock::wall;

/// How long the thread pauses while too much waits.
const FULL: Duration = Duration::from_millis(200);
/// A program that has lived for so long had no bad start.
const SETTLED: Duration = Duration::from_secs(10);

/// See the module.
pub(super) struct Stream {
    launch: Launch,
    interval: Interval,
    line_bytes: usize,
    /// Bytes that may wait for the next run; while there are more, the program is not read.
    room: usize,
    shared: Arc<Mutex<Shared>>,
    /// Closed when the thread is to end.
    alive: Option<PipeWriter>,
}

#[derive(Default)]
struct Shared {
    waiting: Arrivals,
    /// Bytes that a run is looking through.
    taken: usize,
    starts: u64,
    /// Why it does not run, while it does not.
    down: Option<String>,
}

impl Stream {
    pub(super) fn new(launch: Launch, interval: Interval, line_bytes: usize, room: usize) -> Stream {
        Stream { launch, interval, line_bytes, room, shared: Arc::default(), alive: None }
    }

    fn start(&mut self) -> std::io::Result<()> {
        let (end, alive) = pipe()?;
        let reader = Reader {
            launch: self.launch.clone(),
            interval: self.interval,
            line_bytes: self.line_bytes,
            room: self.room,
            shared: Arc::clone(&self.shared),
        };
        let thread = thread::Builder::new().name("plugin-stream".to_owned()).stack_size(256 << 10);
        thread.spawn(move || reader.run(end.as_fd()))?;
        self.alive = Some(alive);
        Ok(())
    }
}

impl Source for Stream {
    fn gather(&mut self, slot: Slot, page: &mut Page<'_>) -> Result<(), Fault> {
        if self.alive.is_none() {
            self.start().map_err(|error| Fault::start(self.launch.program(), &error))?;
        }
        let now = Instant::now();
        let (waiting, down) = {
            let mut shared = lock(&self.shared);
            shared.taken = shared.waiting.bytes();
            (std::mem::take(&mut shared.waiting), shared.down.clone())
        };
        let result = waiting.iter().try_for_each(|Arrived { at, slot: time, what }| {
            let at = slot.monotonic.saturating_sub(now.saturating_duration_since(at));
            let entered = match what {
                What::Line(line) => page.enter(line, Moment { time, at }),
                What::TooLong => page.book.too_long(),
                What::Complaint(text) => {
                    page.voice.say(Level::Warn, text);
                    return Ok(());
                }
            };
            match entered {
                Entered::TooMany => {
                    Err(Fault::Other("the program says more than `lines` lines a run; the others are lost".to_owned()))
                }
                Entered::Line | Entered::End => Ok(()),
            }
        });
        drop(waiting);
        lock(&self.shared).taken = 0;
        result?;
        down.map_or(Ok(()), |down| Err(Fault::Other(down)))
    }

    fn restarts(&self) -> u64 {
        lock(&self.shared).starts.saturating_sub(1)
    }
}

/// The thread's side.
struct Reader {
    launch: Launch,
    interval: Interval,
    line_bytes: usize,
    room: usize,
    shared: Arc<Mutex<Shared>>,
}

impl Reader {
    /// Keeps the program running until the other end of `end` is closed.
    fn run(self, end: BorrowedFd<'_>) {
        let mut backoff = Backoff::default();
        loop {
            lock(&self.shared).starts += 1;
            let fault = match Session::start(&self.launch, true, self.line_bytes) {
                Ok(session) => {
                    lock(&self.shared).down = None;
                    let since = session.since;
                    let Some(fault) = self.listen(session, end) else { return };
                    if since.elapsed() >= SETTLED {
                        backoff.worked();
                    }
                    fault
                }
                Err(error) => Fault::start(self.launch.program(), &error),
            };
            if let Fault::Other(words) = fault {
                lock(&self.shared).down = Some(words);
            }
            backoff.failed(Instant::now());
            if ended(end, backoff.wait(Instant::now())) {
                return;
            }
        }
    }

    /// Takes what it says until it ends; nothing when the thread is to end.
    fn listen(&self, mut session: Session, end: BorrowedFd<'_>) -> Option<Fault> {
        loop {
            match session.pump(None, Some(end), &mut |heard| self.keep(&heard)) {
                Pumped::Ended(status) => return Some(Fault::ended(status)),
                Pumped::Endless => {
                    session.kill();
                    return Some(Fault::flood());
                }
                Pumped::Woken => return None,
                Pumped::Enough | Pumped::Late => {
                    if ended(end, FULL) {
                        return None;
                    }
                }
            }
        }
    }

    fn keep(&self, heard: &Heard<'_>) -> ControlFlow<()> {
        let what = match *heard {
            Heard::Line(line) => What::Line(line),
            Heard::Complaint(text) => What::Complaint(text),
            Heard::TooLong => What::TooLong,
        };
        let slot = Timestamp::saturating_from(i64::try_from(wall().as_secs()).unwrap_or(i64::MAX)).floor(self.interval);
        let mut shared = lock(&self.shared);
        shared.waiting.push(Arrived { at: Instant::now(), slot, what });
        let full = shared.waiting.bytes() + shared.taken >= self.room;
        if full { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

/// Whether the other end of `end` is closed, within `most`.
fn ended(end: BorrowedFd<'_>, most: Duration) -> bool {
    let until = Instant::now() + most;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let wait = Timespec { tv_sec: left.as_secs() as _, tv_nsec: left.subsec_nanos() as _ };
        let mut fds = [PollFd::from_borrowed_fd(end, PollFlags::IN)];
        match poll(&mut fds, Some(&wait)) {
            Ok(0) if left.is_zero() => return false,
            Ok(0) | Err(_) => {}
            Ok(_) => return true,
        }
    }
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    // Nothing panics while it holds the lock.
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
