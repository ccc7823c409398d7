//! What the parts of this process say of themselves over HTTP. `render` serves it and knows no part; here they meet.

mod agent;
mod carbon;
mod journal;
mod memory;
mod migration;
mod names;
mod process;
mod reload;

pub(crate) use agent::AgentPart;
pub(crate) use carbon::CarbonPart;
pub(crate) use journal::JournalPart;
pub(crate) use memory::MemoryPart;
pub(crate) use migration::MigrationPart;
pub(crate) use names::NamesPart;
pub(crate) use process::ProcessPart;
pub(crate) use reload::ReloadPart;
