//! Asking all local file systems in turn, on one thread that waits for more between two runs. One that does not answer (a
//! disk that died under its file system) keeps that thread; the others get a new one, and it is not asked again until it
//! has answered.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::probe::{Answer, Living, Space};

/// See the module.
#[derive(Debug)]
pub(super) struct Sweep {
    ask: fn(&Path) -> io::Result<Space>,
    living: Living,
    worker: Option<Worker>,
    /// Those that did not answer, with what tells when they do.
    stuck: Vec<(PathBuf, Receiver<()>)>,
}

/// A thread, and the ways to it and back.
#[derive(Debug)]
struct Worker {
    points: SyncSender<Vec<PathBuf>>,
    round: Arc<Mutex<Round>>,
    /// Told at the end of a round, so that nobody is woken for each answer.
    done: Receiver<()>,
}

/// How far a thread has come with its list.
#[derive(Debug, Default)]
struct Round {
    answers: Vec<io::Result<Space>>,
    /// Nobody waits for the rest.
    left: bool,
}

impl Sweep {
    pub(super) fn new(living: &Living) -> Sweep {
        Sweep { ask: Space::of, living: living.clone(), worker: None, stuck: Vec::new() }
    }

    /// What each of `points` answers, in their order, within twice `patience` in all.
    pub(super) fn ask(&mut self, points: &[PathBuf], patience: Duration) -> Vec<Answer> {
        self.stuck.retain(|(_, done)| matches!(done.try_recv(), Err(TryRecvError::Empty)));
        let mut found: Vec<Answer> = points.iter().map(|_| Answer::Stale).collect();
        let stuck = |point| self.stuck.iter().any(|(stuck, _)| stuck == point);
        let mut open: Vec<usize> = (0..points.len()).filter(|at| !stuck(&points[*at])).collect();
        // The first that hangs takes a whole patience, and all behind it share another.
        let until = [Instant::now() + patience, Instant::now() + 2 * patience];
        for until in until {
            if open.is_empty() {
                break;
            }
            let asked = std::mem::take(&mut open);
            let worker = self.worker.take().or_else(|| Worker::start(self.ask, &self.living));
            let Some(worker) = worker else { break };
            if worker.points.send(asked.iter().map(|at| points[*at].clone()).collect()).is_err() {
                break;
            }
            open = self.hear(worker, &asked, points, until, &mut found);
        }
        found
    }

    /// Takes the answers to `asked`. Gives those behind the one that did not answer in time.
    fn hear(
        &mut self,
        worker: Worker,
        asked: &[usize],
        points: &[PathBuf],
        until: Instant,
        found: &mut [Answer],
    ) -> Vec<usize> {
        let end = worker.done.recv_timeout(until.saturating_duration_since(Instant::now()));
        let mut round = locked(&worker.round);
        let answers = std::mem::take(&mut round.answers);
        round.left = end.is_err();
        drop(round);
        let heard = answers.len();
        for (at, answer) in asked.iter().zip(answers) {
            found[*at] = answer.map_or_else(Answer::Failed, Answer::Space);
        }
        if end.is_ok() {
            self.worker = Some(worker);
        } else if let Some(at) = asked.get(heard) {
            self.stuck.push((points[*at].clone(), worker.done));
        }
        asked.get(heard + 1..).unwrap_or_default().to_vec()
    }
}

fn locked(round: &Mutex<Round>) -> MutexGuard<'_, Round> {
    // Nothing inside can panic.
    round.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Worker {
    /// `None` when too many hang already, or the system gives no thread; the next run tries again.
    fn start(ask: fn(&Path) -> io::Result<Space>, living: &Living) -> Option<Worker> {
        let alive = living.one_more()?;
        // One list waits at most, and one end of a round.
        let (points, lists) = sync_channel::<Vec<PathBuf>>(1);
        let (end, done) = sync_channel(1);
        let round = Arc::new(Mutex::new(Round::default()));
        let shared = Arc::clone(&round);
        let work = move || {
            let _alive = alive;
            for list in lists {
                let left = list.iter().any(|point| {
                    let answer = ask(point);
                    let mut round = locked(&shared);
                    round.answers.push(answer);
                    round.left
                });
                if end.send(()).is_err() || left {
                    return;
                }
            }
        };
        let thread = thread::Builder::new().name("statvfs".to_owned()).stack_size(64 << 10).spawn(work);
        thread.ok().map(|_| Worker { points, round, done })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sweep(ask: fn(&Path) -> io::Result<Space>, most: usize) -> Sweep {
        Sweep { ask, ..Sweep::new(&Living::at_most(most)) }
    }

    /// Asks `points`: 1 for an answer, 0 for none.
    fn asked(sweep: &mut Sweep, points: &[&str], patience: Duration) -> Vec<u8> {
        let points: Vec<PathBuf> = points.iter().map(PathBuf::from).collect();
        let answers = sweep.ask(&points, patience).into_iter();
        answers.map(|answer| u8::from(!matches!(answer, Answer::Stale))).collect()
    }

    /// Never answers for what begins with `/dead`.
    fn one_that_hangs(point: &Path) -> io::Result<Space> {
        while point.to_string_lossy().starts_with("/dead") {
            thread::park();
        }
        Space::of(Path::new("/"))
    }

    #[test]
    fn one_that_hangs_costs_the_others_nothing() {
        let mut sweep = sweep(one_that_hangs, 8);
        assert_eq!(asked(&mut sweep, &["/a", "/dead", "/b"], Duration::from_secs(1)), [1, 0, 1]);
        // It is not asked again, so nobody waits for it: a patience without end would show.
        let long = Duration::from_secs(3600);
        assert_eq!(asked(&mut sweep, &["/a", "/dead", "/b"], long), [1, 0, 1]);
        assert_eq!(asked(&mut sweep, &["/dead"], long), [0]);
        assert!(asked(&mut sweep, &[], long).is_empty());
    }

    #[test]
    fn there_are_never_more_threads_than_may_hang() {
        let mut sweep = sweep(one_that_hangs, 2);
        for _ in 0..3 {
            asked(&mut sweep, &["/dead1", "/dead2", "/dead3", "/dead4"], Duration::from_millis(5));
        }
        assert_eq!(sweep.stuck.len(), 2);
        assert_eq!(asked(&mut sweep, &["/a"], Duration::from_secs(3600)), [0], "there is nobody to ask it");
    }

    #[test]
    fn one_that_answers_late_is_asked_again() {
        use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
        static DEAD: AtomicBool = AtomicBool::new(true);
        let mut sweep = sweep(
            |_| {
                while DEAD.load(SeqCst) {
                    thread::yield_now();
                }
                Space::of(Path::new("/"))
            },
            8,
        );
        assert_eq!(asked(&mut sweep, &["/a"], Duration::from_millis(5)), [0]);
        DEAD.store(false, SeqCst);
        let until = Instant::now() + Duration::from_secs(30);
        while asked(&mut sweep, &["/a"], Duration::from_secs(30)) == [0] {
            assert!(Instant::now() < until, "it is never asked again");
            thread::yield_now();
        }
    }
}
