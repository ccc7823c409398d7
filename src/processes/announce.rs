//! What a process prints when it has started: `name address`, one a line, and `ready` once all are up. For people, and
//! for scripts that let the system choose ports.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use carbon::Carbon;
use render::Server;

use crate::out;

/// Says where HTTP is answered, and gives the start of its addresses.
pub(super) fn announce_http(server: &Server) -> String {
    let http = format!("http://{}", reachable(server.address()));
    announce("http", &http);
    http
}

pub(super) fn announce_carbon(carbon: &Carbon) {
    carbon.listening().iter().for_each(|(protocol, address)| announce(protocol.key(), &address.to_string()));
}

pub(super) fn announce(name: &str, address: &str) {
    out::line(format_args!("{name:10} {address}"));
}

pub(super) fn announce_ready() {
    out::line(format_args!("ready"));
}

/// An address as a client on this host writes it: "any" is no destination.
pub(crate) fn reachable(mut address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    address
}
