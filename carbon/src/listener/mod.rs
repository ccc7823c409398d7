//! Sockets: they take bytes in, and stop reading when the cache is full.

pub(crate) mod accept;
pub(crate) mod tcp;
