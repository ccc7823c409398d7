//! Starts parts from the disk outwards and stops them from the listeners inwards.
//!
//! What a part listens on is printed as `name address`, one a line, and `ready` once all are up: for people, and for
//! scripts that let the system choose ports.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use agent::{Agent, AgentConfig};
use anyhow::Context;
use carbon::Carbon;
use carbon_storage::carbonlink::CarbonLinkRecent;
use carbon_storage::{Fetch, Find, Overlay, Recent, WhisperTree};
use render::{Report, Server, Sources};
use serde_json::json;
use tokio::runtime::Runtime;
use tracing::info;

use crate::cli::UpArgs;
use crate::config::Config;
use crate::out;
use crate::signals::StopSignals;

/// How often `up` measures this host when no configuration says otherwise: the first step of the built-in retentions.
const UP_INTERVAL: Duration = Duration::from_secs(5);

/// How long a query waits for the cache of a carbon elsewhere before it answers from files alone.
const CACHE_DEADLINE: Duration = Duration::from_secs(1);

/// `plumbago up`: carbon, render and an agent for this host in one process.
pub(crate) fn up(arguments: &UpArgs) -> anyhow::Result<()> {
    let config = up_config(arguments)?;
    runtime()?.block_on(async {
        let mut stop = StopSignals::catch()?;
        let tree = config.store.open()?;
        let carbon = Carbon::start(config.carbon, Arc::new(tree.clone()), Arc::default()).await?;
        let sources = sources(&tree, Some(carbon.recent()), Some(&carbon));
        let server = match Server::start(config.http, config.render, sources).await {
            Ok(server) => server,
            Err(error) => {
                // Somebody may have sent points already.
                carbon.stop().await?;
                return Err(error.into());
            }
        };
        announce_carbon(&carbon);
        let http = format!("http://{}", reachable(server.address()));
        announce("http", &http);
        let agent = if arguments.no_agent {
            None
        } else {
            let port =
                carbon.local_addr().context("an agent needs `[carbon] plaintext` to send to, or `--no-agent`")?;
            let agent = AgentConfig { destination: reachable(port).to_string(), ..config.agent };
            announce("chart", &format!("{http}{}", first_chart(&agent)));
            Some(Agent::start(agent, &config.collectors)?)
        };
        announce_ready();
        stop.wait().await;
        if let Some(agent) = agent {
            agent.stop().await;
        }
        // Queries are answered until the last point is written.
        carbon.stop().await?;
        server.stop().await;
        Ok(())
    })
}

/// `plumbago carbon`: takes metrics in and writes them.
pub(crate) fn carbon(config: Config) -> anyhow::Result<()> {
    runtime()?.block_on(async {
        let mut stop = StopSignals::catch()?;
        let carbon = Carbon::start(config.carbon, Arc::new(config.store.open()?), Arc::default()).await?;
        announce_carbon(&carbon);
        announce_ready();
        stop.wait().await;
        Ok(carbon.stop().await?)
    })
}

/// `plumbago render`: answers queries from the tree, and from the cache of a carbon elsewhere if there is one.
pub(crate) fn render(config: Config) -> anyhow::Result<()> {
    runtime()?.block_on(async {
        let mut stop = StopSignals::catch()?;
        let tree = config.store.open_for_reading()?;
        let link = config.store.carbonlink.map(|address| CarbonLinkRecent::new(address, CACHE_DEADLINE));
        let recent = link.map(|link| Arc::new(link) as Arc<dyn Recent>);
        let server = Server::start(config.http, config.render, sources(&tree, recent, None)).await?;
        announce("http", &format!("http://{}", reachable(server.address())));
        announce_ready();
        stop.wait().await;
        server.stop().await;
        Ok(())
    })
}

/// `plumbago agent`: measures this host and sends what was measured.
pub(crate) fn agent(config: Config) -> anyhow::Result<()> {
    runtime()?.block_on(async {
        let mut stop = StopSignals::catch()?;
        let agent = Agent::start(config.agent, &config.collectors)?;
        announce_ready();
        stop.wait().await;
        let account = agent.stop().await;
        info!(?account, "The agent has stopped.");
        Ok(())
    })
}

fn runtime() -> anyhow::Result<Runtime> {
    Runtime::new().context("cannot start the threads of the program")
}

/// The configuration, with the command line above it and the habits of `up` below it.
fn up_config(arguments: &UpArgs) -> anyhow::Result<Config> {
    let mut config = Config::load_sound(arguments.config.as_deref())?;
    let set = |option: &Option<std::path::PathBuf>| option.as_deref().map(Path::to_owned);
    if let Some(data) = set(&arguments.data) {
        config.store.data = data;
    }
    config.store.whisper = set(&arguments.whisper).or(config.store.whisper);
    config.store.schemas = set(&arguments.schemas).or(config.store.schemas);
    config.store.aggregation = set(&arguments.aggregation).or(config.store.aggregation);
    if let Some(address) = arguments.plaintext {
        config.carbon.plaintext = vec![address];
    }
    if let Some(address) = arguments.http {
        config.http.listen = address;
    }
    if !Config::names(arguments.config.as_deref(), "agent", "interval") {
        config.agent.interval = UP_INTERVAL;
    }
    // One agent for one server: nothing to spread, and the first chart comes sooner.
    config.agent.stagger = false;
    Ok(config)
}

/// What render reads: the tree, with what waits in a cache laid over it.
fn sources(tree: &WhisperTree, recent: Option<Arc<dyn Recent>>, carbon: Option<&Carbon>) -> Sources {
    let (find, fetch): (Arc<dyn Find>, Arc<dyn Fetch>) = (Arc::new(tree.clone()), Arc::new(tree.clone()));
    let parts = carbon.map(|carbon| ("carbon", report(carbon))).into_iter().collect();
    let Some(recent) = recent else { return Sources { find, fetch, parts } };
    let layouts = tree.clone();
    let overlay = Arc::new(Overlay::new(find, fetch, recent, Arc::new(move |name| layouts.rules().layout(name))));
    Sources { find: overlay.clone(), fetch: overlay, parts }
}

/// The counters of carbon for `/health`.
fn report(carbon: &Carbon) -> Report {
    let (stats, cache) = (carbon.stats(), carbon.cache());
    Arc::new(move || {
        let counted = stats.snapshot();
        let refused: serde_json::Map<_, _> =
            counted.refused.iter().map(|(reason, count)| ((*reason).to_owned(), (*count).into())).collect();
        json!({
            "received": counted.received,
            "refused": refused,
            "overwritten": counted.overwritten,
            "stored": counted.stored,
            "dropped": counted.dropped,
            "waiting": cache.points(),
            "creates": counted.creates,
            "errors": counted.errors,
            "connections": counted.connections,
        })
    })
}

fn announce_carbon(carbon: &Carbon) {
    carbon.plaintext_addrs().iter().for_each(|address| announce("plaintext", &address.to_string()));
    carbon.carbonlink_addrs().iter().for_each(|address| announce("carbonlink", &address.to_string()));
}

fn announce(name: &str, address: &str) {
    out::line(format_args!("{name:10} {address}"));
}

fn announce_ready() {
    out::line(format_args!("ready"));
}

/// An address as a client on this host writes it: "any" is no destination.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    address
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
