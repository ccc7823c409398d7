//! Read buffers belong to worker threads and not to connections, so an idle connection holds none.

use std::cell::RefCell;

/// Bytes taken from a socket at once; also more than the longest datagram.
pub(super) const SIZE: usize = 256 * 1024;

thread_local! {
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; SIZE]);
}

/// Lends this thread's buffer to `read`, which must not lend it again.
pub(crate) fn lend<R>(read: impl FnOnce(&mut [u8]) -> R) -> R {
    BUFFER.with_borrow_mut(|buffer| read(buffer))
}
