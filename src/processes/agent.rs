//! `plumbago agent`: measures alone.

use std::sync::Arc;

use agent::Agent;
use anyhow::Context;
use render::HttpConfig;
use tokio::runtime::Runtime;
use tracing::info;

use super::announce::{announce_http, announce_ready};
use super::front::{end, status_server};
use super::settings::status_http;
use crate::cli::AgentArgs;
use crate::config::Config;
use crate::limits;
use crate::reload::{AgentReload, agent_setup};
use crate::signals::Signals;
use crate::status::{self, AgentPart, ReloadPart};

/// `plumbago agent`: measures this host and sends what was measured.
pub(crate) fn agent(arguments: &AgentArgs) -> anyhow::Result<()> {
    let read = || agent_config(arguments);
    let config = read()?;
    let http = status_http(&config, arguments.config.as_deref(), arguments.http);
    single_runtime()?.block_on(async {
        let mut signals = Signals::catch()?;
        let agent = Agent::start(agent_setup(&config, None))?;
        let (reload, reloads) = (AgentReload::of(&agent, None), Arc::default());
        let mut status = status::own_status();
        status.parts.push(Arc::new(ReloadPart(Arc::clone(&reloads))));
        status.parts.push(Arc::new(AgentPart(agent.watch())));
        // There is nothing to change, and the socket of this configuration is that of a carbon.
        let http = http.map(|http| HttpConfig { admin_socket: None, ..http });
        let server = status_server(http, status, None).await?;
        server.as_ref().map(announce_http);
        announce_ready();
        reload.until_stop(&mut signals, &reloads, read).await;
        let account = agent.stop().await;
        info!(?account, "The agent has stopped.");
        end(server).await;
        Ok(())
    })
}

/// The configuration of an agent alone, with the command line above it.
fn agent_config(arguments: &AgentArgs) -> anyhow::Result<Config> {
    let mut config = Config::load_sound(arguments.config.as_deref())?;
    if let Some(data) = &arguments.data {
        config.store.data.clone_from(data);
    }
    Ok(config)
}

/// For an agent alone, which waits for little: one thread, and no memory for more.
fn single_runtime() -> anyhow::Result<Runtime> {
    limits::raise_open_files();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.context("cannot start the threads of the program")
}
