//! Sockets as descriptors: opened, named and asked, the same for TCP, UDP and unix.

use std::fmt;
use std::fs;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, sockopt};

/// Connections that the kernel completes ahead of us; it takes fewer when `net.core.somaxconn` says so.
const BACKLOG: i32 = 4096;

/// Where a listener can be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// Over TCP or UDP.
    Ip(SocketAddr),
    /// At a path of this host.
    Unix(PathBuf),
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Ip(address) => address.fmt(f),
            Address::Unix(path) => path.display().fmt(f),
        }
    }
}

/// Who sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    Ip(SocketAddr),
    /// A program of this host.
    Unix,
}

impl Peer {
    pub(crate) fn address(self) -> Option<SocketAddr> {
        match self {
            Peer::Ip(address) => Some(address),
            Peer::Unix => None,
        }
    }

    pub(crate) fn ip(self) -> Option<IpAddr> {
        match self {
            // A socket for both families shows old addresses in their new form.
            Peer::Ip(address) => Some(address.ip().to_canonical()),
            Peer::Unix => None,
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Peer::Ip(address) => address.fmt(f),
            Peer::Unix => f.write_str("unix"),
        }
    }
}

/// Listens for connections at `address`.
pub(crate) fn tcp(address: SocketAddr) -> io::Result<OwnedFd> {
    let fd = open(family(address), SocketType::STREAM)?;
    // Connections of our predecessor may still be closing.
    sockopt::set_socket_reuseaddr(&fd, true)?;
    rustix::net::bind(&fd, &address)?;
    rustix::net::listen(&fd, BACKLOG)?;
    Ok(fd)
}

/// Takes datagrams at `address`. The kernel keeps up to `buffer` bytes of them for us, or what `net.core.rmem_max` allows.
pub(crate) fn udp(address: SocketAddr, buffer: usize) -> io::Result<OwnedFd> {
    let fd = open(family(address), SocketType::DGRAM)?;
    if buffer > 0 {
        sockopt::set_socket_recv_buffer_size(&fd, buffer)?;
    }
    rustix::net::bind(&fd, &address)?;
    Ok(fd)
}

/// Listens for connections at `path`, where a socket that nobody listens on any more is replaced.
pub(crate) fn unix(path: &Path, mode: u32) -> io::Result<(OwnedFd, UnixPath)> {
    remove_stale(path)?;
    let fd = open(AddressFamily::UNIX, SocketType::STREAM)?;
    rustix::net::bind(&fd, &SocketAddrUnix::new(path)?)?;
    // Nobody can connect before `listen`, so nobody slips in under the mode of creation.
    fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    let owned = UnixPath::claim(path)?;
    rustix::net::listen(&fd, BACKLOG)?;
    Ok((fd, owned))
}

fn open(family: AddressFamily, kind: SocketType) -> rustix::io::Result<OwnedFd> {
    rustix::net::socket_with(family, kind, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK, None)
}

fn family(address: SocketAddr) -> AddressFamily {
    if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 }
}

fn remove_stale(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(found) if !found.file_type().is_socket() => Err(io::Error::new(ErrorKind::AlreadyExists, "no socket")),
        Ok(_) if UnixStream::connect(path).is_ok() => Err(io::Error::from(ErrorKind::AddrInUse)),
        Ok(_) => fs::remove_file(path),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// The path of a unix socket that we made; dropping it removes the socket, unless somebody has put another in its place.
#[derive(Debug)]
pub(crate) struct UnixPath {
    path: PathBuf,
    file: (u64, u64),
    kept: bool,
}

impl UnixPath {
    /// Takes over the duty for the socket at `path`.
    pub(crate) fn claim(path: &Path) -> io::Result<UnixPath> {
        Ok(UnixPath { path: path.to_owned(), file: identity(path)?, kept: false })
    }
}

impl UnixPath {
    /// Leaves the socket where it is, for somebody else.
    pub(crate) fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for UnixPath {
    fn drop(&mut self) {
        if !self.kept && identity(&self.path).is_ok_and(|found| found == self.file) {
            // Whoever starts next replaces it in any case.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    fs::symlink_metadata(path).map(|found| (found.dev(), found.ino()))
}

/// What a bound descriptor is reachable at.
pub(crate) fn address_of(fd: &OwnedFd) -> io::Result<Address> {
    let any = rustix::net::getsockname(fd)?;
    if any.address_family() == AddressFamily::UNIX {
        let unix = SocketAddrUnix::try_from(any)?;
        let path = unix.path_bytes().unwrap_or_default();
        return Ok(Address::Unix(PathBuf::from(String::from_utf8_lossy(path).into_owned())));
    }
    Ok(Address::Ip(SocketAddr::try_from(any)?))
}

/// The next connection of a listener that is never waited on here.
pub(crate) fn accept(listener: &OwnedFd) -> io::Result<(OwnedFd, Peer)> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let (stream, from) = rustix::net::acceptfrom_with(listener, flags)?;
    let peer = from.and_then(|from| SocketAddr::try_from(from).ok()).map_or(Peer::Unix, Peer::Ip);
    Ok((stream, peer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stale_socket_is_replaced_and_a_living_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("line.sock");
        let (first, abandoned) = unix(&path, 0o600).unwrap();
        abandoned.keep();
        assert_eq!(unix(&path, 0o600).unwrap_err().kind(), ErrorKind::AddrInUse);
        drop(first);
        let (second, owned) = unix(&path, 0o640).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(address_of(&second).unwrap(), Address::Unix(path.clone()));
        drop(owned);
        assert!(!path.exists());
    }

    #[test]
    fn only_our_own_socket_is_removed_and_a_file_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("line.sock");
        let (_first, owned) = unix(&path, 0o600).unwrap();
        fs::remove_file(&path).unwrap();
        fs::write(&path, "precious").unwrap();
        drop(owned);
        assert_eq!(unix(&path, 0o600).unwrap_err().kind(), ErrorKind::AlreadyExists);
        assert!(path.exists());
    }
}
