//! From parsed targets to series: plan which patterns are needed over which windows, fetch them, run the functions.
//!
//! Functions run synchronously over data that is already there. What a function needs and is not there (the window of
//! `movingAverage(x,10)` depends on the step of `x`) is noted as a miss; the misses are fetched and the targets that
//! had one run again. Every series is read once per window, however many targets and rounds use it.
//!
//! Copies: the slots of an archive come through one buffer and are decoded into one vector, which targets, functions and
//! the answer share ([`Values`](crate::series::Values)). A function that changes values in place makes the one copy that
//! there is, and the functions around it change that one; those that make new values (`sumSeries`, `movingAverage`) read
//! the shared ones. Nothing is allocated per point. JSON of many points leaves in pieces of 64 KiB, each written once and handed
//! to the socket as it is.

mod at_once;
mod data;
mod evaluator;
mod plan;
pub(crate) mod tagged;
mod wanted;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use carbon_storage::{Answer, Events, Failure, Fetch, Find, Tags, on_blocking_thread};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

pub(crate) use crate::query::Held;
pub use crate::query::{Budget, EvalError, Limits, Request};

use crate::query::Trace;
use crate::series::Series;
use crate::target::Target;
use data::{Data, Needs, Span};
use evaluator::{Round, Run};
use wanted::Wanted;

/// What the targets gave.
#[derive(Debug)]
pub struct Evaluated {
    /// The series of all targets, in their order.
    pub series: Vec<Series>,
    /// Parts of the store that did not contribute.
    pub failures: Vec<Failure>,
    /// The memory of what was read, as long as the series share it, and of what functions made.
    pub(crate) held: Held,
}

/// Where names, points and events come from.
#[derive(Clone, Copy)]
pub(crate) struct Stores<'s> {
    pub(crate) find: &'s dyn Find,
    pub(crate) fetch: &'s dyn Fetch,
    /// The same for a thread that outlives the request; without it, nothing is read on the thread that evaluates.
    pub(crate) kept: Option<&'s Arc<dyn Fetch>>,
    /// Whether a small answer may be made where it is asked for, which must not be long.
    pub(crate) at_once: bool,
    /// Without it, no series has tags.
    pub(crate) tags: Option<&'s dyn Tags>,
    /// Without it, nothing has happened.
    pub(crate) events: Option<&'s dyn Events>,
}

/// What an evaluation holds while it works; it can tell how much it is about to read, and be made to wait.
pub(crate) trait Hold: Send + Sync + 'static {
    /// So many series are to be read, summed over their windows.
    fn weigh(&self, series: usize) -> Answer<'_, ()>;
}

impl Hold for () {
    fn weigh(&self, _: usize) -> Answer<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}

/// Evaluates all targets and concatenates their series; without tags and events.
///
/// Functions run on a thread that may block; dropping the future stops them at the next call.
///
/// # Errors
/// On the first fault in a target, a limit that is passed, or a store that does not answer at all.
pub async fn evaluate(
    targets: &[Target],
    request: &Request,
    find: &dyn Find,
    fetch: &dyn Fetch,
) -> Result<Evaluated, EvalError> {
    let stores = Stores { find, fetch, kept: None, at_once: false, tags: None, events: None };
    evaluate_holding(targets, request, stores, Arc::new(()), None, |evaluated| evaluated).await
}

/// As [`evaluate`]; `hold` lives until the last function has ended, also when the future is dropped before. A function
/// does not stop half-way, so what limits the work in flight must not be given back with the future. `finish` makes of the
/// series what is wanted, on the thread that has made the series: handing them over would cost as much as a small answer.
///
/// # Errors
/// As [`evaluate`].
pub(crate) async fn evaluate_holding<H: Hold, T: Send + 'static>(
    targets: &[Target],
    request: &Request,
    stores: Stores<'_>,
    hold: Arc<H>,
    trace: Option<Trace>,
    finish: impl FnOnce(Evaluated) -> T + Send + 'static,
) -> Result<T, EvalError> {
    let nodes: usize = targets.iter().map(Target::nodes).sum();
    EvalError::limit("nodes", request.limits.nodes, nodes)?;
    let mut needs = plan::needs(targets, request)?;
    let mut data = Data::of(request);
    let mut run = Run::new(targets, request, needs.patterns(), trace);
    let stop = StopOnDrop::default();
    let mut finish = Some(finish);
    let is_light = stores.at_once && at_once::are_light(targets);
    for _ in 0..request.limits.rounds {
        let reads = data.look_up(&needs, request, stores, &*hold).await?;
        let after = if is_light && data.read_at_once(&reads, request, stores.fetch)? {
            round(run, data, &stop.flag, finish.take())
        } else {
            let near = match stores.kept.filter(|_| reads.are_few()) {
                Some(kept) => Some((reads, request.clone(), Arc::clone(kept), stop.left.clone(), Handle::current())),
                None => {
                    data.read(reads, request, stores.fetch).await?;
                    None
                }
            };
            let (stop, hold, to_finish) = (stop.flag.clone(), hold.clone(), finish.take());
            let ended = tokio::task::spawn_blocking(move || {
                if let Some((reads, request, fetch, left, runtime)) = near {
                    let read = data.read(reads, &request, &*fetch);
                    let read = on_blocking_thread(|| runtime.block_on(left.run_until_cancelled(read)));
                    if let Err(error) = read.unwrap_or(Err(EvalError::WorkerLost)) {
                        return After::Done(Err(error));
                    }
                }
                let after = round(run, data, &stop, to_finish);
                drop(hold);
                after
            });
            ended.await.map_err(|_| EvalError::WorkerLost)?
        };
        match after {
            After::Done(answer) => return answer,
            After::Again(again) => {
                (run, data, finish) = (again.run, again.data, again.finish);
                needs = Needs::from(again.missing);
            }
        }
    }
    Err(EvalError::Limit { limit: "rounds", allowed: request.limits.rounds, found: request.limits.rounds + 1 })
}

/// Evaluates what is not done, and finishes if nothing was missing.
fn round<T, F: FnOnce(Evaluated) -> T>(mut run: Run, data: Data, stop: &AtomicBool, finish: Option<F>) -> After<T, F> {
    match run.round(&data, stop) {
        Ok(Round::Done(series, made)) => {
            let (failures, held) = data.into_parts();
            let held = held.and(made);
            let finish = finish.ok_or(EvalError::WorkerLost);
            After::Done(finish.map(|finish| finish(Evaluated { series, failures, held })))
        }
        Ok(Round::Missing(missing)) => After::Again(Box::new(Again { run, data, missing, finish })),
        Err(error) => After::Done(Err(error)),
    }
}

/// What goes on into the next round.
struct Again<F> {
    run: Run,
    data: Data,
    missing: BTreeSet<(Wanted, Span)>,
    finish: Option<F>,
}

/// What comes after a round.
enum After<T, F> {
    Done(Result<T, EvalError>),
    /// Another one, once this has been read.
    Again(Box<Again<F>>),
}

/// Tells the thread that runs functions that nobody waits for it any more.
#[derive(Default)]
struct StopOnDrop {
    flag: Arc<AtomicBool>,
    /// The same for what waits.
    left: CancellationToken,
}

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.flag.store(true, Ordering::Relaxed);
        self.left.cancel();
    }
}

#[cfg(test)]
mod tests {
    use std::future::ready;
    use std::sync::mpsc;

    use carbon_storage::Memory;
    use whisper::Interval;

    use super::*;

    #[tokio::test]
    async fn what_functions_made_counts_as_long_as_it_is_there() {
        let memory = Memory::new(Interval::from_secs(60).unwrap(), 1);
        let budget = Budget::new(1 << 20);
        let request = Request { budget: budget.clone(), ..Request::new(0, 6_000, 6_000) };
        let target = Target::parse("randomWalk('x')").unwrap();
        let evaluated = evaluate(&[target], &request, &memory, &memory).await.unwrap();
        assert_eq!(budget.used(), evaluated.series[0].values.len() * size_of::<f64>());
        drop(evaluated);
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn what_is_held_outlives_an_evaluation_that_is_given_up() {
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = runtime.worker_threads(1).max_blocking_threads(1).build().unwrap();
        runtime.block_on(async {
            let (go, wait) = mpsc::sync_channel::<()>(1);
            let busy = tokio::task::spawn_blocking(move || wait.recv());
            let memory = Memory::new(Interval::from_secs(60).unwrap(), 1);
            let (targets, request) = ([Target::parse("constantLine(1)").unwrap()], Request::new(0, 60, 60));
            let stores = Stores { find: &memory, fetch: &memory, kept: None, at_once: false, tags: None, events: None };
            let hold = Arc::new(());
            tokio::select! {
                biased;
                _ = evaluate_holding(&targets, &request, stores, hold.clone(), None, |_| ()) => panic!("it ran beside us"),
                () = ready(()) => {}
            }
            assert_eq!(Arc::strong_count(&hold), 2, "its work has not even begun");
            go.send(()).unwrap();
            busy.await.unwrap().unwrap();
            // There is one thread, so what comes after the evaluation's work ends after it.
            tokio::task::spawn_blocking(|| ()).await.unwrap();
            assert_eq!(Arc::strong_count(&hold), 1);
        });
    }
}
