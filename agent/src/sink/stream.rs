//! Delivery over a connection: connects when there is something to send, keeps the connection, and gives nothing up
//! that the outlet can still hold. While nothing waits the connection is lent to whoever measures.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::dial::{Dial, late};
use super::pauses::{GOOD, Pauses};
use super::peer::{Peer, hung_up};
use super::wire::Wire;
use crate::outlet::{Begun, Loan, Outlet};

/// How long a peer may take to close its side after we have closed ours, which tells that it has read everything.
const FAREWELL: Duration = Duration::from_secs(2);

/// Bytes that a peer may say over one connection. A listener says nothing, so what does is something else, and reading
/// it without end would cost us a processor.
const MOST_HEARD: usize = 1 << 20;

/// Delivers an outlet to one listener.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) dial: Dial,
    pub(crate) wire: Wire,
    pub(crate) outlet: Arc<Outlet>,
    pub(crate) pauses: Pauses,
    pub(crate) patience: Duration,
    /// Time between two lines from the spool.
    pub(crate) pace: Duration,
}

impl Stream {
    /// Delivers until `closing` fires and nothing waits. Who calls bounds how long that may take.
    pub(crate) async fn run(mut self, closing: CancellationToken) {
        let mut outage: Option<Outage> = None;
        while self.outlet.wait(&closing).await {
            let error = match self.dial.connect().await {
                Ok(peer) => {
                    self.outlet.connected();
                    let since = Instant::now();
                    let _broken = Broken(&self.outlet);
                    let ended = self.deliver(peer, &closing, &mut outage).await;
                    self.pauses.lived(since.elapsed());
                    match ended {
                        Ok(()) => return,
                        Err(error) => error,
                    }
                }
                Err(error) => {
                    self.outlet.broken();
                    error
                }
            };
            if outage.is_none() {
                let peer = self.dial.address();
                warn!(destination = self.outlet.name(), peer, "Cannot deliver, lines wait: {error}.");
                outage = Some(Outage { since: Instant::now(), before: self.outlet.queue().lost() });
            }
            let pause = self.pauses.next();
            tokio::select! {
                () = sleep(pause) => {}
                // One attempt at once, and then no faster than the first pause: the listener may be stopping with us.
                () = closing.cancelled() => sleep(pause.min(self.pauses.first())).await,
            }
        }
    }

    /// Says what an outage has cost, once it is over.
    fn tell_return(&self, Outage { since, before }: Outage, connected: Instant) {
        let (now, destination) = (self.outlet.queue().lost(), self.outlet.name());
        let seconds = connected.saturating_duration_since(since).as_secs();
        let lost = now.all_points() - before.all_points();
        if lost == 0 {
            info!(destination, seconds, "Delivers again, nothing was lost.");
        } else {
            let lost_seconds = now.all_seconds() - before.all_seconds();
            warn!(destination, seconds, points = lost, lost_seconds, "Delivers again; the oldest points are lost.");
        }
    }

    /// Writes chunk after chunk, what is new first, then what waits on disk, at its pace. Ends well only when `closing`
    /// fired, nothing is left, and the peer has had time to read.
    async fn deliver(
        &self,
        mut peer: Box<dyn Peer>,
        closing: &CancellationToken,
        outage: &mut Option<Outage>,
    ) -> io::Result<()> {
        let Stream { outlet, wire, patience, pace, .. } = self;
        let (mut heard, mut heard_bytes) = ([0; 1024], 0);
        let mut way = peer.way(*wire);
        let connected = Instant::now();
        let mut turn = connected;
        loop {
            // A peer that takes every connection and resets it is an outage still, and said once.
            if let Some(over) = outage.take_if(|_| connected.elapsed() >= GOOD) {
                self.tell_return(over, connected);
            }
            // A peer that has hung up is noticed before the lines are given to its socket, where they would be lost.
            if hung_up(peer.socket()) {
                return Err(closed());
            }
            if let Some(held) = outlet.take() {
                write(&mut peer, &wire.encode(held.lines()), *patience).await?;
                held.handed();
                continue;
            }
            // A stop does not wait for what is safe on disk.
            if closing.is_cancelled() {
                return farewell(outlet, peer).await;
            }
            if turn <= Instant::now()
                && let Some(replay) = outlet.take_replay()
            {
                write(&mut peer, &wire.encode(&replay.lines), *patience).await?;
                turn = Instant::now() + *pace * replay.points.try_into().unwrap_or(u32::MAX);
                outlet.replayed(replay);
                continue;
            }
            let loan = way.take().map(|way| outlet.lend(way));
            tokio::select! {
                () = outlet.filled() => {}
                () = sleep_until(turn), if turn > Instant::now() => {}
                () = sleep_until(connected + GOOD), if outage.is_some() => {}
                () = closing.cancelled() => {}
                // What it says is of no interest, only whether it is still there.
                read = peer.read(&mut heard) => match read? {
                    0 => return Err(closed()),
                    more => heard_bytes += more,
                },
            }
            if heard_bytes > MOST_HEARD {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "the other side talks and is no listener"));
            }
            if let Some((back, begun)) = loan.and_then(Loan::end) {
                way = Some(back);
                if let Some(Begun { held, rest }) = begun {
                    write(&mut peer, &rest, *patience).await?;
                    held.handed();
                }
            }
        }
    }
}

/// An outage that was told.
#[derive(Clone, Copy, Debug)]
struct Outage {
    since: Instant,
    /// What was lost before it.
    before: crate::Lost,
}

/// Tells the outlet that a connection is over, even when the task is cut off in the middle.
struct Broken<'a>(&'a Outlet);

impl Drop for Broken<'_> {
    fn drop(&mut self) {
        self.0.broken();
    }
}

async fn write(peer: &mut Box<dyn Peer>, bytes: &[u8], patience: Duration) -> io::Result<()> {
    let whole = async {
        peer.write_all(bytes).await?;
        // TLS keeps what is no whole record.
        peer.flush().await
    };
    timeout(patience, whole).await.map_err(|_| late("writing"))?
}

/// Closes our side and waits for the peer to close its own, which it does when it has read everything.
async fn farewell(outlet: &Outlet, mut peer: Box<dyn Peer>) -> io::Result<()> {
    peer.shutdown().await?;
    let closes = async {
        let mut heard = [0; 1024];
        while peer.read(&mut heard).await? > 0 {}
        io::Result::Ok(())
    };
    // A peer that keeps its side open may have read everything or nothing; its lines count as unconfirmed.
    if let Ok(closed) = timeout(FAREWELL, closes).await {
        closed?;
        outlet.confirmed();
    }
    Ok(())
}

fn closed() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, "the other side closed the connection")
}
