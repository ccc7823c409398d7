//! Connections to a destination: its name is looked up anew for each, and every address of it is tried.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use super::peer::Peer;

/// The least time for one address of several.
const SHORTEST_TRY: Duration = Duration::from_secs(2);

/// Addresses of one name that are tried; a name server may give any number.
const MOST_ADDRESSES: usize = 16;

/// How to reach a destination.
#[derive(Debug)]
pub(crate) struct Dial {
    /// `HOST:PORT`.
    address: String,
    patience: Duration,
    #[cfg(feature = "tls")]
    tls: Option<super::tls::Tls>,
}

impl Dial {
    /// Will connect to `address`, and give everything up that takes longer than `patience`.
    pub(crate) fn new(address: &str, patience: Duration) -> Dial {
        Dial {
            address: address.to_owned(),
            patience,
            #[cfg(feature = "tls")]
            tls: None,
        }
    }

    /// Encrypts what goes over the connections.
    #[cfg(feature = "tls")]
    pub(crate) fn encrypted(mut self, tls: Option<super::tls::Tls>) -> Dial {
        self.tls = tls;
        self
    }

    /// `HOST:PORT`, as it was configured.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Connects to the first address that takes us.
    ///
    /// # Errors
    /// Why the last address did not, or that there is none.
    pub(crate) async fn connect(&self) -> io::Result<Box<dyn Peer>> {
        let found = timeout(self.patience, lookup_host(&self.address)).await;
        let addresses: Vec<_> = found.map_err(|_| late("looking the name up"))??.take(MOST_ADDRESSES).collect();
        let each = (self.patience / addresses.len().max(1) as u32).max(SHORTEST_TRY.min(self.patience));
        let mut fault = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        for address in addresses {
            match timeout(each, self.try_one(address)).await {
                Ok(Ok(peer)) => return Ok(peer),
                Ok(Err(error)) => fault = error,
                Err(_) => fault = late("connecting"),
            }
        }
        Err(fault)
    }

    async fn try_one(&self, address: SocketAddr) -> io::Result<Box<dyn Peer>> {
        let socket = TcpStream::connect(address).await?;
        // Lines leave in chunks of several; waiting for more gains nothing.
        socket.set_nodelay(true)?;
        // A machine that lost its power says nothing any more. Without this the kernel would take our lines for a
        // quarter of an hour and then drop them all.
        let patience = self.patience.as_millis().try_into().unwrap_or(u32::MAX);
        #[cfg(target_os = "linux")]
        rustix::net::sockopt::set_tcp_user_timeout(&socket, patience)?;
        #[cfg(not(target_os = "linux"))]
        let _: u32 = patience;
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.tls {
            return tls.wrap(socket).await;
        }
        Ok(Box::new(socket))
    }
}

/// What takes too long.
pub(crate) fn late(doing: &str) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, format!("{doing} takes too long"))
}
