//! Files brought to changed schemas in the background, so many a minute, while the daemon writes.
//!
//! The tree is walked at the start and after each time that rules were read anew; what is as it should be is left alone,
//! so a restart simply walks again. Points are safe: [`WhisperTree::migrate`] takes turns with the writers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use carbon_storage::WhisperTree;
use carbon_storage::whisper_tree::Walk;
use tokio::sync::Notify;
use tokio::task::{JoinHandle, spawn_blocking};
use tracing::{info, warn};
use whisper::Timestamp;

/// Files that are looked at in one go, and the pause after it: a thousand a second, a hundredth of a processor.
const LOOKS: usize = 100;
const PAUSE: Duration = Duration::from_millis(100);

/// How it goes, and how fast it may.
#[derive(Debug, Default)]
pub(crate) struct Migrations {
    /// Files given new archives a minute; 0 for none at all.
    per_minute: AtomicU32,
    pub(crate) migrated: AtomicU64,
    pub(crate) failed: AtomicU64,
    /// Tells of another limit, and of rules read anew.
    changed: Notify,
}

impl Migrations {
    /// Migrates at this pace from now on, everything that the rules of this moment want otherwise.
    pub(crate) fn begin(&self, per_minute: u32) {
        self.per_minute.store(per_minute, Relaxed);
        self.changed.notify_one();
    }

    /// The pause between two files; nothing when there is nothing to do.
    fn pause(&self) -> Option<Duration> {
        let per_minute = self.per_minute.load(Relaxed);
        (per_minute > 0).then(|| Duration::from_secs(60) / per_minute)
    }
}

/// The task that does it.
#[derive(Debug)]
pub(crate) struct Migrator(JoinHandle<()>);

impl Migrator {
    /// Waits for [`Migrations::begin`] and walks `tree` then.
    pub(crate) fn start(migrations: Arc<Migrations>, tree: WhisperTree) -> Migrator {
        Migrator(tokio::spawn(async move { run(&migrations, &tree).await }))
    }

    /// Begins no further file; one that is begun is brought to its end by its own thread.
    pub(crate) async fn stop(self) {
        self.0.abort();
        if let Err(error) = self.0.await
            && error.is_panic()
        {
            warn!(%error, "The task that migrates files has panicked.");
        }
    }
}

async fn run(migrations: &Migrations, tree: &WhisperTree) {
    loop {
        migrations.changed.notified().await;
        if migrations.pause().is_some() {
            walk(migrations, tree).await;
        }
    }
}

/// One walk over the tree, told in one line if it found anything to do.
async fn walk(migrations: &Migrations, tree: &WhisperTree) {
    let (mut names, mut migrated, mut failed) = (tree.walk(), 0_u64, 0_u64);
    while let Some(pause) = migrations.pause() {
        let tree = tree.clone();
        let Ok((rest, step)) = spawn_blocking(move || step(names, &tree)).await else { break };
        names = rest;
        let pause = match step {
            Step::End => break,
            Step::Nothing => PAUSE,
            Step::Migrated => {
                migrated += 1;
                migrations.migrated.fetch_add(1, Relaxed);
                pause
            }
            Step::Failed(error) => {
                failed += 1;
                migrations.failed.fetch_add(1, Relaxed);
                if failed == 1 {
                    warn!(error, "An archive could not be migrated and stays as it was; further ones are counted.");
                }
                pause
            }
        };
        tokio::time::sleep(pause).await;
    }
    if migrated + failed > 0 {
        info!(migrated, failed, "Archives were brought to the retentions that the schemas want.");
    }
}

/// What a look at some files came to.
enum Step {
    /// All were as they should be.
    Nothing,
    Migrated,
    Failed(String),
    /// There are no more.
    End,
}

/// Looks at files until one had to be migrated.
fn step(mut names: Walk, tree: &WhisperTree) -> (Walk, Step) {
    for _ in 0..LOOKS {
        let Some(name) = names.next() else { return (names, Step::End) };
        match tree.migrate(&name, now()) {
            Ok(false) => {}
            Ok(true) => return (names, Step::Migrated),
            Err(error) => return (names, Step::Failed(format!("{:#}", anyhow::Error::from(error)))),
        }
    }
    (names, Step::Nothing)
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::saturating_from(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}
