//! The command line: one verb for each part, `up` for all of them.

use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

pub(crate) use crate::agent_cli::{ExplainArgs, OnceArgs, duration};
pub(crate) use crate::dashboards_cli::DashboardsVerb;
pub(crate) use crate::import::ImportDiamondArgs;

/// Graphite in one binary: agent, carbon, Whisper archives, and charts by URL.
#[derive(Debug, Parser)]
#[command(name = "plumbago", version, propagate_version = true, max_term_width = 100)]
pub(crate) struct Cli {
    /// Say more: `debug` adds a line per connection and request. Takes what RUST_LOG takes.
    #[arg(long, global = true, value_name = "FILTER", default_value = "info", env = "PLUMBAGO_LOG")]
    pub(crate) log: String,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Carbon, render and an agent for this host in one process, with data under ./plumbago-data.
    Up(UpArgs),
    /// Take metrics in and write them to archives.
    Carbon(CarbonArgs),
    /// Answer queries over HTTP.
    Render(FileArgs),
    /// Measure this host and send what was measured.
    Agent(AgentArgs),
    /// Look at and change Whisper files, with the options of the whisper-*.py scripts.
    #[command(disable_help_flag = true)]
    Whisper {
        /// info, create, update, fetch, dump, ... and its arguments; `plumbago whisper --help` lists all.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "VERB ARGUMENTS")]
        arguments: Vec<OsString>,
    },
    /// List, delete and rename series of a running daemon.
    Series {
        #[command(subcommand)]
        verb: SeriesVerb,
    },
    /// List, check, import, save and delete dashboards.
    Dashboards {
        #[command(subcommand)]
        verb: DashboardsVerb,
    },
    /// Check a configuration file, or print one with every default.
    Config {
        #[command(subcommand)]
        verb: ConfigVerb,
    },
}

/// What to do with a configuration.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigVerb {
    /// Read FILE and the rule files it names, report every problem, start nothing.
    Check {
        /// The configuration, as for `--config`.
        file: PathBuf,
        /// Print every name that an agent with this configuration would send from this host.
        #[arg(long)]
        names: bool,
    },
    /// Print a configuration in which every option stands at its default, with its meaning.
    Default,
}

/// What to do with series.
#[derive(Debug, Subcommand)]
pub(crate) enum SeriesVerb {
    /// Print the names that match.
    List {
        #[command(flatten)]
        selection: SeriesSelection,
        #[command(flatten)]
        daemon: DaemonArgs,
    },
    /// Delete series: files, waiting points and entries in the index. Without --yes, show which.
    Delete {
        #[command(flatten)]
        selection: SeriesSelection,
        #[command(flatten)]
        daemon: DaemonArgs,
        /// Do it.
        #[arg(long)]
        yes: bool,
    },
    /// Rename a series, or all that match by a regular expression. Without --yes, show which and how.
    Rename {
        /// The name now, or a pattern together with --search and --replace.
        #[arg(value_name = "OLD")]
        old: Option<String>,
        /// The name from now on.
        #[arg(value_name = "NEW")]
        new: Option<String>,
        /// What is replaced in each name: a regular expression, as in aliasSub().
        #[arg(long, value_name = "REGEX", requires = "replace")]
        search: Option<String>,
        /// By what; `\\1` is the first group of the expression.
        #[arg(long, value_name = "TEXT", requires = "search")]
        replace: Option<String>,
        /// In place of a pattern: series that meet this tag expression, such as dc=a; may be given several times.
        #[arg(long, value_name = "EXPRESSION")]
        tag: Vec<String>,
        #[command(flatten)]
        daemon: DaemonArgs,
        /// Do it.
        #[arg(long)]
        yes: bool,
    },
}

/// Which series.
#[derive(Debug, Args)]
pub(crate) struct SeriesSelection {
    /// Names that match, such as 'servers.web01.**'.
    pub(crate) pattern: Option<String>,
    /// Series that meet this tag expression, such as dc=a or 'host=~web.*'; may be given several times.
    #[arg(long, value_name = "EXPRESSION", conflicts_with = "pattern")]
    pub(crate) tag: Vec<String>,
}

/// Which daemon.
#[derive(Debug, Args)]
pub(crate) struct DaemonArgs {
    /// The configuration of the daemon; without it every option has its default.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Where it keeps everything, above `[store] data`.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Its admin socket, above `[http] admin-socket`.
    #[arg(long, value_name = "PATH")]
    pub(crate) socket: Option<PathBuf>,
}

/// Options of a part that runs on its own.
#[derive(Debug, Args)]
pub(crate) struct FileArgs {
    /// Configuration; without it every option has its default.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

/// Options of everything that takes metrics in; each stands above the same option of the configuration.
#[derive(Debug, Default, Args)]
pub(crate) struct IntakeArgs {
    /// Configuration; without it every option has its default.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Where everything is kept: archives in DIR/whisper.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// An existing tree of .wsp files, such as graphite's, used in place instead of DIR/whisper.
    #[arg(long, value_name = "DIR")]
    pub(crate) whisper: Option<PathBuf>,
    /// Where to take `name value timestamp` lines in. Here and below, ADDR is HOST:PORT, or a port of this host alone;
    /// the option may be given several times.
    #[arg(long, value_name = "ADDR", value_parser = address)]
    pub(crate) plaintext: Vec<SocketAddr>,
    /// Where to take pickles in, as carbon relays send them.
    #[arg(long, value_name = "ADDR", value_parser = address)]
    pub(crate) pickle: Vec<SocketAddr>,
    /// Where to take lines in as datagrams.
    #[arg(long, value_name = "ADDR", value_parser = address)]
    pub(crate) udp: Vec<SocketAddr>,
    /// Where to take lines in over a unix socket.
    #[arg(long, value_name = "PATH")]
    pub(crate) unix: Vec<PathBuf>,
    /// Where to answer carbon's cache queries.
    #[arg(long, value_name = "ADDR", value_parser = address)]
    pub(crate) carbonlink: Vec<SocketAddr>,
    /// Take the place of the daemon that runs on the same data, with its sockets and connections; no peer notices.
    #[arg(long)]
    pub(crate) takeover: bool,
    /// Graphite's storage-schemas.conf.
    #[arg(long, value_name = "FILE")]
    pub(crate) schemas: Option<PathBuf>,
    /// Graphite's storage-aggregation.conf.
    #[arg(long, value_name = "FILE")]
    pub(crate) aggregation: Option<PathBuf>,
    /// Longest a point waits in memory before it is written, such as "60s"; a bare number counts seconds.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) max_wait: Option<Duration>,
}

/// Options of `up`.
#[derive(Debug, Default, Args)]
pub(crate) struct UpArgs {
    #[command(flatten)]
    pub(crate) intake: IntakeArgs,
    /// Where to answer HTTP.
    #[arg(long, value_name = "ADDR")]
    pub(crate) http: Option<SocketAddr>,
    /// Do not measure this host.
    #[arg(long)]
    pub(crate) no_agent: bool,
}

/// Options of `carbon`.
#[derive(Debug, Default, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct CarbonArgs {
    #[command(subcommand)]
    pub(crate) verb: Option<CarbonVerb>,
    #[command(flatten)]
    pub(crate) intake: IntakeArgs,
    /// Where to answer /health, /metrics and /flush; nowhere if neither this nor `[http] listen` is given.
    #[arg(long, value_name = "ADDR")]
    pub(crate) http: Option<SocketAddr>,
}

/// What to do beside running.
#[derive(Debug, Subcommand)]
pub(crate) enum CarbonVerb {
    /// Bring archives up to date: have the daemon write what waits in its memory, and return when it has.
    Drain(DrainArgs),
}

/// Options of `carbon drain`.
#[derive(Debug, Args)]
pub(crate) struct DrainArgs {
    /// The configuration of the daemon; without it every option has its default.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Where everything is kept, above `[store] data`.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Write what a daemon that no longer runs has left in its journal.
    #[arg(long, conflicts_with = "http")]
    pub(crate) offline: bool,
    /// Where the daemon answers HTTP, above `[http] listen`.
    #[arg(long, value_name = "ADDR")]
    pub(crate) http: Option<SocketAddr>,
    /// Only the series that match, such as 'servers.web*.**'; left out, all.
    #[arg(conflicts_with = "offline")]
    pub(crate) pattern: Option<String>,
}

/// Options of `agent`.
#[derive(Debug, Default, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct AgentArgs {
    #[command(subcommand)]
    pub(crate) verb: Option<AgentVerb>,
    /// Configuration; without it every option has its default.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Where the last readings are kept, in DIR/agent, so that a restart makes no gap.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Where to answer /health and /metrics; nowhere if neither this nor `[http] listen` is given.
    #[arg(long, value_name = "ADDR")]
    pub(crate) http: Option<SocketAddr>,
}

/// What to do beside measuring and sending.
#[derive(Debug, Subcommand)]
pub(crate) enum AgentVerb {
    /// Measure now and print what would be sent, each line with its unit. Sends nothing.
    Once(OnceArgs),
    /// Tell where a metric comes from: collector, file, field, formula, and its last two readings.
    Explain(ExplainArgs),
    /// Turn a configuration of Diamond's into one of Plumbago's, and say what had to be left out.
    ImportDiamond(ImportDiamondArgs),
}

impl FileArgs {
    pub(crate) fn config(&self) -> Option<&std::path::Path> {
        self.config.as_deref()
    }
}

/// An address, or a port alone, which means this host and nobody else.
fn address(text: &str) -> Result<SocketAddr, String> {
    let port = text.parse::<u16>().map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    port.or_else(|_| text.parse()).map_err(|_| "expected IP:PORT, such as 0.0.0.0:2003, or a port".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_alone_is_a_port_of_this_host() {
        assert_eq!(address("2003").unwrap().to_string(), "127.0.0.1:2003");
        assert_eq!(address("[::]:2003").unwrap().to_string(), "[::]:2003");
        assert!(address("graphite").unwrap_err().contains("IP:PORT"));
    }
}
