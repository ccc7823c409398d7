//! What `up` and `carbon` have in common: a carbon that takes the place of one before it, what tells of it, and what
//! changes its series.

use std::sync::Arc;

use anyhow::Context;
use carbon::{Carbon, Indexes};
use carbon_storage::{Find, Housekeeping, NameTable, WhisperTree};
use render::Status;

use crate::activation;
use crate::cli::IntakeArgs;
use crate::config::Config;
use crate::names::KeptNames;
use crate::reload::Reload;
use crate::status::{self, CarbonPart, JournalPart, MigrationPart, TreePart};
use crate::store::overlay;
use crate::tags::KeptTags;
use crate::takeover::{self, Inherited};

/// The sockets of the daemon whose place we take, or those that a service manager has opened.
pub(super) async fn inherit(config: &Config, arguments: &IntakeArgs) -> anyhow::Result<Inherited> {
    if !arguments.takeover {
        return activation::sockets();
    }
    let data = config.store.data.clone();
    tokio::task::spawn_blocking(move || takeover::take_over(&data)).await.context("taking over has panicked")?
}

pub(super) async fn start_carbon(
    config: &Config,
    tree: &WhisperTree,
    names: &Arc<NameTable>,
    inherited: &mut Inherited,
) -> anyhow::Result<Carbon> {
    let (journaling, store) = (config.journaling(), config.store.destination(tree));
    let handed = std::mem::take(&mut inherited.carbon);
    let carbon = Carbon::start_with(config.carbon.clone(), journaling, store, Arc::clone(names), handed).await?;
    // Only now: what an earlier run had accepted may be more than memory holds, and nothing is read before it is filed.
    tree.limit_creates(config.store.creates_per_minute);
    Ok(carbon)
}

/// The table of names, within its share of memory.
pub(super) fn names(config: &Config) -> Arc<NameTable> {
    Arc::new(NameTable::with_limit(config.memory.shares().index))
}

/// What changes series, in a process that takes points in.
pub(super) fn housekeeping(
    carbon: &mut Carbon,
    tree: &WhisperTree,
    index: Option<&KeptNames>,
    tags: &KeptTags,
) -> Option<Arc<dyn Housekeeping>> {
    let find: Arc<dyn Find> = match index {
        Some(kept) => Arc::new(kept.index.clone()),
        None => Arc::new(overlay(tree, Arc::new(tree.clone()), carbon.recent())),
    };
    let names = index.map(|kept| kept.index.clone());
    let keeper = carbon.housekeeper(Indexes { find, names, tags: Some(Arc::new(tags.index.clone())) })?;
    Some(Arc::new(keeper))
}

pub(super) fn carbon_status(carbon: &Carbon, names: Arc<NameTable>, reload: &Reload<'_>) -> Status {
    let mut status = status::status_of(reload);
    status.parts.push(Arc::new(CarbonPart::of(carbon, names)));
    status.parts.push(Arc::new(TreePart(reload.tree().clone())));
    status.parts.push(Arc::new(MigrationPart(reload.migrations())));
    if let Some(journal) = carbon.journal() {
        status.parts.push(Arc::new(JournalPart(journal)));
    }
    status.flush = Some(Arc::new(carbon.flusher()));
    status
}
