//! `--takeover`: a new process takes the place of the one that runs on the same data, and no peer notices.
//!
//! The daemon listens on `control.sock` below its data folder. Its successor connects there, is given every listening
//! socket and every connection, and waits until the daemon has made its points safe and ended. While they are on the way
//! the kernel completes connections and keeps what peers send.

mod wire;

use std::fs;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use carbon::{Carbon, Handed};
use render::Server;
use rustix::event::{PollFd, PollFlags, Timespec};
use tracing::{info, warn};

use crate::reload::Reload;
use crate::signals::Signals;

/// How long either side waits for a word of the other.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long the kernel may take to clear a killed daemon away.
const EXIT: Duration = Duration::from_secs(5);

/// How long a successor waits for its predecessor to end: longer than a stop may take.
const END: Duration = Duration::from_secs(120);

/// Sockets that come from elsewhere.
#[derive(Debug, Default)]
pub(crate) struct Inherited {
    pub(crate) http: Option<TcpListener>,
    /// Whether a service manager keeps it as well.
    pub(crate) http_is_lent: bool,
    pub(crate) carbon: Handed,
}

impl Inherited {
    /// The socket for HTTP, if it is at `asked`. A port of 0 is content with any port.
    pub(crate) fn http_at(&mut self, asked: SocketAddr) -> Option<TcpListener> {
        let found = self.http.take()?;
        let address = found.local_addr().ok()?;
        let fits = address.ip() == asked.ip() && (asked.port() == 0 || asked.port() == address.port());
        fits.then_some(found)
    }
}

/// Where a successor may ask.
pub(crate) fn control_path(data: &Path) -> PathBuf {
    data.join("control.sock")
}

/// Takes the sockets of the daemon that runs on `data`, and waits until it has ended. Nothing is taken when none runs.
///
/// # Errors
/// When that daemon does not answer as one should.
pub(crate) fn take_over(data: &Path) -> anyhow::Result<Inherited> {
    let path = control_path(data);
    let mut stream = match UnixStream::connect(&path) {
        Ok(stream) => stream,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => {
            info!(path = %path.display(), "No daemon runs here that could be taken over.");
            return Ok(Inherited::default());
        }
        Err(error) => return Err(error).with_context(|| format!("cannot ask the daemon at {}", path.display())),
    };
    let taken = stream
        .set_read_timeout(Some(PATIENCE))
        .and_then(|()| match stream.write_all(wire::HELLO) {
            Err(error) if !wire::is_end(&error) => Err(error),
            _ => wire::take(&stream),
        })
        .with_context(|| format!("the daemon at {} does not hand over", path.display()))?;
    let wire::Taken { http, handed: carbon, cut_short } = taken;
    let (listeners, connections) = (carbon.listeners.len(), carbon.connections.len());
    if cut_short {
        // Killed, it needs a successor all the more. Should it live after all, its journal is locked.
        warn!(listeners, connections, "The daemon ended while it handed over.");
        await_exit(&stream);
    } else {
        info!(listeners, connections, "Taking over.");
    }
    stream.set_read_timeout(Some(END))?;
    match stream.read(&mut [0]) {
        Ok(0) => {}
        // A daemon that died has ended, too.
        Err(error) if wire::is_end(&error) => {}
        _ => bail!("the daemon at {} handed over, but has not ended after {END:?}; look at its log", path.display()),
    }
    Ok(Inherited { http: http.map(TcpListener::from), http_is_lent: false, carbon })
}

/// Waits until the process at the other end is gone: a killed one closes its sockets one after the other, and what it
/// has not handed over is bound until then.
fn await_exit(stream: &UnixStream) {
    let exit = rustix::net::sockopt::socket_peercred(stream)
        .and_then(|peer| rustix::process::pidfd_open(peer.pid, rustix::process::PidfdFlags::empty()));
    // Without such a descriptor it has ended already, or is out of our sight.
    let Ok(exit) = exit else { return };
    let patience = Timespec { tv_sec: EXIT.as_secs() as i64, tv_nsec: 0 };
    let _ = rustix::event::poll(&mut [PollFd::new(&exit, PollFlags::IN)], Some(&patience));
}

/// The daemon's side: waits for a successor.
pub(crate) struct Control {
    listener: tokio::net::UnixListener,
    path: PathBuf,
}

impl Control {
    /// Listens below `data`. A daemon without it runs as well, but cannot be taken over.
    pub(crate) fn open(data: &Path) -> Option<Control> {
        let path = control_path(data);
        listen(&path)
            .map(|listener| Control { listener, path: path.clone() })
            .inspect_err(|error| warn!(path = %path.display(), %error, "This daemon cannot be taken over."))
            .ok()
    }

    /// Waits for somebody who may take over and says that he wants to.
    async fn asked(&self) -> UnixStream {
        loop {
            let Ok((stream, _)) = self.listener.accept().await else {
                // Out of descriptors, usually.
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            };
            let heard = match stream.into_std() {
                Ok(stream) => tokio::task::spawn_blocking(move || hear(stream)).await.map_err(io::Error::other),
                Err(error) => Err(error),
            };
            match heard.and_then(|heard| heard) {
                Ok(stream) => return stream,
                Err(error) => warn!(%error, "Somebody asked on the control socket who may not take over."),
            }
        }
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        // A successor puts his own in its place only after we have ended.
        let _ = fs::remove_file(&self.path);
    }
}

fn listen(path: &Path) -> io::Result<tokio::net::UnixListener> {
    if UnixStream::connect(path).is_ok() {
        return Err(ErrorKind::AddrInUse.into());
    }
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    listener.set_nonblocking(true)?;
    tokio::net::UnixListener::from_std(listener)
}

/// Whoever takes over gets our sockets, so he must be us, or root.
fn hear(mut stream: UnixStream) -> io::Result<UnixStream> {
    let user = rustix::net::sockopt::socket_peercred(&stream)?.uid;
    if !user.is_root() && user != rustix::process::geteuid() {
        return Err(io::Error::new(ErrorKind::PermissionDenied, format!("user {} is not ours", user.as_raw())));
    }
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut said = vec![0; wire::HELLO.len()];
    stream.read_exact(&mut said)?;
    if said == wire::HELLO { Ok(stream) } else { Err(io::Error::other("it speaks another language")) }
}

/// A process that has our sockets and waits for our end, which is when this is dropped.
pub(crate) struct Successor(#[expect(dead_code, reason = "closing it is what it is for")] UnixStream);

/// Runs until a signal asks to stop, or a successor has taken over.
pub(crate) async fn until_end(
    mut reload: Reload<'_>,
    signals: &mut Signals,
    carbon: &mut Carbon,
    server: Option<&Server>,
    control: Option<Control>,
) -> anyhow::Result<Option<Successor>> {
    loop {
        let asked = async {
            match &control {
                Some(control) => control.asked().await,
                None => std::future::pending().await,
            }
        };
        let stream = tokio::select! {
            () = reload.until_stop(signals, Some(carbon)) => return Ok(None),
            stream = asked => stream,
        };
        info!("A successor takes over.");
        let handed = carbon.hand_over().await;
        let http = server.and_then(Server::socket);
        let giving = tokio::task::spawn_blocking(move || {
            let given = wire::give(&stream, http.as_ref(), &handed);
            (given.map(|()| stream), handed)
        });
        match giving.await.context("the thread that hands over has panicked")? {
            (Ok(stream), _) => return Ok(Some(Successor(stream))),
            (Err(error), handed) => {
                warn!(%error, "The successor has not taken everything, so this daemon goes on.");
                carbon.resume(handed)?;
            }
        }
    }
}
