//! The `plumbago-agent` program: what `plumbago agent` does, without carbon, render and archives in the same file.

mod agent_cli;
mod look;
mod out;
mod signals;
#[path = "slim/config.rs"]
mod config;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use agent::Agent;
use anyhow::Context;
use clap::{Parser, Subcommand};
use tracing::{error, info, level_filters::LevelFilter, warn};

use agent_cli::{ExplainArgs, OnceArgs};
use config::Config;
use signals::{Asked, Signals};

/// Measures this host and sends what was measured: the agent of Plumbago on its own.
#[derive(Debug, Parser)]
#[command(name = "plumbago-agent", version, max_term_width = 100, args_conflicts_with_subcommands = true)]
struct Cli {
    /// How much to say: error, warn, info, debug or trace.
    #[arg(long, value_name = "LEVEL", default_value = "info", env = "PLUMBAGO_LOG")]
    log: LevelFilter,
    /// Configuration; without it every option has its default. Tables of carbon and render are passed over.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where the last readings and what waits for a server are kept, in DIR/agent.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    #[command(subcommand)]
    verb: Option<Verb>,
}

/// What to do beside measuring and sending.
#[derive(Debug, Subcommand)]
enum Verb {
    /// Measure now and print what would be sent, each line with its unit. Sends nothing.
    Once(OnceArgs),
    /// Tell where a metric comes from: collector, file, field, formula, and its last two readings.
    Explain(ExplainArgs),
    /// Read FILE, report every problem, start nothing.
    Check {
        /// The configuration, as for `--config`.
        file: PathBuf,
    },
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match &cli.verb {
        Some(Verb::Once(arguments)) => look::once(arguments),
        Some(Verb::Explain(arguments)) => look::explain(arguments),
        Some(Verb::Check { file }) => {
            Config::load_sound(Some(file)).map(|_| out::line(format_args!("no problem found")))
        }
        None => run(&cli),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("plumbago-agent: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Measures until it is told to stop.
fn run(cli: &Cli) -> anyhow::Result<()> {
    tracing_subscriber::fmt().with_max_level(cli.log).with_writer(std::io::stderr).log_internal_errors(false).init();
    let read = || read(cli.config.as_deref(), cli.data.as_deref());
    let config = read()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.context("cannot wait for sockets and signals")?.block_on(async {
        let mut signals = Signals::catch()?;
        let agent = Agent::start(config.setup())?;
        let steering = agent.steering();
        out::line(format_args!("ready"));
        while signals.next().await == Asked::Reload {
            match read().and_then(|config| Ok(steering.reload(config.setup())?)) {
                Ok(kept) if kept.is_empty() => info!(cause = "SIGHUP", "The collectors' settings were read anew."),
                Ok(kept) => warn!(options = kept.join(", "), "What changed here needs a restart."),
                Err(fault) => {
                    error!(error = format!("{fault:#}"), "What was read anew cannot be used; the old settings stay.");
                }
            }
        }
        let account = agent.stop().await;
        info!(?account, "The agent has stopped.");
        Ok(())
    })
}

fn read(file: Option<&Path>, data: Option<&Path>) -> anyhow::Result<Config> {
    let mut config = Config::load_sound(file)?;
    if let Some(data) = data {
        config.store.data = data.to_owned();
    }
    Ok(config)
}
