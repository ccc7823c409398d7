//! The limit of open files: each connection and each archive kept open takes one, and the usual soft limit of 1 024 was
//! made for programs that cannot count further.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing::warn;

/// Raises the soft limit of open files to the hard one, which is ours to do.
pub(crate) fn raise_open_files() {
    let limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum
        && let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit })
    {
        warn!(%error, "Cannot raise the limit of open files; many connections or archives may find none left.");
    }
}
