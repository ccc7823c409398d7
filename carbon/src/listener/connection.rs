//! One connection, from its acceptance to its end. The same for every protocol over a stream.
//!
//! A read brings up to 256 KiB into a buffer of the worker thread, and its points go on as one batch. So a point costs no
//! system call of its own and no allocation; a small read costs one system call and the allocation of its batch. After a
//! read that filled the buffer others have their turn, so that a flood delays nobody by more than one such read. A peer
//! that sends a little all the time is read as [`super::beat`] has it.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::Protocol;
use super::beats::Beats;
use super::buffer;
use super::framing::{Framing, Head};
use super::handed::{Desk, HandedConnection};
use super::peers::{Peers, Place};
use super::socket::Peer;
use super::steady::Steadiness;
use super::unfinished::{Claim, Unfinished};
use super::watched::Socket;
use crate::batch::Batch;
use crate::intake::{Intake, Readiness};

/// How long a stop reads what the kernel had accepted, for one connection whose peer keeps sending.
const DRAIN: Duration = Duration::from_secs(3);

/// What all connections share.
#[derive(Debug)]
pub(crate) struct Serving {
    pub(crate) intake: Arc<Intake>,
    pub(crate) peers: Arc<Peers>,
    pub(crate) unfinished: Arc<Unfinished>,
    /// How long a peer may take for one line or frame.
    pub(crate) idle_timeout: Duration,
    pub(crate) stop: CancellationToken,
    pub(crate) desk: Arc<Desk>,
    pub(crate) beats: Beats,
}

/// What a connection has brought so far, and from whom.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) protocol: Protocol,
    pub(crate) peer: Peer,
    pub(crate) place: Option<Place>,
    /// While a PROXY header is expected.
    pub(crate) head: Option<Head>,
    pub(crate) framing: Framing,
    /// While more is unfinished than every connection may hold.
    pub(crate) claim: Option<Claim>,
    /// The last read brought lines, but hardly a point.
    pub(crate) noisy: bool,
}

/// Bytes read at once from a noisy peer: to refuse a line costs more than to take one, and others wait for their turn.
const FROM_NOISY: usize = 16 * 1024;

/// A peer is noisy with fewer points than one in so many bytes.
const BYTES_A_POINT: usize = 512;

/// What one attempt to read brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    Bytes {
        /// A line or a frame came to its end.
        whole: bool,
        count: usize,
    },
    Nothing,
    End,
}

/// Why a socket is no longer watched.
enum Turn {
    /// A stop fired, and there may be more to read.
    Stop,
    /// The connection has ended.
    End,
    /// It is better read on the beat.
    Steady,
}

impl Serving {
    /// Serves one peer until it hangs up, is silent for too long, breaks its protocol, or `stop` fires. Whole lines that
    /// our side of the connection had received by then are always delivered.
    pub(crate) async fn serve(self: Arc<Self>, mut socket: Socket, mut stream: Stream) {
        loop {
            match self.watch(&socket, &mut stream).await {
                Turn::Steady => {
                    let Some((again, same)) = self.on_the_beat(socket, stream).await else { return };
                    stream = same;
                    match again {
                        Some(again) => socket = again,
                        None => break,
                    }
                }
                Turn::Stop if self.desk.is_open() => return self.hand_over(socket, stream),
                Turn::Stop => {
                    self.drain(socket, &mut stream).await;
                    break;
                }
                Turn::End => break,
            }
        }
        stream.framing.finish(&self.intake, stream.peer);
    }

    /// Goes on with a connection of our predecessor. A byte that has arrived earlier is read again from memory.
    pub(crate) async fn resume(
        self: Arc<Self>,
        socket: Socket,
        mut stream: Stream,
        skipping: bool,
        unfinished: Vec<u8>,
    ) {
        let mut batch = Batch::new();
        if skipping {
            stream.framing.skip();
        } else if self.take(&mut stream, &unfinished, &mut batch).is_none() {
            return;
        }
        drop(unfinished);
        self.unfinished.note(&mut stream.claim, stream.framing.held());
        self.intake.accept(&mut batch).await;
        self.serve(socket, stream).await;
    }

    /// Leaves the connection to our successor, as it is between two reads.
    fn hand_over(&self, socket: Socket, stream: Stream) {
        let Ok(socket) = socket.into_inner() else { return };
        let unfinished = stream.head.as_ref().map_or_else(|| stream.framing.unfinished(), |head| Some(head.bytes()));
        self.desk.leave_connection(HandedConnection {
            protocol: stream.protocol,
            socket,
            peer: stream.peer.address(),
            awaits_header: stream.head.is_some(),
            skipping: unfinished.is_none(),
            unfinished: unfinished.unwrap_or_default().to_vec(),
        });
    }

    /// Reads as bytes arrive.
    async fn watch(&self, socket: &Socket, stream: &mut Stream) -> Turn {
        let (mut stopped, mut silence) = (pin!(self.stop.cancelled()), pin!(sleep(self.idle_timeout)));
        let (mut batch, mut heard, mut steadiness) = (Batch::new(), Instant::now(), Steadiness::default());
        loop {
            let ready = tokio::select! {
                biased;
                () = &mut stopped => return Turn::Stop,
                () = ended(stream.claim.as_ref()) => {
                    debug!(peer = %stream.peer, "A connection gives its memory to others: it was unfinished for longest.");
                    return Turn::End;
                }
                ready = socket.readable() => ready,
                // Set anew when it fires and not at each read, which would cost a lock.
                () = &mut silence => {
                    let until = heard + self.idle_timeout;
                    if until <= Instant::now() {
                        self.intake.stats.timeouts.fetch_add(1, Relaxed);
                        debug!(peer = %stream.peer, "A connection brought no whole line for too long; it is closed.");
                        return Turn::End;
                    }
                    silence.as_mut().reset(until);
                    continue;
                }
            };
            if ready.is_err() {
                return Turn::End;
            }
            let progress = self.read(|buffer| socket.try_read(buffer), stream, &mut batch);
            self.unfinished.note(&mut stream.claim, stream.framing.held());
            // A full cache makes us wait here; we stop reading, and TCP slows the sender down.
            self.intake.accept(&mut batch).await;
            match progress {
                Progress::End => return Turn::End,
                Progress::Nothing => {}
                Progress::Bytes { whole, count } => {
                    if whole {
                        heard = Instant::now();
                        if steadiness.note(count, heard) {
                            return Turn::Steady;
                        }
                    }
                    if count == buffer::SIZE {
                        tokio::task::yield_now().await;
                    } else {
                        // An idle connection keeps no batch.
                        batch = Batch::new();
                    }
                }
            }
        }
    }

    /// Reads until the kernel has nothing more. Asked directly, since the runtime may not have heard of the latest bytes
    /// yet.
    async fn drain(&self, socket: Socket, stream: &mut Stream) {
        let Ok(socket) = socket.into_inner() else { return };
        let (until, mut batch) = (Instant::now() + DRAIN, Batch::new());
        while Instant::now() < until {
            let progress = self.read(|buffer| Ok(rustix::io::read(&socket, buffer)?), stream, &mut batch);
            let readiness = self.intake.accept(&mut batch).await;
            if readiness == Readiness::Late || !matches!(progress, Progress::Bytes { .. }) {
                return;
            }
        }
    }

    pub(super) fn read(
        &self,
        read: impl FnOnce(&mut [u8]) -> io::Result<usize>,
        stream: &mut Stream,
        batch: &mut Batch,
    ) -> Progress {
        let (size, before) = (if stream.noisy { FROM_NOISY } else { buffer::SIZE }, batch.len());
        buffer::lend(|buffer| match read(&mut buffer[..size]) {
            Ok(0) => Progress::End,
            Ok(count) => match self.take(stream, &buffer[..count], batch) {
                Some(whole) => {
                    stream.noisy = whole && (batch.len() - before) * BYTES_A_POINT < count;
                    Progress::Bytes { whole, count }
                }
                None => Progress::End,
            },
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Progress::Nothing,
            Err(_) => Progress::End,
        })
    }

    /// Whether something came to its end in `bytes`; `None` when the connection is to be closed.
    fn take(&self, stream: &mut Stream, bytes: &[u8], batch: &mut Batch) -> Option<bool> {
        let taken = match &mut stream.head {
            None => stream.framing.feed(&self.intake, bytes, stream.peer, batch),
            Some(head) => match head.feed(bytes) {
                Ok(None) => Ok(false),
                Ok(Some((peer, rest))) => {
                    stream.head = None;
                    if !self.introduce(stream, peer) {
                        return None;
                    }
                    stream.framing.feed(&self.intake, rest, stream.peer, batch)
                }
                Err(broken) => Err(broken),
            },
        };
        taken
            .inspect_err(|broken| {
                self.intake.stats.broken.fetch_add(1, Relaxed);
                debug!(peer = %stream.peer, "A connection is closed: {broken}.");
            })
            .ok()
    }

    /// From here on the proxy's client is the peer; `false` when it has all the connections that it may have.
    fn introduce(&self, stream: &mut Stream, peer: Option<Peer>) -> bool {
        stream.peer = peer.unwrap_or(stream.peer);
        stream.place = self.peers.admit(stream.peer.ip());
        if stream.place.is_none() {
            self.intake.stats.turned_away.fetch_add(1, Relaxed);
        }
        stream.place.is_some()
    }
}

/// Waits until others need the memory of a claim.
pub(super) async fn ended(claim: Option<&Claim>) {
    match claim {
        Some(claim) => claim.ended.cancelled().await,
        None => std::future::pending().await,
    }
}
