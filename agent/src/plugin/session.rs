//! A plugin's process and what it says, read without ever waiting for longer than asked, and without keeping more than
//! a line.
//!
//! Nothing reads between two runs: a program that floods fills its pipe and waits.

use std::io::{self, Read, Write};
use std::ops::ControlFlow;
use std::os::fd::{AsFd, BorrowedFd};
use std::process::{ChildStderr, ChildStdin, ChildStdout, ExitStatus};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};

use super::end::Process;
use super::launch::Launch;
use super::lines::{CHUNK, Lines, Next};

/// How often it is looked whether the process has ended while something it left behind holds its output open.
const LOOK: Duration = Duration::from_secs(1);
/// The same, just after its output was closed, when its end is near.
const LOOK_SOON: Duration = Duration::from_millis(5);
/// Bytes of complaints that are read in one run.
const COMPLAINTS: usize = 256 << 10;
/// Longest complaint.
const COMPLAINT: usize = 1024;

/// A process that runs.
#[derive(Debug)]
pub(super) struct Session {
    /// `None` once it has been handed to its end.
    child: Option<Process>,
    stdin: Option<ChildStdin>,
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
    lines: Lines,
    complaints: Lines,
    unsent: Vec<u8>,
    /// When its output was closed.
    closed: Option<Instant>,
    pub(super) since: Instant,
}

/// What is heard.
pub(super) enum Heard<'a> {
    /// A line of its output.
    Line(&'a [u8]),
    /// A line of its output that was too long.
    TooLong,
    /// A line of its complaints.
    Complaint(&'a [u8]),
}

/// Why listening ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Pumped {
    /// The listener has heard enough.
    Enough,
    /// The process has ended, and all that it said was heard.
    Ended(ExitStatus),
    /// Time is up.
    Late,
    /// A line does not end.
    Endless,
    /// Somebody else wants something.
    Woken,
}

impl Session {
    /// Starts the process.
    ///
    /// # Errors
    /// As [`Launch::start`].
    pub(super) fn start(launch: &Launch, asked: bool, line_bytes: usize) -> io::Result<Session> {
        let (process, stdin, stdout, stderr) = launch.start(asked)?;
        let session = Session {
            child: Some(process),
            stdin,
            stdout,
            stderr,
            lines: Lines::new(line_bytes),
            complaints: Lines::new(COMPLAINT),
            unsent: launch.preface.clone(),
            closed: None,
            since: Instant::now(),
        };
        session.stdin.as_ref().map_or(Ok(()), |pipe| unblock(pipe.as_fd()))?;
        session.stdout.as_ref().map_or(Ok(()), |pipe| unblock(pipe.as_fd()))?;
        session.stderr.as_ref().map_or(Ok(()), |pipe| unblock(pipe.as_fd()))?;
        Ok(session)
    }

    /// Gives it a line; it goes out while it is listened to.
    pub(super) fn say(&mut self, line: &str) {
        self.unsent.extend_from_slice(line.as_bytes());
    }

    /// Listens until `until`, or until `hear` has had enough, or `wake` can be read.
    pub(super) fn pump(
        &mut self,
        until: Option<Instant>,
        wake: Option<BorrowedFd<'_>>,
        hear: &mut dyn FnMut(Heard<'_>) -> ControlFlow<()>,
    ) -> Pumped {
        let mut complained = 0;
        loop {
            if let Some(ended) = self.pass_on(hear) {
                return ended;
            }
            if self.lines.endless() {
                return Pumped::Endless;
            }
            let over = until.is_some_and(|until| Instant::now() >= until);
            let (ready, woken) =
                self.wait(if over { Some(Instant::now()) } else { until }, wake, complained < COMPLAINTS);
            if woken {
                return Pumped::Woken;
            }
            if self.take(ready, &mut complained) {
                // What it said last still is in the pipes; if that is too much, its end is seen next time.
                while self.read_out() {
                    if let Some(ended) = self.pass_on(hear) {
                        return ended;
                    }
                }
                return self.last_words(hear).or_else(|| self.bury()).unwrap_or(Pumped::Late);
            }
            if over && !ready.any() {
                return Pumped::Late;
            }
        }
    }

    /// Gives `hear` all whole lines.
    fn pass_on(&mut self, hear: &mut dyn FnMut(Heard<'_>) -> ControlFlow<()>) -> Option<Pumped> {
        while let Next::Line(line) = self.complaints.next() {
            let _ = hear(Heard::Complaint(line));
        }
        loop {
            let heard = match self.lines.next() {
                Next::Line(line) => hear(Heard::Line(line)),
                Next::TooLong => hear(Heard::TooLong),
                Next::Nothing => return None,
            };
            if heard.is_break() {
                return Some(Pumped::Enough);
            }
        }
    }

    /// Gives `hear` what stands behind the last newline.
    fn last_words(&mut self, hear: &mut dyn FnMut(Heard<'_>) -> ControlFlow<()>) -> Option<Pumped> {
        let ended = self.pass_on(hear);
        if let Next::Line(line) = self.complaints.rest() {
            let _ = hear(Heard::Complaint(line));
        }
        if ended.is_none() {
            let _ = match self.lines.rest() {
                Next::Line(line) => hear(Heard::Line(line)),
                Next::TooLong => hear(Heard::TooLong),
                Next::Nothing => ControlFlow::Continue(()),
            };
        }
        ended
    }

    /// Waits for something to happen. Gives what, and whether `wake` is it.
    fn wait(&self, until: Option<Instant>, wake: Option<BorrowedFd<'_>>, complaints: bool) -> (Ready, bool) {
        let mut fds = Vec::with_capacity(4);
        let mut whats = Vec::with_capacity(4);
        if let Some(pipe) = &self.stdout {
            fds.push(PollFd::new(pipe, PollFlags::IN));
            whats.push(What::Output);
        }
        if let Some(pipe) = self.stderr.as_ref().filter(|_| complaints) {
            fds.push(PollFd::new(pipe, PollFlags::IN));
            whats.push(What::Complaints);
        }
        if let Some(pipe) = self.stdin.as_ref().filter(|_| !self.unsent.is_empty()) {
            fds.push(PollFd::new(pipe, PollFlags::OUT));
            whats.push(What::Input);
        }
        if let Some(wake) = wake {
            fds.push(PollFd::from_borrowed_fd(wake, PollFlags::IN));
            whats.push(What::Wake);
        }
        let look = if self.closed.is_some_and(|at| at.elapsed() < LOOK) { LOOK_SOON } else { LOOK };
        let most = until.map_or(look, |until| until.saturating_duration_since(Instant::now()).min(look));
        let most = Timespec { tv_sec: most.as_secs() as _, tv_nsec: most.subsec_nanos() as _ };
        let mut ready = Ready::default();
        let mut woken = false;
        // An interrupted wait is one in which nothing happened.
        if poll(&mut fds, Some(&most)).is_ok() {
            for (fd, what) in fds.iter().zip(whats) {
                let is = !fd.revents().is_empty();
                match what {
                    What::Output => ready.output = is,
                    What::Complaints => ready.complaints = is,
                    What::Input => ready.input = is,
                    What::Wake => woken = is,
                }
            }
        }
        (ready, woken)
    }

    /// Reads and writes what is ready. Gives whether the process has ended.
    fn take(&mut self, ready: Ready, complained: &mut usize) -> bool {
        if ready.input {
            self.send();
        }
        if ready.complaints {
            let (more, read) = read_some(self.stderr.as_mut(), &mut self.complaints);
            *complained += read;
            if !more {
                self.stderr = None;
            }
        }
        if ready.output && !read_some(self.stdout.as_mut(), &mut self.lines).0 {
            self.stdout = None;
            self.closed = Some(Instant::now());
        }
        (self.stdout.is_none() || !ready.any()) && self.child.as_ref().is_some_and(Process::has_ended)
    }

    /// Takes the status of the process that has ended, and ends what it has left behind.
    fn bury(&mut self) -> Option<Pumped> {
        let status = self.child.take()?.kill()?;
        Some(Pumped::Ended(status))
    }

    /// Reads once more from both pipes; gives whether there was anything.
    fn read_out(&mut self) -> bool {
        let (_, complained) = read_some(self.stderr.as_mut(), &mut self.complaints);
        let (_, said) = read_some(self.stdout.as_mut(), &mut self.lines);
        complained + said > 0
    }

    fn send(&mut self) {
        let Some(pipe) = &mut self.stdin else { return };
        match pipe.write(&self.unsent) {
            Ok(sent) => drop(self.unsent.drain(..sent)),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
            // It does not want to be asked: a program that only prints.
            Err(_) => {
                self.stdin = None;
                self.unsent.clear();
            }
        }
    }

    /// Ends it at once, with all that it has started.
    pub(super) fn kill(mut self) {
        if let Some(child) = self.child.take() {
            child.kill();
        }
    }
}

impl Drop for Session {
    /// Closes its input, asks it to end, and makes sure that it does.
    fn drop(&mut self) {
        self.stdin = None;
        if let Some(child) = self.child.take() {
            child.end();
        }
    }
}

#[derive(Clone, Copy)]
enum What {
    Output,
    Complaints,
    Input,
    Wake,
}

#[derive(Clone, Copy, Default)]
struct Ready {
    output: bool,
    complaints: bool,
    input: bool,
}

impl Ready {
    fn any(self) -> bool {
        self.output || self.complaints || self.input
    }
}

/// Reads one chunk. Gives whether there may be more, and how many bytes came.
fn read_some(pipe: Option<&mut impl Read>, lines: &mut Lines) -> (bool, usize) {
    let Some(pipe) = pipe else { return (false, 0) };
    let mut chunk = [0; CHUNK];
    match pipe.read(&mut chunk) {
        Ok(0) => (false, 0),
        Ok(read) => {
            lines.add(&chunk[..read]);
            (true, read)
        }
        Err(error) => (matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted), 0),
    }
}

fn unblock(pipe: BorrowedFd<'_>) -> io::Result<()> {
    fcntl_setfl(pipe, fcntl_getfl(pipe)? | OFlags::NONBLOCK)?;
    Ok(())
}
