//! When the steps happen: a writer that visits ten times a second, a syncer, both asleep while nothing is appended.

use std::sync::{Arc, Condvar, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::core::{Core, WRITE_EVERY};
use crate::options::Sync;
use crate::state::State;

/// Pause after a failed write or sync.
const RETRY_AFTER: Duration = Duration::from_millis(250);

/// Starts both threads.
pub(crate) fn start(core: &Arc<Core>) -> std::io::Result<Vec<JoinHandle<()>>> {
    let (writer, syncer) = (core.clone(), core.clone());
    Ok(vec![
        thread::Builder::new().name("journal-write".to_owned()).spawn(move || write(&writer))?,
        thread::Builder::new().name("journal-sync".to_owned()).spawn(move || sync(&syncer))?,
    ])
}

/// Writes until the journal is closed and all is written, or the disk refuses the rest.
fn write(core: &Core) {
    loop {
        let mut state = core.state();
        while state.appended == state.written && !state.closing {
            state.writer_sleeps = true;
            state = wait(&core.to_write, state);
        }
        state.writer_sleeps = false;
        while let Some(pause) = core.before_write(&state) {
            state = wait_for(&core.to_write, state, pause);
        }
        let last = state.closing;
        drop(state);
        let written = core.write_step();
        core.wake_syncer();
        match written {
            Err(_) if last => return,
            Ok(_) if last && core.all_written() => return,
            Err(_) => drop(wait_for(&core.to_write, core.state(), RETRY_AFTER)),
            Ok(_) => {}
        }
    }
}

/// Syncs until the journal is closed.
fn sync(core: &Core) {
    let mut last_start = None;
    loop {
        let mut state = core.state();
        while state.written == state.synced && !state.closing {
            // While points come in it is known when the next sync is due, and nobody has to wake this thread for it.
            if let Some(pause) = core.rest(last_start) {
                state = wait_for(&core.to_sync, state, pause);
                continue;
            }
            state.syncer_sleeps = true;
            state = wait(&core.to_sync, state);
        }
        state.syncer_sleeps = false;
        while let Some(pause) = core.before_sync(&state, last_start) {
            state = wait_for(&core.to_sync, state, pause);
        }
        let last = state.closing;
        drop(state);
        last_start = Some(Instant::now());
        let synced = core.sync_step();
        if last {
            return;
        }
        if synced.is_err() {
            drop(wait_for(&core.to_sync, core.state(), RETRY_AFTER));
        }
    }
}

/// A visit of the writer, made by somebody else. While the disk refuses, the writer alone tries again: each failure is
/// announced, which wakes the tasks of a runtime that calls this before it sleeps, and it would never come to sleep.
pub(crate) fn write_now(core: &Core) {
    let state = core.state();
    if state.appended == state.written || state.refused.is_some() {
        return;
    }
    drop(state);
    match core.write_step() {
        Ok(_) => core.wake_syncer(),
        Err(_) => core.to_write.notify_one(),
    }
}

impl Core {
    /// Wakes the syncer after a write, unless it will look by itself in time.
    fn wake_syncer(&self) {
        let state = self.state();
        let wake = state.syncer_sleeps || self.presses_syncer(&state);
        drop(state);
        if wake {
            self.to_sync.notify_one();
        }
    }

    /// How long the writer may still gather.
    fn before_write(&self, state: &State) -> Option<Duration> {
        let oldest = state.appending.front()?.since;
        let pause = WRITE_EVERY.checked_sub(oldest.elapsed())?;
        (!self.presses_writer(state) && !pause.is_zero()).then_some(pause)
    }

    /// How long the syncer may still gather.
    fn before_sync(&self, state: &State, last_start: Option<Instant>) -> Option<Duration> {
        let Sync::Every(distance) = self.options.sync else { return None };
        // After a pause from the oldest point on, which may have waited for the writer; never more often than asked for.
        let since = last_start.filter(|start| start.elapsed() < distance * 2).or(state.oldest())?;
        let pause = distance.checked_sub(since.elapsed())?;
        (!self.presses_syncer(state) && !pause.is_zero()).then_some(pause)
    }

    /// How long the syncer rests after a sync that began at `last_start`.
    fn rest(&self, last_start: Option<Instant>) -> Option<Duration> {
        let Sync::Every(distance) = self.options.sync else { return None };
        distance.checked_sub(last_start?.elapsed()).filter(|pause| !pause.is_zero())
    }

    fn all_written(&self) -> bool {
        let state = self.state();
        state.appended == state.written
    }
}

fn wait<'a>(condition: &Condvar, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
    condition.wait(state).unwrap_or_else(PoisonError::into_inner)
}

fn wait_for<'a>(condition: &Condvar, state: MutexGuard<'a, State>, pause: Duration) -> MutexGuard<'a, State> {
    condition.wait_timeout(state, pause).unwrap_or_else(PoisonError::into_inner).0
}
