//! Lets go of segments whose points the archives hold safely.

use std::io;
use std::sync::PoisonError;

use crate::chunk::Segment;
use crate::core::Core;
use crate::files;

impl Core {
    /// Removes the files of all segments below `below` and returns how many. Never the current one, nor one of
    /// which points are not safe yet.
    ///
    /// Each removal is made safe before the next, and all points below are. So should a power cut undo one, everything
    /// later is there as well, and a replay ends at the newest values instead of writing old ones over them.
    ///
    /// # Errors
    /// What could not be removed is removed at the next call.
    pub(crate) fn release(&self, below: Segment) -> io::Result<usize> {
        let _one_at_a_time = self.releasing.lock().unwrap_or_else(PoisonError::into_inner);
        // The disk may take its time, which is no reason for the writer to wait; no file below will be begun.
        let (below, generation) = self.releasable(below.number());
        let mut released = 0;
        loop {
            let oldest = self.state().segments.front().map(|segment| segment.number);
            let Some(number) = oldest.filter(|number| *number < below) else { break };
            self.disk.remove(&files::segment(number))?;
            self.disk.sync_folder()?;
            released += 1;
            let mut state = self.state();
            if let Some(segment) = state.segments.pop_front() {
                state.on_disk -= segment.bytes;
            }
            state.counts.released += 1;
        }
        self.release_names(generation)?;
        self.announce();
        self.to_write.notify_one(); // there may be room now
        Ok(released)
    }

    /// The first segment that must stay, and the generation of names in use.
    pub(crate) fn releasable(&self, below: u32) -> (u32, u32) {
        let mut writer = self.writer();
        let state = self.state();
        // The order in which they are queued, and so by segment.
        let unsafe_yet = state.unsynced.iter().chain(&writer.queue).chain(&state.appending).next();
        let below = below.min(state.current).min(unsafe_yet.map_or(u32::MAX, |chunk| chunk.segment));
        drop(state);
        if writer.points.as_ref().is_some_and(|points| points.number < below) {
            writer.points = None; // an open file would keep its room
        }
        (below, writer.generation)
    }

    /// Removes the names files before `generation` that no segment refers to any more.
    fn release_names(&self, generation: u32) -> io::Result<()> {
        loop {
            let unused = {
                let state = self.state();
                let used = |number: u32| state.segments.iter().any(|segment| segment.generation == number);
                let mut numbers = state.generations.iter().map(|(number, _)| *number);
                numbers.find(|number| *number < generation && !used(*number))
            };
            let Some(number) = unused else { return Ok(()) };
            self.remove_names(number)?;
        }
    }

    fn remove_names(&self, generation: u32) -> io::Result<()> {
        self.disk.remove(&files::names(generation))?;
        let mut state = self.state();
        let gone: u64 =
            state.generations.iter().filter(|(number, _)| *number == generation).map(|(_, bytes)| bytes).sum();
        state.on_disk -= gone;
        state.generations.retain(|(number, _)| *number != generation);
        Ok(())
    }

    /// At the end: with no segment left, the names are of no use either.
    pub(crate) fn forget_names(&self) -> io::Result<()> {
        let mut writer = self.writer();
        {
            let state = self.state();
            if !state.segments.is_empty() || !writer.queue.is_empty() || !state.appending.is_empty() {
                return Ok(());
            }
        }
        writer.names = None;
        writer.renew_names = true;
        let generations: Vec<u32> = self.state().generations.iter().map(|(generation, _)| *generation).collect();
        for generation in generations {
            self.remove_names(generation)?;
        }
        self.disk.sync_folder()
    }
}
