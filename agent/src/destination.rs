//! `[destination.NAME]`: where lines go, and how much is kept for each while it is away.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use crate::outlet::SMALLEST;
#[cfg(feature = "tls")]
use crate::sink::TlsConfig;
use crate::{AgentConfig, Size};

/// What a small agent, which has none, makes of the table.
#[cfg(not(feature = "tls"))]
type TlsConfig = serde::de::IgnoredAny;

/// What the destination of `[agent] destination` is called.
pub(crate) const PLAIN: &str = "carbon";

/// Where lines go when nobody says so.
const CARBON: &str = "127.0.0.1:2003";

/// `[destination.NAME]` for every name.
pub type Destinations = BTreeMap<String, DestinationConfig>;

/// `[destination.NAME]`: one place where lines go, with a queue of its own.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct DestinationConfig {
    /// What lines become there. Default "line".
    pub kind: Kind,
    /// `HOST:PORT`; looked up anew at every connect. Not for "file" and "stdout".
    pub address: Option<String>,
    /// For "line", what carries it. Default "tcp".
    pub protocol: Protocol,
    /// Encrypts the connection, for "line" and "pickle" over TCP; an empty table does so by the authorities of this
    /// system. Default: nothing does.
    pub tls: Option<TlsConfig>,
    /// For "file", where it lies; older ones beside it are called `PATH.1` and so on.
    pub path: Option<PathBuf>,
    /// For "file", bytes from which on a new one is begun. Default "64MiB".
    pub rotate_at: Size,
    /// For "file", older ones that are kept. Default 5.
    pub rotations: u32,
    /// Bytes of memory for lines that wait, the oldest go first. Default: an equal share of `[agent] buffer-bytes`.
    pub buffer_bytes: Option<usize>,
    /// Lines of this long are sent again after a connection broke, since the kernel had taken them and the server may
    /// never have read them; "0s" for none. Default "30s".
    #[serde(with = "humantime_serde")]
    pub resend: Duration,
    /// Room on disk for lines that wait while the destination is away, the oldest go first; "0" for none. They lie below
    /// the agent's data folder. Default "256MiB".
    pub spool: Size,
    /// Lines a second that are sent from there once the destination is back; what is new goes before them. Default 5000.
    pub replay_rate: u32,
}

/// What lines become at a destination.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Graphite's plaintext protocol.
    #[default]
    Line,
    /// Pickles, as carbon's relays send them.
    Pickle,
    /// Gauges of statsd by UDP, without timestamps.
    Statsd,
    /// Lines of a file.
    File,
    /// Lines on standard output.
    Stdout,
}

/// What carries lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// A connection.
    #[default]
    Tcp,
    /// Datagrams, which nobody confirms.
    Udp,
}

impl Default for DestinationConfig {
    fn default() -> DestinationConfig {
        DestinationConfig {
            kind: Kind::Line,
            address: None,
            protocol: Protocol::Tcp,
            tls: None,
            path: None,
            rotate_at: Size::mib(64),
            rotations: 5,
            buffer_bytes: None,
            resend: Duration::from_secs(30),
            spool: Size::mib(256),
            replay_rate: 5000,
        }
    }
}

impl DestinationConfig {
    /// A Graphite plaintext listener at `address`, all else at its default.
    pub fn line(address: &str) -> DestinationConfig {
        DestinationConfig { address: Some(address.to_owned()), ..DestinationConfig::default() }
    }

    /// Whether it is reached by a connection, which can break; others have no spool, and nothing is sent to them twice.
    pub(crate) fn connects(&self) -> bool {
        matches!((self.kind, self.protocol), (Kind::Line | Kind::Pickle, Protocol::Tcp))
    }

    /// Everything that is wrong, each beginning with its key.
    fn faults(&self, agent: &AgentConfig) -> Vec<String> {
        let mut faults = Vec::new();
        let mut expect = |fine: bool, fault: &str| {
            if !fine {
                faults.push(fault.to_owned());
            }
        };
        let remote = !matches!(self.kind, Kind::File | Kind::Stdout);
        let address = self.address.as_deref().is_some_and(is_address);
        expect(!remote || address, "address: has to be HOST:PORT, such as \"graphite.example.org:2003\"");
        expect(remote || self.address.is_none(), "address: a destination of this kind has none");
        let file = self.kind == Kind::File;
        expect(file == self.path.is_some(), "path: goes with kind \"file\" and with no other");
        expect(self.rotate_at.0 > 0, "rotate-at: has to be more than nothing");
        let udp = self.protocol == Protocol::Udp;
        expect(!udp || self.kind == Kind::Line, "protocol: \"udp\" goes with kind \"line\"; \"statsd\" has no other");
        expect(self.buffer_bytes.is_none_or(|bytes| bytes >= SMALLEST), "buffer-bytes: has to be at least 65536");
        let covered = self.resend.is_zero() || self.resend > agent.patience;
        expect(covered, "resend: has to be longer than `[agent] patience`, or \"0s\" for none");
        let room = self.spool.0 == 0 || self.spool.0 >= crate::spool::SMALLEST;
        expect(room, "spool: has to be at least \"1MiB\", or \"0\" for none");
        expect(self.replay_rate > 0, "replay-rate: has to be at least 1");
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.tls {
            match self.connects() {
                true => faults.extend(tls.faults(self.address.as_deref().unwrap_or_default())),
                false => faults.push("tls: goes with connections alone, of kind \"line\" or \"pickle\"".to_owned()),
            }
        }
        #[cfg(not(feature = "tls"))]
        if self.tls.is_some() {
            faults.push("tls: this agent was built without it; the full `plumbago agent` has it".to_owned());
        }
        faults
    }
}

/// The destinations to use: those of the tables, and the one of `[agent] destination`, which is a plaintext listener of
/// this host when there is nothing else.
pub(crate) fn all(agent: &AgentConfig, tables: &Destinations) -> Destinations {
    let mut all = tables.clone();
    let plain = agent.destination.as_deref().or(tables.is_empty().then_some(CARBON));
    if let Some(address) = plain {
        all.insert(PLAIN.to_owned(), DestinationConfig::line(address));
    }
    all
}

/// Everything that is wrong with the tables, each with its table and key.
pub(crate) fn faults(agent: &AgentConfig, tables: &Destinations) -> Vec<String> {
    let mut faults = Vec::new();
    for (name, destination) in tables {
        if !is_name(name) {
            faults.push(format!("[destination.{name}]: the name may hold letters, digits, - and _"));
        }
        if name == PLAIN && agent.destination.is_some() {
            faults.push(format!(
                "[destination.{name}]: `[agent] destination`, and `up` for its own listener, have this name; use another"
            ));
        }
        faults.extend(destination.faults(agent).into_iter().map(|fault| format!("[destination.{name}] {fault}")));
    }
    faults
}

/// Whether `name` can be a part of a metric's name and of a path.
pub(crate) fn is_name(name: &str) -> bool {
    let fine = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    !name.is_empty() && name.len() <= 64 && name.chars().all(fine)
}

/// Whether `text` is `HOST:PORT`.
pub(crate) fn is_address(text: &str) -> bool {
    let port = text.rsplit_once(':').filter(|(host, _)| !host.is_empty());
    port.and_then(|(_, port)| port.parse::<u16>().ok()).is_some_and(|port| port != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tables(text: &str) -> Destinations {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn without_a_word_lines_go_to_this_host() {
        let all = all(&AgentConfig::default(), &Destinations::new());
        assert_eq!(all[PLAIN], DestinationConfig::line(CARBON));
    }

    #[test]
    fn tables_stand_beside_the_one_line_form_but_replace_its_default() {
        let tables = tables("[far]\naddress = \"graphite:2003\"");
        let names = |agent: &AgentConfig| all(agent, &tables).into_keys().collect::<Vec<_>>();
        assert_eq!(names(&AgentConfig::default()), ["far"]);
        let agent = AgentConfig { destination: Some("near:2003".to_owned()), ..AgentConfig::default() };
        assert_eq!(names(&agent), ["carbon", "far"]);
    }

    #[test]
    fn faults_name_their_table_and_key() {
        let tables = tables("[a]\n[\"b/c\"]\naddress = \"h:1\"\nresend = \"2s\"\n[carbon]\naddress = \"h:2\"");
        let agent = AgentConfig { destination: Some("near:2003".to_owned()), ..AgentConfig::default() };
        let told = faults(&agent, &tables).join("\n");
        for part in ["[destination.a] address", "[destination.b/c]", "resend", "[destination.carbon]"] {
            assert!(told.contains(part), "{part} in {told}");
        }
    }

    #[test]
    fn options_go_with_their_kind() {
        let told = |text: &str| {
            let tables = tables(&format!("[d]\n{text}"));
            faults(&AgentConfig::default(), &tables).join("\n")
        };
        assert_eq!(told("kind = \"statsd\"\naddress = \"h:8125\""), "");
        assert_eq!(told("kind = \"file\"\npath = \"/tmp/lines\""), "");
        assert_eq!(told("kind = \"stdout\""), "");
        assert!(told("kind = \"file\"").contains("path"));
        assert!(told("kind = \"stdout\"\naddress = \"h:1\"").contains("address"));
        assert!(told("kind = \"pickle\"\naddress = \"h:1\"\nprotocol = \"udp\"").contains("protocol"));
    }

    #[cfg(feature = "tls")]
    #[test]
    fn tls_is_checked_before_it_is_used() {
        let told = |text: &str| faults(&AgentConfig::default(), &tables(text)).join("\n");
        assert_eq!(told("[d]\naddress = \"graphite:2003\"\ntls = {}"), "");
        assert!(told("[d]\nkind = \"statsd\"\naddress = \"h:1\"\ntls = {}").contains("tls"));
        assert!(told("[d]\naddress = \"h:1\"\ntls = { ca = \"/nowhere.pem\" }").contains("/nowhere.pem"));
        assert!(told("[d]\naddress = \"h:1\"\ntls = { key = \"/key.pem\" }").contains("certificate"));
        assert!(told("[d]\naddress = \"h:1\"\ntls = { server-name = \"a b\" }").contains("server-name"));
    }
}
