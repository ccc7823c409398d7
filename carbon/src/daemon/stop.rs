//! The end, from the listeners inwards, and the change of hands.

use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tracing::{error, info};

use super::{Carbon, Error};
use crate::listener::{Handed, Listeners, Tasks};

/// What writers get at least on a stop, however late it is.
const LEAST_DRAIN: Duration = Duration::from_millis(500);

impl Carbon {
    /// Stops to read and to accept, and gives the sockets for a successor; what was read is in journal and cache. To be
    /// followed by [`Carbon::stop`], or by [`Carbon::resume`] when there is no successor after all.
    pub async fn hand_over(&mut self) -> Handed {
        self.tasks.desk.open();
        self.tasks.end().await;
        if self.checkpoint.is_some() {
            // A successor waits; it stores from the journal what we have not.
            self.drain_for = Duration::ZERO;
        }
        self.tasks.desk.close()
    }

    /// Goes on with what [`Carbon::hand_over`] gave.
    ///
    /// # Errors
    /// When a socket cannot be watched any more.
    pub fn resume(&mut self, handed: Handed) -> Result<(), Error> {
        self.tasks = Tasks::default();
        let Some(reading) = self.reading.take() else { return Ok(()) };
        self.drain_for = reading.config.drain_for;
        let listeners = Listeners::bind(&reading.config, handed)?;
        self.read(reading, listeners)
    }

    /// Stops in order: listeners read out what their kernel had accepted, the journal makes it safe, then writers store
    /// what waits, for `drain-for` from now. What is left then is stored by the next start. A journal that cannot make it
    /// safe, because its disk is full, forgets first what is in the archives by then.
    ///
    /// # Errors
    /// When a writer panicked, the journal could not make its points safe, or there is none and the store refused points
    /// for longer than `drain-for`.
    pub async fn stop(mut self) -> Result<(), Error> {
        let until = Instant::now() + self.drain_for;
        self.tasks.end().await;
        let checkpoint = self.checkpoint.take();
        if checkpoint.is_none() {
            self.lift_limits();
        }
        let safe = match &checkpoint {
            Some(checkpoint) => checkpoint.sync_journal().await.is_ok(),
            None => true,
        };
        // However long that took, there is a moment for the points that came last.
        self.end_writers(until.max(Instant::now() + LEAST_DRAIN));
        let writers = std::mem::take(&mut self.writers);
        let joined =
            tokio::task::spawn_blocking(|| writers.into_iter().map(join).collect::<Result<Vec<()>, _>>()).await;
        joined.unwrap_or_else(|error| Err(Error::WriterPanicked(error.to_string())))?;
        let points = self.cache.points();
        match checkpoint {
            Some(checkpoint) => {
                if !safe {
                    checkpoint.make_room(until).await;
                }
                checkpoint.finish(until).await?;
                info!(points, "What is not in its archive is in the journal, for the next start.");
                Ok(())
            }
            None if points == 0 => Ok(()),
            None => Err(Error::PointsLeft { points }),
        }
    }

    pub(super) fn end_writers(&self, until: Instant) {
        let _ = self.ending.until.set(until);
        self.ending.ended.cancel();
        self.cache.bell().ring();
    }
}

impl Drop for Carbon {
    /// A daemon that is dropped and not stopped still lets its tasks and threads end, but nobody waits for them.
    fn drop(&mut self) {
        self.tasks.stop.cancel();
        if !self.writers.is_empty() {
            error!(points = self.cache.points(), "The daemon was dropped without being stopped.");
        }
        self.end_writers(Instant::now() + self.drain_for);
    }
}

fn join(writer: JoinHandle<()>) -> Result<(), Error> {
    let name = writer.thread().name().unwrap_or("a writer").to_owned();
    writer.join().map_err(|_| Error::WriterPanicked(name))
}
