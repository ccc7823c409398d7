//! Where a file is to lie.

use std::os::fd::BorrowedFd;
use std::path::Path;

use rustix::fs::CWD;

/// Where a new file is to lie.
#[derive(Clone, Copy, Debug)]
pub struct NewPlace<'p, 'f> {
    pub(crate) path: &'p Path,
    pub(crate) folder: BorrowedFd<'f>,
    /// The path as seen from there.
    pub(crate) below: &'p Path,
}

impl<'p, 'f> NewPlace<'p, 'f> {
    /// At `path`, which is `below` as seen from an open `folder`: there are fewer folders on that way.
    pub fn below(folder: BorrowedFd<'f>, below: &'p Path, path: &'p Path) -> NewPlace<'p, 'f> {
        NewPlace { path, folder, below }
    }
}

impl<'p, P: AsRef<Path> + ?Sized> From<&'p P> for NewPlace<'p, 'static> {
    fn from(path: &'p P) -> NewPlace<'p, 'static> {
        NewPlace { path: path.as_ref(), folder: CWD, below: path.as_ref() }
    }
}

/// The folder of a file.
pub(crate) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}
