//! Options of the agent's verbs, which the agent on its own has, too.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

/// Options of `agent once`.
#[derive(Debug, Args)]
pub(crate) struct OnceArgs {
    /// Configuration; without it every option has its default.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Only these collectors, which need not be enabled; may be given several times.
    #[arg(long, value_name = "NAME")]
    pub(crate) collector: Vec<String>,
    /// Time between the two readings that a rate needs.
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "1s")]
    pub(crate) gap: Duration,
    /// Print the bare lines of Graphite's plaintext form, without units.
    #[arg(long)]
    pub(crate) plain: bool,
}

/// Options of `agent explain`.
#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// Configuration; without it every option has its default.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Time between the two readings.
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "1s")]
    pub(crate) gap: Duration,
    /// The whole name, such as servers.web01.cpu.total.user.
    pub(crate) metric: String,
}

/// A duration as configurations have it, or a number of seconds.
pub(crate) fn duration(text: &str) -> Result<Duration, humantime::DurationError> {
    text.parse().map(Duration::from_secs).or_else(|_| humantime::parse_duration(text))
}
