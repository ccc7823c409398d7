//! `plumbago dashboards`: its arguments.

use std::path::PathBuf;

use clap::Subcommand;

use crate::cli::DaemonArgs;

/// What to do with dashboards.
#[derive(Debug, Subcommand)]
pub(crate) enum DashboardsVerb {
    /// Print name and title of each dashboard of a running daemon.
    List {
        #[command(flatten)]
        daemon: DaemonArgs,
    },
    /// Print the JSON of a dashboard of a running daemon.
    Show {
        /// Its name.
        name: String,
        #[command(flatten)]
        daemon: DaemonArgs,
    },
    /// Read files of dashboards and report every mistake. Needs no daemon.
    Check {
        /// The files.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Turn a dashboard of graphite-web or Grafana into one of ours, print it, and say what was left out. Needs no daemon
    /// but to save it.
    Import {
        /// What Grafana exports or graphite-web has: the JSON of a dashboard, or a template with __VALUE__ in it.
        file: PathBuf,
        /// Save it under its name in a running daemon, in place of one of that name.
        #[arg(long)]
        save: bool,
        /// Its name; by default made from its title.
        #[arg(long)]
        name: Option<String>,
        #[command(flatten)]
        daemon: DaemonArgs,
    },
    /// Save a file in a running daemon, in place of a dashboard of the same name.
    Save {
        /// A dashboard's JSON.
        file: PathBuf,
        /// Its name; by default that of the file.
        #[arg(long)]
        name: Option<String>,
        #[command(flatten)]
        daemon: DaemonArgs,
    },
    /// Delete a dashboard of a running daemon.
    Delete {
        /// Its name.
        name: String,
        #[command(flatten)]
        daemon: DaemonArgs,
    },
}
