//! How plugins' processes end: asked by a closed input and TERM, made to by KILL five seconds later; never waited for by
//! who measures.

use std::collections::BTreeSet;
use std::process::{Child, ExitStatus};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

/// How long a process may take to end by itself.
const GRACE: Duration = if cfg!(test) { Duration::from_millis(300) } else { Duration::from_secs(5) };
/// How long the system may take to end one that was killed.
const BURIAL: Duration = Duration::from_secs(1);
/// How often it is looked whether a process has ended.
const LOOK: Duration = Duration::from_millis(20);

/// The process groups of an agent's plugins that have not been reaped, so that their numbers are still theirs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Living(Arc<Groups>);

#[derive(Debug, Default)]
struct Groups {
    pids: Mutex<BTreeSet<i32>>,
    fewer: Condvar,
}

/// Says nothing about settings.
impl PartialEq for Living {
    fn eq(&self, _: &Living) -> bool {
        true
    }
}

/// A plugin's process, the first of its group.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    living: Living,
}

impl Process {
    /// Takes charge of `child`, which has just been started in a group of its own.
    pub(super) fn new(child: Child, living: &Living) -> Process {
        let process = Process { child, living: living.clone() };
        living.lock().insert(process.pid().as_raw_nonzero().get());
        process
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Whether it has ended.
    pub(super) fn has_ended(&self) -> bool {
        has_ended(self.pid())
    }

    /// Kills it with its whole group, and reaps it. That comes last, since its number names the group until then.
    pub(super) fn kill(mut self) -> Option<ExitStatus> {
        signal(self.pid(), Signal::KILL);
        self.living.lock().remove(&self.pid().as_raw_nonzero().get());
        self.living.0.fewer.notify_all();
        self.child.wait().ok()
    }

    /// Asks it and its group to end, and sees to it from a thread of its own.
    pub(super) fn end(self) {
        if self.has_ended() {
            self.kill();
            return;
        }
        let group = self.pid();
        signal(group, Signal::TERM);
        let watch = move || {
            let until = Instant::now() + GRACE;
            while !self.has_ended() && Instant::now() < until {
                thread::sleep(LOOK);
            }
            self.kill();
        };
        if thread::Builder::new().name("plugin-end".to_owned()).stack_size(64 << 10).spawn(watch).is_err() {
            // Nobody can wait for it; its number stays among the living until the agent ends.
            signal(group, Signal::KILL);
        }
    }
}

impl Living {
    /// Ends all that is left, those included that somebody is just listening to. Takes up to six seconds.
    pub(crate) fn end_all(&self) {
        for (way, patience) in [(Signal::TERM, GRACE), (Signal::KILL, BURIAL)] {
            let mut pids = self.lock();
            for pid in pids.iter().filter_map(|pid| Pid::from_raw(*pid)) {
                signal(pid, way);
            }
            let until = Instant::now() + patience;
            while !pids.iter().filter_map(|pid| Pid::from_raw(*pid)).all(has_ended) {
                let left = until.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    break;
                }
                pids = self.0.fewer.wait_timeout(pids, left.min(LOOK)).unwrap_or_else(PoisonError::into_inner).0;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<i32>> {
        // A set is never half changed.
        self.0.pids.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the first process of a group, which is ours, has ended. It stays to be reaped.
fn has_ended(pid: Pid) -> bool {
    let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    !matches!(waitid(WaitId::Pid(pid), look), Ok(None))
}

/// Sends `way` to the group; one that is gone needs none.
fn signal(group: Pid, way: Signal) {
    let _ = kill_process_group(group, way);
}
