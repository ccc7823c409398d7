//! The command line tool `ceph`, one process for a whole round of questions: it reads them from its standard input.
//!
//! It runs beside the collector, on a thread of its own with a deadline, and its answers are taken at a later run.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::super::clusters::fsid_in;
use super::super::options::Options;
use super::facts::Facts;
use crate::{Fail, Site};

/// Only what reads, and only what no socket tells.
/// The last two need a manager and are never answered without one.
const QUESTIONS: &str = "status\nosd dump\ndf\nmgr stat\nosd pool stats\npg dump pools\n";

/// The tool is ended after this long.
const DEADLINE: Duration = Duration::from_secs(20);

/// Once it has answered something, it is ended after this long without more.
const QUIET: Duration = Duration::from_secs(5);

/// Far more than the answers of a cluster of ten thousand OSDs.
const LONGEST_ANSWER: usize = 64 << 20;

/// How the tool is called for one cluster.
#[derive(Clone, Debug)]
pub(super) struct Tool {
    program: PathBuf,
    arguments: Vec<String>,
}

/// Rounds of questions, one at a time.
#[derive(Debug, Default)]
pub(super) struct Rounds {
    /// The one under way.
    running: Option<Receiver<Result<Facts, Fail>>>,
    begun: Option<Instant>,
}

impl Tool {
    /// `None` when it is not to be used: no configuration of that cluster can be read, or no key for it.
    pub(super) fn of(options: &Options, cluster: &str, fsid: Option<&str>, site: &Site) -> Option<Tool> {
        if options.command.is_empty() {
            return None;
        }
        let readable = |path: &Path| File::open(path).is_ok();
        let conf = match &options.conf {
            Some(conf) => conf.clone(),
            None => site.path(&format!("/etc/ceph/{cluster}.conf")),
        };
        // A configuration of another cluster would answer for that one.
        if !readable(&conf) || fsid_in(&conf).is_some_and(|found| fsid.is_some_and(|fsid| fsid != found)) {
            return None;
        }
        let keyring = match &options.keyring {
            Some(keyring) => keyring.clone(),
            None => site.path(&format!("/etc/ceph/{cluster}.{}.keyring", options.user)),
        };
        let mut arguments = vec!["--conf".to_owned(), conf.to_string_lossy().into_owned()];
        arguments.extend(["--name", &options.user, "--connect-timeout", "10", "--format", "json"].map(str::to_owned));
        if readable(&keyring) {
            arguments.extend(["--keyring".to_owned(), keyring.to_string_lossy().into_owned()]);
        } else if options.conf.is_none() {
            // Who names a configuration has a reason to do so, such as a cluster without keys.
            return None;
        }
        Some(Tool { program: options.command.clone().into(), arguments })
    }

    fn ask(&self) -> Result<Facts, Fail> {
        let fail = |source| Fail::Read { path: self.program.clone(), source };
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().map_err(fail)?;
        // They fit into the pipe, so this does not wait for the tool to read.
        let asked = child.stdin.take().map_or(Ok(()), |mut input| input.write_all(QUESTIONS.as_bytes()));
        let answer = asked.map_err(fail).and_then(|()| self.hear(&mut child));
        // It has nothing left to say, or too much.
        let _ = child.kill();
        let _ = child.wait();
        let facts = Facts::read(&answer?);
        if facts.is_empty() {
            let what = format!("{} {}", self.program.display(), self.arguments.join(" "));
            return Err(Fail::Refused { what, answer: "nothing that it was asked for".to_owned() });
        }
        Ok(facts)
    }

    fn hear(&self, child: &mut Child) -> Result<Vec<u8>, Fail> {
        let until = Instant::now() + DEADLINE;
        let mut answer = Vec::new();
        let Some(mut output) = child.stdout.take() else { return Ok(answer) };
        loop {
            let mut left = until.saturating_duration_since(Instant::now());
            if !answer.is_empty() {
                left = left.min(QUIET);
            }
            if left.is_zero() || !ready(&output, left) {
                if !answer.is_empty() {
                    return Ok(answer);
                }
                return Err(Fail::Timeout { what: self.program.display().to_string(), after: DEADLINE });
            }
            let filled = answer.len();
            if filled > LONGEST_ANSWER {
                return Err(Fail::TooLong { path: self.program.clone(), limit: LONGEST_ANSWER });
            }
            answer.resize(filled + (64 << 10), 0);
            let read = output.read(&mut answer[filled..]);
            answer.truncate(filled + *read.as_ref().unwrap_or(&0));
            match read {
                Ok(0) => return Ok(answer),
                Ok(_) => {}
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(source) => return Err(Fail::Read { path: self.program.clone(), source }),
            }
        }
    }
}

fn ready(output: &ChildStdout, left: Duration) -> bool {
    let left = Timespec::try_from(left).ok();
    let mut wait = [PollFd::new(output, PollFlags::IN)];
    // An interrupted wait is looked at again by reading.
    poll(&mut wait, left.as_ref()).is_ok_and(|ready| ready > 0)
}

impl Rounds {
    /// Begins a round, unless one is under way. Gives whether it has begun.
    pub(super) fn begin(&mut self, tool: Tool) -> bool {
        if self.running.is_some() {
            return false;
        }
        let (tell, told) = sync_channel(1);
        let started = thread::Builder::new().name("ceph-command".to_owned()).spawn(move || {
            // A collector that was replaced wants no answer.
            let _ = tell.try_send(tool.ask());
        });
        if started.is_err() {
            return false;
        }
        self.running = Some(told);
        self.begun = Some(Instant::now());
        true
    }

    /// How long ago the last round began.
    pub(super) fn age(&self) -> Option<Duration> {
        self.begun.map(|begun| begun.elapsed())
    }

    /// What the round under way gave, once it has ended.
    pub(super) fn end(&mut self) -> Option<Result<Facts, Fail>> {
        let ended = match self.running.as_ref()?.try_recv() {
            Ok(facts) => Some(facts),
            Err(TryRecvError::Empty) => return None,
            Err(TryRecvError::Disconnected) => None,
        };
        self.running = None;
        ended
    }
}
