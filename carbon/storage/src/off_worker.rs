//! Work that may block, on a thread that may: handing it to one costs two changes of threads, which is more than most
//! such work itself. Who is on such a thread already works there.

use std::cell::Cell;

use crate::StorageError;

thread_local! {
    static MAY_BLOCK: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work` on a thread that may block: what it asks of stores is done here, as far as it is little.
pub fn on_blocking_thread<T>(work: impl FnOnce() -> T) -> T {
    let _back = Back(MAY_BLOCK.replace(true));
    work()
}

/// Sets the mark as it was before, also after a panic: the thread goes on to other work.
struct Back(bool);

impl Drop for Back {
    fn drop(&mut self) {
        MAY_BLOCK.set(self.0);
    }
}

/// Does `work` here if this thread may block, else on one that may.
///
/// # Errors
/// The work has panicked there, or the runtime is ending.
pub(crate) async fn off_worker<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, StorageError> {
    if MAY_BLOCK.get() {
        return Ok(work());
    }
    tokio::task::spawn_blocking(work).await.map_err(|_| StorageError::WorkerLost)
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[tokio::test]
    async fn work_stays_on_a_thread_that_may_block() {
        let here = thread::current().id();
        assert_ne!(off_worker(|| thread::current().id()).await.unwrap(), here);
        let runtime = tokio::runtime::Handle::current();
        let work = move || {
            let there = thread::current().id();
            let within = on_blocking_thread(|| runtime.block_on(off_worker(|| thread::current().id())));
            assert_eq!(within.unwrap(), there);
            assert!(!MAY_BLOCK.get());
            let _ = std::panic::catch_unwind(|| on_blocking_thread(|| panic!("on purpose")));
            assert!(!MAY_BLOCK.get());
        };
        tokio::task::spawn_blocking(work).await.unwrap();
    }
}
