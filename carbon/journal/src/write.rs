//! From memory to the kernel: names first, then the points that use them, then the next segment.

use std::io;
use std::sync::Arc;

use tracing::{info, warn};

use crate::chunk::Chunk;
use crate::core::Core;
use crate::disk::DiskFile;
use crate::frames::Frames;
use crate::growing::{Growing, Writer};
use crate::layout::{FILE_HEAD, FileHead, Kind};
use crate::state::{OnDisk, Refusal, State};
use crate::{files, names};

impl Core {
    /// Writes all that was appended until now; true when there was anything.
    ///
    /// # Errors
    /// What is not written stays, and is tried first next time.
    pub(crate) fn write_step(&self) -> io::Result<bool> {
        let mut writer = self.writer();
        writer.queue.append(&mut self.state().take());
        let any = !writer.queue.is_empty();
        let result = self.write_queue(&mut writer);
        drop(writer);
        self.note_write(&result);
        self.announce();
        result.map(|()| any)
    }

    fn write_queue(&self, writer: &mut Writer) -> io::Result<()> {
        if writer.renew_names && !writer.queue.is_empty() {
            self.renew_names(writer)?;
        }
        while let Some(mut chunk) = writer.queue.pop_front() {
            let result = self.write_chunk(writer, &mut chunk);
            if result.is_err() {
                writer.queue.push_front(chunk);
                return result;
            }
            let mut state = self.state();
            state.written = chunk.end;
            state.counts.writes += 1;
            state.unsynced.push_back(chunk);
        }
        Ok(())
    }

    fn write_chunk(&self, writer: &mut Writer, chunk: &mut Chunk) -> io::Result<()> {
        if !chunk.names.is_empty() {
            self.write_names(writer, &mut chunk.names)?;
            chunk.names = Frames::default();
        }
        let number = chunk.segment.max(writer.floor);
        if writer.points.as_ref().is_none_or(|points| points.number != number) {
            let finished = writer.points.take();
            writer.points = Some(self.begin_segment(finished, number, writer.generation)?);
        }
        let Some(points) = &mut writer.points else { return Ok(()) };
        points.write(&mut chunk.points)?;
        let mut state = self.state();
        grow(&mut state, chunk.points.len());
        mark_dirty(&mut state.dirty, &points.file);
        Ok(())
    }

    /// Closes the segment before and creates the file of the next one.
    fn begin_segment(&self, finished: Option<Growing>, number: u32, generation: u32) -> io::Result<Growing> {
        if let Some(Growing { file, offset, .. }) = finished {
            // Only room is at stake, so that a failure is not one.
            let _ = file.cut(offset);
        }
        let head = FileHead { kind: Kind::Points, generation, number };
        let reserve = self.options.segment_bytes.min(self.options.most_bytes);
        let file = self.disk.create(&files::segment(number), reserve)?;
        file.write_at(&head.encode(), 0)?;
        let mut state = self.state();
        state.segments.push_back(OnDisk { number, generation, bytes: FILE_HEAD as u64 });
        state.on_disk += FILE_HEAD as u64;
        state.dirty_folder = true;
        Ok(Growing { number, file, seed: head.seed(), offset: FILE_HEAD as u64 })
    }

    fn write_names(&self, writer: &mut Writer, frames: &mut Frames) -> io::Result<()> {
        let generation = writer.generation;
        if writer.names.is_none() {
            let head = FileHead { kind: Kind::Names, generation, number: 0 };
            let file = self.disk.create(&files::names(generation), 0)?;
            file.write_at(&head.encode(), 0)?;
            let mut state = self.state();
            state.generations.push_back((generation, FILE_HEAD as u64));
            state.on_disk += FILE_HEAD as u64;
            state.dirty_folder = true;
            writer.names = Some(Growing { number: 0, file, seed: head.seed(), offset: FILE_HEAD as u64 });
        }
        let Some(names) = &mut writer.names else { return Ok(()) };
        names.write(frames)?;
        let mut state = self.state();
        state.on_disk += frames.len() as u64;
        if let Some((_, bytes)) = state.generations.back_mut() {
            *bytes = names.offset;
        }
        state.dirty_names = Some(names.file.clone());
        Ok(())
    }

    /// All names once more, into a file of a new generation, and a new segment that refers to it.
    fn renew_names(&self, writer: &mut Writer) -> io::Result<()> {
        let named = self.state().named;
        let mut frames = Frames::default();
        names::append(&mut frames, &self.names, 0..named);
        // A new number for each try: a file that a failed one left is removed with its generation.
        writer.names = None;
        writer.generation += 1;
        writer.queue.iter_mut().for_each(|chunk| chunk.names = Frames::default());
        self.write_names(writer, &mut frames)?;
        writer.renew_names = false;
        Ok(())
    }

    /// Remembers how the last write went; says so in the log when that changes.
    fn note_write(&self, result: &io::Result<()>) {
        let mut state = self.state();
        let before = state.refused;
        state.refused = result.as_ref().err().map(|error| match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Refusal::Full,
            _ => Refusal::Failing,
        });
        if let Err(error) = result {
            state.counts.write_failures += 1;
            state.last_error = Some((error.kind(), error.to_string()));
        }
        let (after, bytes) = (state.refused, state.appended - state.written);
        drop(state);
        let path = self.options.dir.display();
        match (result, before != after) {
            (Err(error), true) => warn!(%path, bytes, %error, "The journal cannot be written; listeners wait."),
            (Ok(()), true) => info!(%path, "The journal is written again."),
            (_, false) => {}
        }
    }
}

impl Growing {
    /// Adds sealed records. After an error the same place is written again.
    fn write(&mut self, frames: &mut Frames) -> io::Result<()> {
        frames.seal(self.seed, self.offset);
        self.file.write_at(frames.bytes(), self.offset)?;
        self.offset += frames.len() as u64;
        Ok(())
    }
}

fn grow(state: &mut State, bytes: usize) {
    state.on_disk += bytes as u64;
    if let Some(segment) = state.segments.back_mut() {
        segment.bytes += bytes as u64;
    }
}

fn mark_dirty(dirty: &mut Vec<Arc<dyn DiskFile>>, file: &Arc<dyn DiskFile>) {
    if !dirty.iter().any(|known| Arc::ptr_eq(known, file)) {
        dirty.push(file.clone());
    }
}
