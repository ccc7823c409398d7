//! From the kernel to the disk. After a failed sync the kernel may have dropped the bytes and forgotten about it, so
//! that they are written once more, into files that nothing was lost from. So are those of files that somebody has removed.

use std::io;
use std::sync::PoisonError;
use std::time::Instant;

use tracing::warn;

use crate::core::Core;
use crate::error::JournalError;

impl Core {
    /// Makes safe what was written until now; true when there was anything.
    ///
    /// # Errors
    /// What was not synced is queued to be written again.
    pub(crate) fn sync_step(&self) -> io::Result<bool> {
        let _one_at_a_time = self.syncing.lock().unwrap_or_else(PoisonError::into_inner);
        let (position, names, files, folder, growing) = {
            let writer = self.writer();
            let mut state = self.state();
            if state.written == state.synced {
                return Ok(false);
            }
            let growing = [&writer.names, &writer.points].map(|file| file.as_ref().map(|file| file.file.clone()));
            let (names, files) = (state.dirty_names.take(), std::mem::take(&mut state.dirty));
            (state.written, names, files, std::mem::take(&mut state.dirty_folder), growing)
        };
        let start = Instant::now();
        // Points are no use without their names, which is why those go first.
        let named = names.map_or(Ok(()), |names| names.sync());
        let written = files.iter().try_for_each(|file| file.sync());
        let listed = if folder { self.disk.sync_folder() } else { Ok(()) };
        let listed = listed.and_then(|()| growing.iter().flatten().try_for_each(|file| file.has_name()));
        let elapsed = start.elapsed();

        let names_lost = named.is_err() || listed.is_err();
        let result = named.and(written).and(listed);
        match &result {
            Ok(()) => {
                let mut state = self.state();
                state.arrive_on_disk(position);
                state.counts.syncs += 1;
                state.counts.last_sync = elapsed;
                state.counts.longest_sync = state.counts.longest_sync.max(elapsed);
                state.counts.sync_time += elapsed;
            }
            Err(error) => self.rescue(error, names_lost),
        }
        self.announce();
        result.map(|()| true)
    }

    /// Makes safe what was appended until now; waits for the threads to do it.
    pub(crate) fn sync(&self) -> Result<(), JournalError> {
        let mut state = self.state();
        let (target, failures) = (state.appended, state.failures());
        state.wanted = state.wanted.max(target);
        self.to_write.notify_one();
        self.to_sync.notify_one();
        while state.synced < target && state.failures() == failures && !state.closing {
            state = self.done.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.synced >= target {
            return Ok(());
        }
        let (kind, text) =
            state.last_error.clone().unwrap_or((io::ErrorKind::Other, "the journal is closed".to_owned()));
        Err(JournalError::Unsynced { bytes: target - state.synced, source: io::Error::new(kind, text) })
    }

    /// Queues again all that was written and not synced, for a segment of its own.
    fn rescue(&self, error: &io::Error, names_lost: bool) {
        let mut writer = self.writer();
        let mut state = self.state();
        let mut again = std::mem::take(&mut state.unsynced);
        again.append(&mut writer.queue);
        writer.queue = again;
        state.written = state.synced;
        state.dirty.clear();
        state.start_afresh();
        writer.points = None;
        writer.floor = state.current;
        writer.renew_names |= names_lost;
        state.counts.sync_failures += 1;
        state.last_error = Some((error.kind(), error.to_string()));
        let bytes = state.appended - state.synced;
        drop((state, writer));
        warn!(path = %self.options.dir.display(), bytes, %error, "The journal could not be synced; it is written again.");
        self.to_write.notify_one();
    }
}
