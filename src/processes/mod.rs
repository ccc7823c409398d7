//! The processes that the program can be. Each starts its parts from the disk outwards and stops them from the
//! listeners inwards.

mod agent;
mod announce;
mod carbon;
mod front;
mod intake;
mod render;
mod settings;
mod sources;
mod up;

use anyhow::Context;
use tokio::runtime::Runtime;

use crate::limits;

pub(crate) use agent::agent;
pub(crate) use announce::reachable;
pub(crate) use carbon::carbon;
pub(crate) use render::render;
pub(crate) use settings::admin_path;
pub(crate) use up::up;

pub(crate) fn runtime() -> anyhow::Result<Runtime> {
    limits::raise_open_files();
    Runtime::new().context("cannot start the threads of the program")
}
