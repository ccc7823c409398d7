//! `plumbago up`: all parts for this host in one process.

use std::net::TcpListener;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use agent::{Agent, AgentConfig};
use anyhow::Context;
use carbon::Carbon;
use carbon_storage::WhisperTree;
use render::{Server, Sources};
use tracing::warn;

use super::announce::{announce, announce_carbon, announce_http, announce_ready, reachable};
use super::intake::{carbon_status, housekeeping, inherit, names, start_carbon};
use super::runtime;
use super::settings::with_intake;
use super::sources::sources;
use crate::activation;
use crate::check;
use crate::cli::UpArgs;
use crate::config::Config;
use crate::migration::Migrator;
use crate::names::KeptNames;
use crate::reload::{AgentReload, Reload, agent_setup};
use crate::signals::Signals;
use crate::status::{AgentPart, query_numbers};
use crate::tags::{KeptTags, with_tags};
use crate::takeover::{Control, until_end};

/// How often `up` measures this host when no configuration says otherwise: the first step of the built-in retentions.
const UP_INTERVAL: Duration = Duration::from_secs(5);

/// `plumbago up`: carbon, render and an agent for this host in one process.
pub(crate) fn up(arguments: &UpArgs) -> anyhow::Result<()> {
    let config = up_config(arguments)?;
    let runtime = runtime()?;
    let successor = runtime.block_on(async {
        let mut signals = Signals::catch()?;
        let tree = config.store.open(&config.memory.shares())?;
        let names = names(&config);
        let mut inherited = inherit(&config, &arguments.intake).await?;
        let running = activation::applied(&config, &inherited)?;
        let tags = KeptTags::start(&config, &tree, &names).await?;
        let mut carbon = start_carbon(&running, &tree, &names, &mut inherited).await?;
        tags.index.watch(carbon.waiting());
        let control = Control::open(&config.store.data);
        let mut reload = Reload::new(config, tree.clone(), || up_config(arguments));
        let mut status = carbon_status(&carbon, Arc::clone(&names), &reload);
        let listener = inherited.http_at(running.http.listen);
        let mut index = KeptNames::start(&running, &tree, Some(carbon.recent())).await;
        index.follow(&names, &carbon);
        status.housekeeping = housekeeping(&mut carbon, &tree, Some(&index), &tags);
        carbon.also_report(query_numbers(Arc::clone(&status.asked)));
        let sources = sources(&tree, Some(carbon.recent()), &index, status);
        let (agent, server) = match beside(&carbon, sources, running, arguments.no_agent, listener, &tags).await {
            Ok(beside) => beside,
            Err(error) => {
                // Somebody may have sent points already.
                carbon.stop().await?;
                return Err(error);
            }
        };
        let port = carbon.local_addr().map(reachable);
        reload.steer(agent.as_ref().map(|agent| AgentReload::of(agent, port)));
        announce_ready();
        if agent.is_some() {
            // Nobody waits for it: a collector may hang. Without a thread it is left out.
            let _ = thread::Builder::new().name("fit".to_owned()).spawn(fit(reload.config(), &tree));
        }
        let migrator = Migrator::start(reload.migrations(), tree);
        let successor = until_end(reload, &mut signals, &mut carbon, Some(&server), control).await?;

        migrator.stop().await;
        if let Some(agent) = agent {
            agent.stop().await;
        }
        // Queries are answered until the last point is written.
        carbon.stop().await?;
        server.stop().await;
        index.stop().await;
        tags.stop().await;
        anyhow::Ok(successor)
    })?;
    // He waits until nothing is left that holds the journal.
    drop(runtime);
    drop(successor);
    Ok(())
}

/// Says which collectors run at other intervals than their archives have.
fn fit(config: &Config, tree: &WhisperTree) -> impl FnOnce() + Send + 'static {
    let (config, tree) = (config.clone(), tree.clone());
    move || {
        let Ok(looked) = check::look(&config) else { return };
        for misfit in check::misfits(&looked, &tree.rules()) {
            warn!("{misfit}.");
        }
    }
}

/// What `up` runs beside carbon: perhaps an agent, and the server that tells of both.
async fn beside(
    carbon: &Carbon,
    mut sources: Sources,
    config: Config,
    no_agent: bool,
    listener: Option<TcpListener>,
    tags: &KeptTags,
) -> anyhow::Result<(Option<Agent>, Server)> {
    let mut chart = None;
    let agent = if no_agent {
        None
    } else {
        let port = carbon.local_addr().context("an agent needs `[carbon] plaintext` to send to, or `--no-agent`")?;
        let setup = agent_setup(&config, Some(reachable(port)));
        chart = Some(first_chart(&setup.agent));
        let agent = Agent::start(setup)?;
        sources.status.parts.push(Arc::new(AgentPart(agent.watch())));
        Some(agent)
    };
    let sources = with_tags(sources, &config.store, Some(tags.index.clone())).await;
    let server = match listener {
        Some(listener) => Server::start_on(listener, config.http, config.render, sources).await?,
        None => Server::start(config.http, config.render, sources).await?,
    };
    announce_carbon(carbon);
    let http = announce_http(&server);
    if let Some(agent) = &agent {
        agent.post_events_to(&format!("{http}/events/"));
    }
    if let Some(chart) = chart {
        announce("chart", &format!("{http}{chart}"));
    }
    Ok((agent, server))
}

/// The configuration, with the command line above it and the habits of `up` below it.
fn up_config(arguments: &UpArgs) -> anyhow::Result<Config> {
    let mut config = with_intake(&arguments.intake)?;
    if let Some(address) = arguments.http {
        config.http.listen = address;
    }
    if !Config::names(arguments.intake.config.as_deref(), "agent", "interval") {
        config.agent.interval = UP_INTERVAL;
    }
    // One agent for one server: nothing to spread, and the first chart comes sooner.
    config.agent.stagger = false;
    Ok(config)
}

/// The path of a chart of this host's CPU, by kind of time, in per cent of one processor.
fn first_chart(config: &AgentConfig) -> String {
    // Braces are escaped, because curl takes them for a list of its own.
    let kinds = config.metric_name("cpu.total.%7Buser,system,nice,iowait,irq,softirq,steal%7D");
    format!(
        "/render?target=aliasByNode({kinds},-1)&from=-5min&width=800&height=400&areaMode=stacked&yMin=0&title=CPU+of+{}",
        config.host_name()
    )
}
