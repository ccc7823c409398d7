//! Starts parts from the disk outwards and stops them from the listeners inwards.
//!
//! What a part listens on is printed as `name address`, one a line, and `ready` once all are up: for people, and for
//! scripts that let the system choose ports.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use agent::{Agent, AgentConfig};
use anyhow::Context;
use carbon::{Carbon, Indexes};
use carbon_storage::carbonlink::CarbonLinkRecent;
use carbon_storage::{Explain, Explained, Fetch, Find, Housekeeping, NameTable, Recent, WhisperTree};
use render::{AdminServer, HttpConfig, Server, Sources, Status};
use tokio::runtime::Runtime;
use tracing::{info, warn};

use crate::activation;
use crate::check;
use crate::cli::{AgentArgs, CarbonArgs, FileArgs, IntakeArgs, UpArgs};
use crate::config::Config;
use crate::limits;
use crate::migration::Migrator;
use crate::names::KeptNames;
use crate::out;
use crate::reload::{AgentReload, Reload, agent_setup};
use crate::signals::Signals;
use crate::status::{
    AgentPart, CarbonPart, JournalPart, MemoryPart, MigrationPart, NamesPart, ProcessPart, ReloadPart,
};
use crate::store::{StoreKind, overlay};
use crate::tags::{KeptTags, with_tags};
use crate::takeover::{self, Control, Inherited, until_end};

/// How often `up` measures this host when no configuration says otherwise: the first step of the built-in retentions.
const UP_INTERVAL: Duration = Duration::from_secs(5);

/// Bytes that the system has for the path of a unix socket.
const LONGEST_SOCKET: usize = 107;

/// How long a query waits for the cache of a carbon elsewhere before it answers from files alone.
const CACHE_DEADLINE: Duration = Duration::from_secs(1);

/// `plumbago up`: carbon, render and an agent for this host in one process.
pub(crate) fn up(arguments: &UpArgs) -> anyhow::Result<()> {
    let config = up_config(arguments)?;
    let runtime = runtime()?;
    let successor = runtime.block_on(async {
        let mut signals = Signals::catch()?;
        let tree = config.store.open()?;
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

/// `plumbago carbon`: takes metrics in and writes them.
pub(crate) fn carbon(arguments: &CarbonArgs) -> anyhow::Result<()> {
    let config = with_intake(&arguments.intake)?;
    let http = status_http(&config, arguments.intake.config.as_deref(), arguments.http);
    let runtime = runtime()?;
    let successor = runtime.block_on(async {
        let mut signals = Signals::catch()?;
        let tree = config.store.open()?;
        let names = names(&config);
        let mut inherited = inherit(&config, &arguments.intake).await?;
        let running = activation::applied(&config, &inherited)?;
        let tags = KeptTags::start(&config, &tree, &names).await?;
        let mut carbon = start_carbon(&running, &tree, &names, &mut inherited).await?;
        tags.index.watch(carbon.waiting());
        let control = Control::open(&config.store.data);
        let http = if inherited.http_is_lent { Some(running.http.clone()) } else { http };
        let listener = http.as_ref().and_then(|http| inherited.http_at(http.listen));
        let reload = Reload::new(config, tree.clone(), || with_intake(&arguments.intake));
        let mut status = carbon_status(&carbon, names, &reload);
        status.housekeeping = housekeeping(&mut carbon, &tree, None, &tags);
        let (server, admin) = match fronts(http, running.http, status, listener).await {
            Ok(fronts) => fronts,
            Err(error) => {
                carbon.stop().await?;
                return Err(error);
            }
        };
        announce_carbon(&carbon);
        server.as_ref().map(announce_http);
        announce_ready();
        let migrator = Migrator::start(reload.migrations(), tree);
        let successor = until_end(reload, &mut signals, &mut carbon, server.as_ref(), control).await?;
        migrator.stop().await;
        carbon.stop().await?;
        end(server).await;
        if let Some(admin) = admin {
            admin.stop().await;
        }
        tags.stop().await;
        anyhow::Ok(successor)
    })?;
    drop(runtime);
    drop(successor);
    Ok(())
}

/// The sockets of the daemon whose place we take, or those that a service manager has opened.
async fn inherit(config: &Config, arguments: &IntakeArgs) -> anyhow::Result<Inherited> {
    if !arguments.takeover {
        return activation::sockets();
    }
    let data = config.store.data.clone();
    tokio::task::spawn_blocking(move || takeover::take_over(&data)).await.context("taking over has panicked")?
}

async fn start_carbon(
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

/// `plumbago render`: answers queries from the tree, and from the cache of a carbon elsewhere if there is one.
pub(crate) fn render(arguments: &FileArgs) -> anyhow::Result<()> {
    let read = || Config::load_sound(arguments.config());
    let config = read()?;
    runtime()?.block_on(async {
        let mut signals = Signals::catch()?;
        let tree = config.store.open_for_reading()?;
        let link = config.store.carbonlink.map(|address| CarbonLinkRecent::new(address, CACHE_DEADLINE));
        let recent = link.map(|link| Arc::new(link) as Arc<dyn Recent>);
        let mut reload = Reload::new(config.clone(), tree.clone(), read);
        let status = status_of(&reload);
        let index = KeptNames::start(&config, &tree, None).await;
        let sources = with_tags(sources(&tree, recent, &index, status), &config.store, None).await;
        let server = Server::start(config.http, config.render, sources).await?;
        announce_http(&server);
        announce_ready();
        reload.until_stop(&mut signals, None).await;
        server.stop().await;
        index.stop().await;
        Ok(())
    })
}

/// `plumbago agent`: measures this host and sends what was measured.
pub(crate) fn agent(arguments: &AgentArgs) -> anyhow::Result<()> {
    let read = || agent_config(arguments);
    let config = read()?;
    let http = status_http(&config, arguments.config.as_deref(), arguments.http);
    single_runtime()?.block_on(async {
        let mut signals = Signals::catch()?;
        let agent = Agent::start(agent_setup(&config, None))?;
        let (reload, reloads) = (AgentReload::of(&agent, None), Arc::default());
        let mut status = own_status();
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

pub(crate) fn runtime() -> anyhow::Result<Runtime> {
    limits::raise_open_files();
    Runtime::new().context("cannot start the threads of the program")
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

/// The configuration, with the command line above it.
fn with_intake(arguments: &IntakeArgs) -> anyhow::Result<Config> {
    let mut config = Config::load_sound(arguments.config.as_deref())?;
    let set = |option: &Option<std::path::PathBuf>| option.as_deref().map(Path::to_owned);
    if let Some(data) = set(&arguments.data) {
        config.store.data = data;
    }
    config.store.whisper = set(&arguments.whisper).or(config.store.whisper);
    config.store.schemas = set(&arguments.schemas).or(config.store.schemas);
    config.store.aggregation = set(&arguments.aggregation).or(config.store.aggregation);
    let replace = |option: &mut Vec<SocketAddr>, asked: &Vec<SocketAddr>| {
        if !asked.is_empty() {
            option.clone_from(asked);
        }
    };
    replace(&mut config.carbon.plaintext, &arguments.plaintext);
    replace(&mut config.carbon.pickle, &arguments.pickle);
    replace(&mut config.carbon.udp, &arguments.udp);
    replace(&mut config.carbon.carbonlink, &arguments.carbonlink);
    if !arguments.unix.is_empty() {
        config.carbon.unix.clone_from(&arguments.unix);
    }
    if let Some(longest) = arguments.max_wait {
        config.carbon.max_wait = Some(longest);
    }
    config.http.admin_socket = admin_socket(&config);
    Ok(config)
}

/// The admin socket of a process that takes points in: that of the configuration, or one below the data folder.
fn admin_socket(config: &Config) -> Option<PathBuf> {
    match &config.http.admin_socket {
        Some(path) => Some(path.clone()).filter(|path| !path.as_os_str().is_empty()),
        None if config.store.kind == StoreKind::None => None,
        None => {
            let path = admin_path(&config.store.data);
            if path.as_os_str().len() > LONGEST_SOCKET {
                warn!(path = %path.display(), "There is no admin socket, because its path is too long; choose `[http] admin-socket`.");
                return None;
            }
            Some(path)
        }
    }
}

/// Where the admin socket is unless the configuration says otherwise.
pub(crate) fn admin_path(data: &Path) -> PathBuf {
    data.join("admin.sock")
}

/// What changes series, in a process that takes points in.
fn housekeeping(
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

/// Where a part that answers no queries tells how it is doing; nowhere unless somebody asked for it.
fn status_http(config: &Config, file: Option<&Path>, option: Option<SocketAddr>) -> Option<HttpConfig> {
    let asked = option.or_else(|| Config::names(file, "http", "listen").then_some(config.http.listen));
    asked.map(|listen| HttpConfig { listen, ..config.http.clone() })
}

async fn status_server(
    http: Option<HttpConfig>,
    status: Status,
    listener: Option<TcpListener>,
) -> anyhow::Result<Option<Server>> {
    Ok(match (http, listener) {
        (None, _) => None,
        (Some(http), Some(listener)) => Some(Server::start_status_on(listener, http, status).await?),
        (Some(http), None) => Some(Server::start_status(http, status).await?),
    })
}

/// As [`status_server`]; without an address for it, the admin socket of `own` alone.
async fn fronts(
    http: Option<HttpConfig>,
    own: HttpConfig,
    status: Status,
    listener: Option<TcpListener>,
) -> anyhow::Result<(Option<Server>, Option<AdminServer>)> {
    if http.is_none() {
        return Ok((None, AdminServer::start(own, status)?));
    }
    Ok((status_server(http, status, listener).await?, None))
}

async fn end(server: Option<Server>) {
    if let Some(server) = server {
        server.stop().await;
    }
}

/// What render reads: names from the index, points from the tree, with what waits in a cache laid over it.
fn sources(tree: &WhisperTree, recent: Option<Arc<dyn Recent>>, index: &KeptNames, mut status: Status) -> Sources {
    status.parts.push(Arc::new(NamesPart(index.index.clone())));
    let (find, fetch): (Arc<dyn Find>, Arc<dyn Fetch>) = (Arc::new(index.index.clone()), Arc::new(tree.clone()));
    let stored: Arc<dyn Explain> = Arc::new(tree.clone());
    let Some(recent) = recent else { return Sources { explain: Some(stored), ..Sources::new(find, fetch, status) } };
    let overlay = Arc::new(overlay(tree, Arc::clone(&find), recent));
    // What waits in a cache of this process is in the index.
    let find = if index.follows() { find } else { overlay.clone() };
    let explain = Arc::new(Explained { overlay: overlay.clone(), stored });
    Sources { explain: Some(explain), ..Sources::new(find, overlay, status) }
}

/// The table of names, within its share of memory.
fn names(config: &Config) -> Arc<NameTable> {
    Arc::new(NameTable::with_limit(config.memory.shares().index))
}

/// What every process tells.
fn own_status() -> Status {
    Status { parts: vec![Arc::new(ProcessPart::new())], ..Status::default() }
}

/// What a process tells that keeps points or reads them.
fn status_of(reload: &Reload<'_>) -> Status {
    let mut status = own_status();
    status.parts.push(Arc::new(MemoryPart(reload.config().memory.shares())));
    status.parts.push(Arc::new(ReloadPart(reload.counts())));
    status
}

fn carbon_status(carbon: &Carbon, names: Arc<NameTable>, reload: &Reload<'_>) -> Status {
    let mut status = status_of(reload);
    status.parts.push(Arc::new(CarbonPart::of(carbon, names)));
    status.parts.push(Arc::new(MigrationPart(reload.migrations())));
    if let Some(journal) = carbon.journal() {
        status.parts.push(Arc::new(JournalPart(journal)));
    }
    status.flush = Some(Arc::new(carbon.flusher()));
    status
}

/// Says where HTTP is answered, and gives the start of its addresses.
fn announce_http(server: &Server) -> String {
    let http = format!("http://{}", reachable(server.address()));
    announce("http", &http);
    http
}

fn announce_carbon(carbon: &Carbon) {
    carbon.listening().iter().for_each(|(protocol, address)| announce(protocol.key(), &address.to_string()));
}

fn announce(name: &str, address: &str) {
    out::line(format_args!("{name:10} {address}"));
}

fn announce_ready() {
    out::line(format_args!("ready"));
}

/// An address as a client on this host writes it: "any" is no destination.
pub(crate) fn reachable(mut address: SocketAddr) -> SocketAddr {
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
