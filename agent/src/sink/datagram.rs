//! Delivery by UDP: lines as they are, or statsd's gauges. Nobody answers, so nothing is sent twice, and what the kernel
//! refuses is lost and counted.

use std::fmt::Write as _;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{UdpSocket, lookup_host};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::dial::late;
use super::pauses::Pauses;
use super::wire::points;
use crate::outlet::Outlet;

/// Bytes that pass any usual network in one piece.
const LARGEST: usize = 1432;

/// How long an address is used before its name is looked up anew.
const ADDRESS_FOR: Duration = Duration::from_secs(60);

/// What a datagram holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// Graphite lines.
    Lines,
    /// `name:value|g`. Values are what Graphite would get, so a counter arrives as its rate; statsd stamps them itself.
    Statsd,
}

/// Delivers an outlet by datagrams.
#[derive(Debug)]
pub(crate) struct Datagrams {
    pub(crate) address: String,
    pub(crate) content: Content,
    pub(crate) outlet: Arc<Outlet>,
    pub(crate) pauses: Pauses,
    pub(crate) patience: Duration,
}

impl Datagrams {
    /// Delivers until `closing` fires and nothing waits.
    pub(crate) async fn run(mut self, closing: CancellationToken) {
        let mut failing = false;
        while self.outlet.wait(&closing).await {
            let error = match self.connect().await {
                Ok(socket) => {
                    let begun = Instant::now();
                    match self.deliver(&socket, begun + ADDRESS_FOR, &closing, &mut failing).await {
                        Ok(()) => {
                            self.pauses.lived(begun.elapsed());
                            continue;
                        }
                        Err(error) => error,
                    }
                }
                Err(error) => error,
            };
            if !std::mem::replace(&mut failing, true) {
                warn!(destination = self.outlet.name(), peer = self.address, "Cannot deliver: {error}.");
            }
            if closing.is_cancelled() {
                return;
            }
            tokio::select! {
                () = sleep(self.pauses.next()) => {}
                () = closing.cancelled() => {}
            }
        }
    }

    async fn connect(&self) -> io::Result<UdpSocket> {
        let found = timeout(self.patience, lookup_host(&self.address)).await;
        let address = found.map_err(|_| late("looking the name up"))??.next();
        let address = address.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "the name has no address"))?;
        let any = match address {
            SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
            SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
        };
        let socket = UdpSocket::bind(any).await?;
        socket.connect(address).await?;
        Ok(socket)
    }

    async fn deliver(
        &self,
        socket: &UdpSocket,
        until: Instant,
        closing: &CancellationToken,
        failing: &mut bool,
    ) -> io::Result<()> {
        while Instant::now() < until {
            let Some(held) = self.outlet.take() else {
                if closing.is_cancelled() {
                    return Ok(());
                }
                tokio::select! {
                    () = self.outlet.filled() => {}
                    () = closing.cancelled() => {}
                }
                continue;
            };
            for datagram in datagrams(self.content, held.lines()) {
                // An answer to an earlier datagram that nobody takes it comes as an error of this one.
                if let Err(error) = timeout(self.patience, socket.send(datagram.as_bytes())).await? {
                    held.refused();
                    return Err(error);
                }
            }
            held.handed();
            if std::mem::take(failing) {
                info!(destination = self.outlet.name(), "Delivers again.");
            }
        }
        Ok(())
    }
}

/// Whole lines in pieces that fit.
fn datagrams(content: Content, lines: &[u8]) -> Vec<String> {
    let mut datagrams = vec![String::new()];
    let mut line = String::new();
    for (name, value, time) in points(lines) {
        line.clear();
        // Writing to a String cannot fail.
        let _ = match content {
            Content::Lines => writeln!(line, "{name} {value} {time}"),
            // A sign would mean "by so much more or less", so a negative gauge is set to zero first.
            Content::Statsd if value.starts_with('-') => {
                write!(line, "{}:0|g\n{}:{value}|g\n", plain(name), plain(name))
            }
            Content::Statsd => writeln!(line, "{}:{value}|g", plain(name)),
        };
        let last = datagrams.len() - 1;
        if !datagrams[last].is_empty() && datagrams[last].len() + line.len() > LARGEST {
            datagrams.push(String::new());
        }
        let last = datagrams.len() - 1;
        datagrams[last].push_str(&line);
    }
    datagrams.retain(|datagram| !datagram.is_empty());
    datagrams
}

/// A name without the marks that mean something to statsd.
fn plain(name: &str) -> String {
    name.replace([':', '|', '@'], "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gauges_are_as_statsd_reads_them() {
        let lines = b"a.b 1.5 5\nc:d -2 5\n";
        assert_eq!(datagrams(Content::Statsd, lines), ["a.b:1.5|g\nc_d:0|g\nc_d:-2|g\n"]);
        assert_eq!(datagrams(Content::Lines, lines), ["a.b 1.5 5\nc:d -2 5\n"]);
    }

    #[test]
    fn datagrams_hold_whole_lines_and_pass_any_network() {
        let lines: String = (0..1000).map(|number| format!("metric.{number} {number} 1700000000\n")).collect();
        let datagrams = datagrams(Content::Lines, lines.as_bytes());
        assert!(datagrams.iter().all(|datagram| datagram.len() <= LARGEST && datagram.ends_with('\n')));
        assert_eq!(datagrams.concat(), lines);
    }
}
