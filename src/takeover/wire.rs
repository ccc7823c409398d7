//! How sockets travel from a daemon to its successor, over a unix stream between two processes of one host.
//!
//! ```text
//! successor   "plumbago takeover 1\n"
//! daemon      one message a socket, and a last one without
//!               0  length of the description, u32 little-endian; the socket travels beside these eight bytes
//!               4  length of what the peer has begun and not ended, u32 little-endian
//!               8  the description, JSON
//!                  what the peer has begun
//! successor   "k": it has them all, and the daemon may forget them
//! ```
//! Then the daemon stops, and its end of the stream closes once its journal is free.

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

use carbon::{Handed, HandedConnection, HandedListener, Protocol};
use rustix::cmsg_space;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
};
use serde::{Deserialize, Serialize};

/// What a successor says first.
pub(crate) const HELLO: &[u8] = b"plumbago takeover 1\n";

/// What it says last.
const TAKEN: u8 = b'k';

/// More than any description or unfinished pickle; a length above is no message of ours.
const LONGEST: usize = 64 << 20;

/// What a socket is.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Description {
    Http,
    Listener { protocol: String, counted: u32, lent: bool },
    Connection { protocol: String, peer: Option<SocketAddr>, awaits_header: bool, skipping: bool },
    End,
}

/// Sends everything and waits until it has arrived.
pub(crate) fn give(mut to: &UnixStream, http: Option<&OwnedFd>, handed: &Handed) -> io::Result<()> {
    if let Some(http) = http {
        send(to, Some(http.as_fd()), &Description::Http, &[])?;
    }
    for HandedListener { protocol, socket, counted, lent } in &handed.listeners {
        let description = Description::Listener { protocol: protocol.key().to_owned(), counted: *counted, lent: *lent };
        send(to, Some(socket.as_fd()), &description, &[])?;
    }
    for connection in &handed.connections {
        let description = Description::Connection {
            protocol: connection.protocol.key().to_owned(),
            peer: connection.peer,
            awaits_header: connection.awaits_header,
            skipping: connection.skipping,
        };
        send(to, Some(connection.socket.as_fd()), &description, &connection.unfinished)?;
    }
    send(to, None, &Description::End, &[])?;
    let mut answer = [0];
    to.read_exact(&mut answer)?;
    if answer[0] == TAKEN { Ok(()) } else { Err(strange("no confirmation")) }
}

/// What a successor was given.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    pub(crate) http: Option<OwnedFd>,
    pub(crate) handed: Handed,
    /// Whether the stream ended before all of it had come, as it does when the daemon is killed.
    pub(crate) cut_short: bool,
}

/// Receives everything that [`give`] sends, and says so; or as much as a daemon sends that dies over it.
pub(crate) fn take(mut from: &UnixStream) -> io::Result<Taken> {
    let (mut http, mut handed) = (None, Handed::default());
    loop {
        let (socket, description, unfinished) = match receive(from) {
            Ok(received) => received,
            Err(error) if is_end(&error) => return Ok(Taken { http, handed, cut_short: true }),
            Err(error) => return Err(error),
        };
        let named = |key: &str| Protocol::named(key).ok_or_else(|| strange("a protocol that we do not know"));
        match (description, socket) {
            (Description::End, _) => break,
            (_, None) => return Err(strange("a description without its socket")),
            (Description::Http, socket) => http = socket,
            (Description::Listener { protocol, counted, lent }, Some(socket)) => {
                handed.listeners.push(HandedListener { protocol: named(&protocol)?, socket, counted, lent });
            }
            (Description::Connection { protocol, peer, awaits_header, skipping }, Some(socket)) => {
                let protocol = named(&protocol)?;
                let connection = HandedConnection { protocol, socket, peer, awaits_header, skipping, unfinished };
                handed.connections.push(connection);
            }
        }
    }
    match from.write_all(&[TAKEN]) {
        Err(error) if !is_end(&error) => Err(error),
        answered => Ok(Taken { http, handed, cut_short: answered.is_err() }),
    }
}

/// Whether the other process has closed its end.
pub(crate) fn is_end(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), UnexpectedEof | ConnectionReset | BrokenPipe)
}

fn send(mut to: &UnixStream, socket: Option<BorrowedFd<'_>>, what: &Description, unfinished: &[u8]) -> io::Result<()> {
    let description = serde_json::to_vec(what)?;
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).map(u32::to_le_bytes).map_err(io::Error::other);
    let head = [length(&description)?, length(unfinished)?].concat();
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let sockets = socket.as_slice();
    if !sockets.is_empty() && !control.push(SendAncillaryMessage::ScmRights(sockets)) {
        return Err(strange("no room for a socket"));
    }
    let sent = rustix::net::sendmsg(to, &[IoSlice::new(&head)], &mut control, SendFlags::NOSIGNAL)?;
    to.write_all(&head[sent..])?;
    to.write_all(&description)?;
    to.write_all(unfinished)
}

fn receive(mut from: &UnixStream) -> io::Result<(Option<OwnedFd>, Description, Vec<u8>)> {
    let mut head = [0; 8];
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let received =
        rustix::net::recvmsg(from, &mut [IoSliceMut::new(&mut head)], &mut control, RecvFlags::CMSG_CLOEXEC)?;
    let socket = control.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut sockets) => sockets.next(),
        _ => None,
    });
    if received.bytes == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    from.read_exact(&mut head[received.bytes..])?;
    let (description, unfinished) = head.split_at(4);
    let mut body = |length: &[u8]| -> io::Result<Vec<u8>> {
        let length = length.try_into().map(u32::from_le_bytes).map_or(usize::MAX, |length| length as usize);
        if length > LONGEST {
            return Err(strange("a message that is too long"));
        }
        let mut body = vec![0; length];
        from.read_exact(&mut body)?;
        Ok(body)
    };
    let (description, unfinished) = (body(description)?, body(unfinished)?);
    Ok((socket, serde_json::from_slice(&description)?, unfinished))
}

fn strange(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the other process sent {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn sockets_arrive_with_what_was_begun() {
        let (here, there) = UnixStream::pair().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (peer, connection) = UnixStream::pair().unwrap();
        let mut handed = Handed::default();
        handed.listeners.push(HandedListener {
            protocol: Protocol::Udp,
            socket: listener.into(),
            counted: 7,
            lent: true,
        });
        handed.connections.push(HandedConnection {
            protocol: Protocol::Pickle,
            socket: connection.into(),
            peer: Some(address),
            awaits_header: false,
            skipping: true,
            unfinished: vec![7; 500_000],
        });
        let giving = std::thread::spawn(move || give(&here, None, &handed));
        let Taken { http, handed: taken, cut_short } = take(&there).unwrap();
        giving.join().unwrap().unwrap();
        assert!(http.is_none() && !cut_short);
        assert_eq!(taken.lent(Protocol::Udp).unwrap(), [carbon::Address::Ip(address)]);
        let connection = &taken.connections[0];
        assert_eq!((connection.unfinished.len(), connection.peer, connection.skipping), (500_000, Some(address), true));
        (&peer).write_all(b"x").unwrap();
        let mut read = [0];
        UnixStream::from(connection.socket.try_clone().unwrap()).read_exact(&mut read).unwrap();
        assert_eq!(taken.listeners[0].counted, 7);
    }

    #[test]
    fn what_a_daemon_gave_before_it_died_is_kept() {
        let (here, there) = UnixStream::pair().unwrap();
        let (peer, connection) = UnixStream::pair().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        send(&here, Some(listener.as_fd()), &Description::Http, &[]).unwrap();
        let protocol = Protocol::Pickle.key().to_owned();
        let description = Description::Connection { protocol, peer: None, awaits_header: false, skipping: false };
        send(&here, Some(connection.as_fd()), &description, b"begun").unwrap();
        (&here).write_all(&[7, 0, 0]).unwrap();
        drop((here, connection));
        let taken = take(&there).unwrap();
        assert!(taken.cut_short && taken.http.is_some());
        assert_eq!(taken.handed.connections[0].unfinished, b"begun");
        drop(taken);
        assert_eq!((&peer).read(&mut [0]).unwrap(), 0);
    }

    #[test]
    fn a_stranger_is_refused() {
        for said in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[255; 100], b"\x02\0\0\0\0\0\0\0{}"] {
            let (mut here, there) = UnixStream::pair().unwrap();
            here.write_all(said).unwrap();
            drop(here);
            assert!(take(&there).is_err());
        }
    }
}
