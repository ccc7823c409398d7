//! The threads that serve connections: a runtime with one for each core, each kept on its own.
//!
//! Where many ask on this host, the workers of a runtime always have something to do while their clients sleep and wake,
//! and Linux may leave all workers on one core and the clients on the other. Workers that share a core take turns of a
//! millisecond or more, and that is how long the slowest answers take: with eight clients on two cores the slowest of a
//! hundred took 1.9 ms, and 1.1 with workers that keep apart.
//!
//! Other threads of the process stay as they are, those that these workers start for what blocks included.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use cores::Cores;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::oneshot;

/// How long a thread may take to start before nobody waits for it any more.
const PATIENCE: Duration = Duration::from_secs(1);

/// A runtime on threads of its own, which ends when this is dropped.
#[derive(Debug)]
pub(super) struct Workers {
    pub(super) runtime: Handle,
    _end: oneshot::Sender<()>,
}

impl Workers {
    /// Starts as many as this process may use cores.
    ///
    /// # Errors
    /// There are no threads to be had.
    pub(super) async fn start() -> io::Result<Workers> {
        let (end, ended) = oneshot::channel::<()>();
        let (tell, told) = oneshot::channel();
        // A runtime must not be dropped within another one, so it lives on a thread that has none.
        thread::Builder::new().name("http".to_owned()).spawn(move || {
            let runtime = match build() {
                Ok(runtime) => runtime,
                Err(error) => {
                    let _ = tell.send(Err(error));
                    return;
                }
            };
            let _ = tell.send(Ok(runtime.handle().clone()));
            // Nobody sends anything: it comes to its end.
            let _ = runtime.block_on(ended);
            // Who still reads files for a client that has gone is not waited for.
            runtime.shutdown_background();
        })?;
        let runtime = told.await.map_err(io::Error::other)??;
        Ok(Workers { runtime, _end: end })
    }
}

fn build() -> io::Result<Runtime> {
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let Some(cores) = Cores::for_each_of(workers) else {
        return Builder::new_multi_thread().worker_threads(workers).enable_all().thread_name("http-worker").build();
    };
    let (number, (begin, begun)) = (Arc::new(AtomicUsize::new(0)), mpsc::sync_channel(workers));
    let runtime = Builder::new_multi_thread()
        .worker_threads(workers)
        .enable_all()
        .thread_name("http-worker")
        .on_thread_start(move || {
            cores.keep_to(number.fetch_add(1, Relaxed));
            // Once all workers are there nobody listens.
            let _ = begin.try_send(());
        })
        .build()?;
    // The first threads are the workers, as nobody has asked for another one yet.
    for _ in 0..workers {
        if begun.recv_timeout(PATIENCE).is_err() {
            break;
        }
    }
    Ok(runtime)
}

#[cfg(target_os = "linux")]
mod cores {
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

    /// The cores that this process may use.
    pub(super) struct Cores {
        all: CpuSet,
        each: Vec<usize>,
    }

    impl Cores {
        /// Nothing unless there is one for each of `workers`: where the time of more cores is rationed, processes that
        /// all keep to the first ones would crowd there.
        pub(super) fn for_each_of(workers: usize) -> Option<Cores> {
            let all = sched_getaffinity(None).ok()?;
            let each: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|core| all.is_set(*core)).collect();
            (workers > 1 && each.len() == workers).then_some(Cores { all, each })
        }

        /// Keeps this thread to the core with this number; one beyond the last may run everywhere, unlike who started it.
        pub(super) fn keep_to(&self, number: usize) {
            let mut one = CpuSet::new();
            let set = self.each.get(number).map_or(&self.all, |core| {
                one.set(*core);
                &one
            });
            // A thread that cannot be kept works all the same.
            let _ = sched_setaffinity(None, set);
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod cores {
    /// Nothing is known of cores here.
    pub(super) enum Cores {}

    impl Cores {
        pub(super) fn for_each_of(_: usize) -> Option<Cores> {
            None
        }

        pub(super) fn keep_to(&self, _: usize) {
            match *self {}
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use rustix::thread::sched_getaffinity;

    use super::*;

    #[tokio::test]
    async fn workers_keep_to_a_core_and_what_blocks_runs_everywhere() {
        let all = sched_getaffinity(None).unwrap();
        let cores = thread::available_parallelism().unwrap().get();
        let workers = Workers::start().await.unwrap();
        let of_worker = workers.runtime.spawn(async {
            let blocking = tokio::task::spawn_blocking(|| sched_getaffinity(None).unwrap().count());
            (sched_getaffinity(None).unwrap().count(), blocking.await.unwrap())
        });
        let expected = if cores > 1 && all.count() as usize == cores { 1 } else { all.count() };
        assert_eq!(of_worker.await.unwrap(), (expected, all.count()));
    }

    #[tokio::test]
    async fn the_runtime_ends_with_its_owner() {
        let workers = Workers::start().await.unwrap();
        let waiting = workers.runtime.spawn(std::future::pending::<()>());
        drop(workers);
        assert!(waiting.await.unwrap_err().is_cancelled());
    }
}
