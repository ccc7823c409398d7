//! A small agent has no page of values, and refuses a configuration that wants one.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::job::Job;
use crate::naming::Naming;

/// No page.
#[derive(Clone, Debug, Default)]
pub(crate) struct Exposure(());

impl Exposure {
    pub(crate) fn open(_: Option<SocketAddr>, _: &Arc<Naming>) -> io::Result<Exposure> {
        Ok(Exposure(()))
    }

    pub(crate) fn watch(&self, _: &mut Job, _: Duration) {}

    pub(crate) fn address(&self) -> Option<SocketAddr> {
        None
    }
}
