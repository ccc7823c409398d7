//! Where lines go: a task for each destination, so that a dead one delays nobody.

mod datagram;
mod dial;
mod file;
mod pauses;
mod peer;
mod stream;
#[cfg(test)]
mod tests;
#[cfg(feature = "tls")]
mod tls;
mod wire;

pub(crate) use datagram::{Content, Datagrams};
pub(crate) use dial::Dial;
pub(crate) use file::{Files, Rotated, Target};
pub(crate) use pauses::Pauses;
pub(crate) use stream::Stream;
#[cfg(feature = "tls")]
pub(crate) use tls::Tls;
#[cfg(feature = "tls")]
pub use tls::TlsConfig;
pub(crate) use wire::Wire;
