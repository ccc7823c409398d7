//! Reading on a beat. A peer that sends a little at a time, all the time, would wake us for each little; instead its
//! socket is not watched, and what has gathered there is read sixteen times a second, together with that of all its like.
//!
//! Costs a system call and a batch a beat, where each arrival cost two system calls, a batch and a wake-up of a thread.
//! With 8 peers that send 100 000 points a second in pieces every 10 ms, a store that keeps nothing, and a beat of 50 ms, a
//! million points cost 0.12 CPU seconds instead of 0.17, and 950 waits of a thread instead of 3 400; what lies behind the
//! listeners gains from the larger batches besides. A peer of very little is read five times a second. A point becomes
//! visible later by that at most. Peers that send now and then are never read this way.
//!
//! All of them are read on one thread of their own. The runtime's workers would wake each other at every beat to share
//! work that is done before the other one is awake. This thread also hands the journal's bytes to the kernel before it
//! sleeps, where the journal's own would have to wake up twice: once to hear of them, and once when it is time.

use std::os::fd::OwnedFd;
use std::pin::pin;
use std::sync::Arc;

use tokio::time::{Instant, sleep_until};

use super::connection::{Progress, Serving, Stream, ended};
use super::socket::Peer;
use super::steady::BEAT;
use super::watched::Socket;
use crate::batch::Batch;

/// With so many bytes in a beat a socket may be full, since its first window is of this size; then it is watched again, so
/// that its peer need not wait.
const MUCH: usize = 64 * 1024;

/// With fewer bytes than this in a beat, only every third beat is worth a read.
const FEW: usize = 8 * 1024;
const SLOW: u32 = 3;

impl Serving {
    /// Reads on the beat until a beat brings nothing or much, or something else ends it; the socket is watched again
    /// then, and there is none when the connection has ended. `None` when reading has panicked.
    pub(super) async fn on_the_beat(
        self: &Arc<Self>,
        socket: Socket,
        mut stream: Stream,
    ) -> Option<(Option<Socket>, Stream)> {
        let peer = if matches!(socket, Socket::Unix(_)) { Peer::Unix } else { stream.peer };
        let Ok(socket) = socket.into_inner() else { return Some((None, stream)) };
        let (this, beats) = (Arc::clone(self), self.beats.runtime());
        let first = beats.map(|(_, first)| first);
        let reading = async move {
            let goes_on = this.read_on_the_beat(&socket, &mut stream, first).await;
            (goes_on.then_some(socket), stream)
        };
        let (socket, stream) = match beats {
            Some((runtime, _)) => runtime.spawn(reading).await.ok()?,
            None => reading.await,
        };
        Some((socket.and_then(|socket| Socket::watch(socket, peer).ok()), stream))
    }

    /// `false` when the connection has ended. Without a thread for it there is no `first` beat.
    async fn read_on_the_beat(&self, socket: &OwnedFd, stream: &mut Stream, first: Option<Instant>) -> bool {
        let begun = first.unwrap_or_else(Instant::now);
        let (mut stopped, mut batch, mut every) = (pin!(self.stop.cancelled()), Batch::new(), 1);
        loop {
            tokio::select! {
                biased;
                // Whoever watches the socket next sees these two as well.
                () = &mut stopped => break,
                () = ended(stream.claim.as_ref()) => break,
                () = sleep_until(next_beat(begun, Instant::now(), every)) => {}
            }
            let progress = self.read(|buffer| Ok(rustix::io::read(socket, buffer)?), stream, &mut batch);
            self.unfinished.note(&mut stream.claim, stream.framing.held());
            // Late or not, the next look at the stop ends this.
            let _readiness = match first {
                Some(_) => self.intake.accept_to_write(&mut batch).await,
                None => self.intake.accept(&mut batch).await,
            };
            match progress {
                Progress::Bytes { whole: true, count } if count < MUCH => {
                    every = if count < FEW * every as usize { SLOW } else { 1 }
                }
                Progress::Bytes { .. } | Progress::Nothing => break,
                Progress::End => return false,
            }
        }
        true
    }
}

/// The next of `every` so many beats since the `first`. The same for all connections, so that one wake-up serves them
/// all.
fn next_beat(first: Instant, now: Instant, every: u32) -> Instant {
    let stride = BEAT * every;
    let strides = now.saturating_duration_since(first).as_millis() / stride.as_millis() + 1;
    // A program that runs for so long that this saturates reads at once, which is right as well.
    first + stride * u32::try_from(strides).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beat_is_common_to_all_and_never_far() {
        let first = Instant::now();
        let now = first + BEAT * 7 + BEAT / 3;
        let next = next_beat(first, now, 1);
        assert_eq!(next, first + BEAT * 8);
        assert_eq!(next_beat(first, next, 1), next + BEAT);
        assert_eq!(next_beat(first, now, SLOW), first + BEAT * 9);
        assert_eq!(next_beat(first, first, SLOW), first + BEAT * SLOW);
    }
}
