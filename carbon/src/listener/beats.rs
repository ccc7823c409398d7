//! The thread on which steady peers are read.

use std::io;
use std::sync::OnceLock;
use std::thread;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;
use tracing::warn;

/// Begins with the first steady peer, and ends when this is dropped.
#[derive(Debug, Default)]
pub(crate) struct Beats(OnceLock<Option<Beating>>);

#[derive(Debug)]
struct Beating {
    runtime: Handle,
    _end: oneshot::Sender<()>,
}

impl Beats {
    /// Where to read on the beat; `None` when there is no thread for it, and a worker has to do.
    pub(super) fn runtime(&self) -> Option<&Handle> {
        let begin = || Beating::begin().inspect_err(|error| warn!(%error, "No thread is left for steady peers.")).ok();
        self.0.get_or_init(begin).as_ref().map(|beating| &beating.runtime)
    }
}

impl Beating {
    fn begin() -> io::Result<Beating> {
        let runtime = Builder::new_current_thread().enable_time().build()?;
        let handle = runtime.handle().clone();
        let (end, ended) = oneshot::channel::<()>();
        // What comes in at the end is that the sender was dropped.
        thread::Builder::new().name("steady".to_owned()).spawn(move || drop(runtime.block_on(ended)))?;
        Ok(Beating { runtime: handle, _end: end })
    }
}
