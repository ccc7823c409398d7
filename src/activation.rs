//! Socket activation: a service manager such as systemd opens the sockets, and keeps them while we are restarted. They
//! take the place of the addresses in the configuration, protocol by protocol.
//!
//! `FileDescriptorName=` in the socket unit says what is spoken there: `plaintext`, `pickle`, `udp`, `unix`, `carbonlink`
//! or `http`. Under any other name, datagrams are `udp`, unix sockets `unix`, and TCP is `plaintext`.
//! Source: `sd_listen_fds_with_names(3)`.

use std::net::TcpListener;
use std::os::fd::OwnedFd;

use anyhow::{Context, bail};
use carbon::{Address, HandedListener, Protocol};
use listenfd::ListenFd;

use crate::config::Config;
use crate::takeover::Inherited;

/// The sockets that were opened for us; none when nobody did.
///
/// # Errors
/// When one of them is not of the kind that its name asks for.
pub(crate) fn sockets() -> anyhow::Result<Inherited> {
    let mut given = ListenFd::from_env();
    let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
    let mut names = names.split(':');
    let mut inherited = Inherited::default();
    for index in 0..given.len() {
        let name = names.next().unwrap_or_default();
        let wrong = || format!("the service manager's socket {index} ({name}) is not of the kind that its name says");
        let tcp = |given: &mut ListenFd| -> anyhow::Result<TcpListener> {
            given.take_tcp_listener(index).with_context(wrong)?.with_context(wrong)
        };
        if name == "http" {
            (inherited.http, inherited.http_is_lent) = (Some(tcp(&mut given)?), true);
            continue;
        }
        let (protocol, socket) = match Protocol::named(name) {
            Some(Protocol::Udp) => {
                (Protocol::Udp, given.take_udp_socket(index).with_context(wrong)?.map(OwnedFd::from))
            }
            Some(Protocol::Unix) => {
                (Protocol::Unix, given.take_unix_listener(index).with_context(wrong)?.map(OwnedFd::from))
            }
            Some(protocol) => (protocol, Some(tcp(&mut given)?.into())),
            None => by_kind(&mut given, index).with_context(wrong)?,
        };
        let Some(socket) = socket else { bail!(wrong()) };
        inherited.carbon.listeners.push(HandedListener { protocol, socket, counted: 0, lent: true });
    }
    Ok(inherited)
}

fn by_kind(given: &mut ListenFd, index: usize) -> std::io::Result<(Protocol, Option<OwnedFd>)> {
    if let Ok(socket) = given.take_tcp_listener(index) {
        return Ok((Protocol::Plaintext, socket.map(OwnedFd::from)));
    }
    if let Ok(socket) = given.take_udp_socket(index) {
        return Ok((Protocol::Udp, socket.map(OwnedFd::from)));
    }
    Ok((Protocol::Unix, given.take_unix_listener(index)?.map(OwnedFd::from)))
}

/// `config` with the addresses of the sockets in place of its own.
pub(crate) fn applied(config: &Config, sockets: &Inherited) -> anyhow::Result<Config> {
    let mut config = config.clone();
    if let (Some(http), true) = (&sockets.http, sockets.http_is_lent) {
        config.http.listen = http.local_addr()?;
    }
    let carbon = &mut config.carbon;
    let tcp_and_udp = [
        (Protocol::Plaintext, &mut carbon.plaintext),
        (Protocol::Pickle, &mut carbon.pickle),
        (Protocol::Udp, &mut carbon.udp),
        (Protocol::CarbonLink, &mut carbon.carbonlink),
    ];
    for (protocol, addresses) in tcp_and_udp {
        let found = sockets.carbon.lent(protocol)?.into_iter();
        let found: Vec<_> =
            found.filter_map(|address| if let Address::Ip(ip) = address { Some(ip) } else { None }).collect();
        if !found.is_empty() {
            *addresses = found;
        }
    }
    let found = sockets.carbon.lent(Protocol::Unix)?.into_iter();
    let found: Vec<_> =
        found.filter_map(|address| if let Address::Unix(path) = address { Some(path) } else { None }).collect();
    if !found.is_empty() {
        carbon.unix = found;
    }
    Ok(config)
}
