//! Threads for collectors that may hang. A run never waits for another one's thread: when all are busy, a new one is
//! started. Since a collector has one run at a time, there are never more threads than slow collectors.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{io, thread};

/// A thread without work ends after this long; a new one for each write of the last readings would cost as much as the
/// write.
const IDLE: Duration = Duration::from_secs(300);

type Task = Box<dyn FnOnce() + Send>;

/// Threads that come when they are needed and go when they are not.
#[derive(Default)]
pub(crate) struct Pool {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// At most as many as there are slow collectors, see above.
    waiting: VecDeque<Task>,
    idle: usize,
    closed: bool,
}

impl Pool {
    /// Runs `task` on a thread of its own.
    ///
    /// # Errors
    /// When a thread is needed and the system gives none; the task is dropped.
    pub(crate) fn run(&self, task: impl FnOnce() + Send + 'static) -> io::Result<()> {
        let mut state = self.shared.lock();
        state.waiting.push_back(Box::new(task));
        if state.idle >= state.waiting.len() {
            // Who is woken wants the lock.
            drop(state);
            self.shared.changed.notify_one();
            return Ok(());
        }
        let shared = Arc::clone(&self.shared);
        let started = thread::Builder::new().name("collect-slow".to_owned()).spawn(move || shared.work());
        if let Err(error) = started {
            state.waiting.pop_back();
            return Err(error);
        }
        Ok(())
    }
}

impl Drop for Pool {
    /// Sends idle threads home. A thread that hangs in the kernel is left to it.
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.changed.notify_all();
    }
}

impl Shared {
    fn work(&self) {
        let mut state = self.lock();
        loop {
            if let Some(task) = state.waiting.pop_front() {
                drop(state);
                task();
                state = self.lock();
                continue;
            }
            if state.closed {
                return;
            }
            state.idle += 1;
            let (woken, waited) = self.changed.wait_timeout(state, IDLE).unwrap_or_else(PoisonError::into_inner);
            state = woken;
            state.idle -= 1;
            if waited.timed_out() && state.waiting.is_empty() {
                return;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Tasks run outside the lock, so nothing can panic inside.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use super::*;

    const SOON: Duration = Duration::from_secs(30);

    #[test]
    fn a_task_that_hangs_delays_nobody() {
        let pool = Pool::default();
        let (release, hang) = sync_channel::<()>(1);
        let (done, told) = sync_channel(10);
        pool.run(move || {
            let _ = hang.recv_timeout(SOON);
        })
        .unwrap();
        for number in 0..10 {
            let done = done.clone();
            pool.run(move || done.send(number).unwrap()).unwrap();
        }
        let mut seen: Vec<i32> = (0..10).map(|_| told.recv_timeout(SOON).unwrap()).collect();
        seen.sort_unstable();
        assert_eq!(seen, (0..10).collect::<Vec<_>>());
        release.send(()).unwrap();
    }
}
