//! What the parts of this process say of themselves over HTTP. `render` serves it and knows no part; here they meet.

use std::sync::Arc;

use render::Status;

use crate::reload::Reload;

mod agent;
mod carbon;
mod journal;
mod memory;
mod migration;
mod names;
mod process;
mod queries;
mod reload;
mod tree;

pub(crate) use agent::AgentPart;
pub(crate) use carbon::CarbonPart;
pub(crate) use journal::JournalPart;
pub(crate) use memory::MemoryPart;
pub(crate) use migration::MigrationPart;
pub(crate) use names::NamesPart;
pub(crate) use process::ProcessPart;
pub(crate) use queries::query_numbers;
pub(crate) use reload::ReloadPart;
pub(crate) use tree::TreePart;

/// What every process tells.
pub(crate) fn own_status() -> Status {
    Status { parts: vec![Arc::new(ProcessPart::new())], ..Status::default() }
}

/// What a process tells that keeps points or reads them.
pub(crate) fn status_of(reload: &Reload<'_>) -> Status {
    let mut status = own_status();
    status.parts.push(Arc::new(MemoryPart(reload.config().memory.shares())));
    status.parts.push(Arc::new(ReloadPart(reload.counts())));
    status
}
