//! The thread on which steady peers are read.

use std::sync::{Arc, OnceLock};
use std::{fmt, io, thread};

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;
use tokio::time::Instant;
use tracing::warn;

use crate::intake::Intake;

/// Begins with the first steady peer, and ends when this is dropped.
pub(crate) struct Beats {
    beating: OnceLock<Option<Beating>>,
    intake: Arc<Intake>,
}

#[derive(Debug)]
struct Beating {
    runtime: Handle,
    first: Instant,
    _end: oneshot::Sender<()>,
}

impl fmt::Debug for Beats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Beats").field("beating", &self.beating).finish_non_exhaustive()
    }
}

impl Beats {
    /// Not begun yet. What peers bring goes to `intake`, whose journal is written each time before the thread sleeps.
    pub(super) fn new(intake: &Arc<Intake>) -> Beats {
        Beats { beating: OnceLock::new(), intake: Arc::clone(intake) }
    }

    /// Where to read on the beat, and since when it beats; `None` when there is no thread for it, and a worker has to do.
    pub(super) fn runtime(&self) -> Option<(&Handle, Instant)> {
        let failed = |error: &io::Error| warn!(%error, "No thread is left for steady peers.");
        let begin = || Beating::begin(&self.intake).inspect_err(failed).ok();
        self.beating.get_or_init(begin).as_ref().map(|beating| (&beating.runtime, beating.first))
    }
}

impl Beating {
    fn begin(intake: &Arc<Intake>) -> io::Result<Beating> {
        let intake = Arc::clone(intake);
        // The runtime counts the milliseconds of its timers from here on.
        let first = Instant::now();
        let runtime =
            Builder::new_current_thread().enable_time().on_thread_park(move || intake.write_journal()).build()?;
        let handle = runtime.handle().clone();
        let (end, ended) = oneshot::channel::<()>();
        // What comes in at the end is that the sender was dropped.
        thread::Builder::new().name("steady".to_owned()).spawn(move || drop(runtime.block_on(ended)))?;
        Ok(Beating { runtime: handle, first, _end: end })
    }
}
