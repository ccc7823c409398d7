//! `[agent]`: how often, under which names, and where to.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use collectors::{Compat, Scope};
use serde::Deserialize;
use whisper::Interval;

use crate::destination::is_address;
use crate::naming::{Naming, short_host_name};
use crate::outlet::SMALLEST;
use crate::{Plugins, Upstream, events};

/// `[agent]`: the agent's own settings. What is measured stands in `[collectors.NAME]`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct AgentConfig {
    /// The name of this host in `PREFIX.HOST.`; dots in it become `_`. Default: the host name up to its first dot.
    pub host: Option<String>,
    /// What stands before the host's name; empty leaves it out. Default "servers".
    pub prefix: String,
    /// What stands behind the host's name, as Diamond's `path_suffix`; empty leaves it out. Default "".
    pub suffix: String,
    /// How often a collector runs that has no interval of its own, in whole seconds. Default "10s".
    #[serde(with = "humantime_serde")]
    pub interval: Duration,
    /// Shifts this host's runs within their slot by a share that depends on its name, so that a thousand agents do not
    /// send at once. Timestamps stay on the slot. Default true.
    pub stagger: bool,
    /// Where to send, as `HOST:PORT` of a Graphite plaintext listener; the short form of a `[destination.carbon]` that
    /// has an `address` alone. Default: 127.0.0.1:2003 when there is no `[destination.NAME]`, else nowhere.
    pub destination: Option<String>,
    /// Bytes of memory for lines, shared equally among destinations; what goes beyond pushes the oldest out. At least
    /// 65 536. Default 8 388 608.
    pub buffer_bytes: usize,
    /// First pause after a failed connect; it doubles up to `retry-most`, with jitter. Default "1s".
    #[serde(with = "humantime_serde")]
    pub retry_first: Duration,
    /// Longest pause between two attempts to connect. Default "1m".
    #[serde(with = "humantime_serde")]
    pub retry_most: Duration,
    /// How long a connect or a write may take before the connection is given up. Default "15s".
    #[serde(with = "humantime_serde")]
    pub patience: Duration,
    /// How long stopping may take to deliver what is buffered. Default "5s".
    #[serde(with = "humantime_serde")]
    pub flush_for: Duration,
    /// Where changes that collectors notice are posted, as `http://HOST:PORT/events/` of a graphite-web or of ours; a
    /// Ceph cluster's agents also look there who of them speaks for the cluster. Default: nowhere, and for `up` itself.
    pub events: Option<String>,
    /// Where the last values are shown as Prometheus' text, at `/metrics`, such as "127.0.0.1:9103". Default: nowhere.
    pub expose: Option<SocketAddr>,
    /// "diamond" follows Diamond where we do otherwise: rates over the configured interval, 0 for a first reading, and what
    /// else COMPATIBILITY.md names; each collector may say for itself. Default "native".
    pub compat: Compat,
    /// Where this host's `/proc` and `/sys` are mounted, for an agent in a container. Default "/".
    pub root: String,
    /// Where readings are kept for the next start; nowhere if `None`. Is not in the file: whoever starts the agent knows.
    #[serde(skip)]
    pub folder: Option<PathBuf>,
    /// The server behind `events`, as something that can be talked to.
    #[serde(skip)]
    pub upstream: Upstream,
    /// `[plugin.NAME]`: programs of the user's. A section of its own in the file, so no option here.
    #[serde(skip)]
    pub plugins: Plugins,
}

/// One thing that is wrong with the settings.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("[agent] {key}: {fault}")]
pub struct Problem {
    /// The option.
    pub key: &'static str,
    /// What it should be.
    pub fault: &'static str,
}

impl Default for AgentConfig {
    fn default() -> AgentConfig {
        AgentConfig {
            host: None,
            prefix: "servers".to_owned(),
            suffix: String::new(),
            interval: Duration::from_secs(10),
            stagger: true,
            destination: None,
            buffer_bytes: 8 << 20,
            retry_first: Duration::from_secs(1),
            retry_most: Duration::from_secs(60),
            patience: Duration::from_secs(15),
            flush_for: Duration::from_secs(5),
            events: None,
            expose: None,
            compat: Compat::Native,
            root: "/".to_owned(),
            folder: None,
            upstream: Upstream::default(),
            plugins: Plugins::default(),
        }
    }
}

impl AgentConfig {
    /// What this host is called in its metrics' names.
    pub fn host_name(&self) -> String {
        self.host.clone().unwrap_or_else(short_host_name)
    }

    /// The whole metric name of what a collector calls `name`, such as `cpu.total.user`.
    pub fn metric_name(&self, name: &str) -> String {
        let mut whole = String::new();
        Naming::new(&self.prefix, &self.host_name()).with_suffix(&self.suffix).write(Scope::Host, name, &mut whole);
        whole
    }

    /// The options in which this differs from `old` and which are read at the start alone.
    pub(crate) fn at_next_start(&self, old: &AgentConfig) -> Vec<&'static str> {
        let differs = [("events", self.events != old.events), ("expose", self.expose != old.expose)];
        differs.into_iter().filter(|(_, differs)| *differs).map(|(key, _)| key).collect()
    }

    /// Everything that is wrong, each with its key; empty when all is well.
    pub fn validate(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut expect = |fine: bool, key, fault| {
            if !fine {
                problems.push(Problem { key, fault });
            }
        };
        let events = self.events.as_deref().and_then(events::fault);
        expect(events.is_none(), "events", events.unwrap_or_default());
        let page = self.expose.is_none() || cfg!(feature = "expose");
        expect(page, "expose", "this agent was built without it; the full `plumbago agent` has it");
        expect(seconds(self.interval).is_some(), "interval", "has to be whole seconds, at least \"1s\"");
        expect(self.host.as_ref().is_none_or(|host| !host.trim().is_empty()), "host", "is empty; leave it out instead");
        let address = self.destination.as_deref().is_none_or(is_address);
        expect(address, "destination", "has to be HOST:PORT, such as \"graphite.example.org:2003\"");
        expect(self.buffer_bytes >= SMALLEST, "buffer-bytes", "has to be at least 65536");
        expect(!self.retry_first.is_zero(), "retry-first", "has to be longer than nothing");
        expect(self.retry_most >= self.retry_first, "retry-most", "has to be at least retry-first");
        expect(!self.patience.is_zero(), "patience", "has to be longer than nothing");
        problems
    }
}

/// `length` as an interval; `None` unless it is whole seconds that fit.
pub(crate) fn seconds(length: Duration) -> Option<Interval> {
    let secs = u32::try_from(length.as_secs()).ok().filter(|_| length.subsec_nanos() == 0)?;
    Interval::from_secs(secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_valid() {
        assert_eq!(AgentConfig::default().validate(), []);
        assert_eq!(toml::from_str::<AgentConfig>("").unwrap(), AgentConfig::default());
    }

    #[test]
    fn every_problem_is_told_with_its_key() {
        let text =
            "interval = \"1500ms\"\ndestination = \"carbon\"\nbuffer-bytes = 10\nretry-most = \"1ms\"\nhost = \"\"";
        let keys: Vec<_> =
            toml::from_str::<AgentConfig>(text).unwrap().validate().iter().map(|problem| problem.key).collect();
        assert_eq!(keys, ["interval", "host", "destination", "buffer-bytes", "retry-most"]);
    }

    #[test]
    fn an_unknown_key_is_named() {
        let fault = toml::from_str::<AgentConfig>("buffer_bytes = 1").unwrap_err().to_string();
        assert!(fault.contains("buffer_bytes"), "{fault}");
    }
}
