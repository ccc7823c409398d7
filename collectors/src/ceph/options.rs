//! `[collectors.ceph]`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Deserializer, de};

use super::names::{Naming, Rules};

/// `[collectors.ceph]`: where the daemons are and which of their counters are wanted.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Options {
    /// Globs of admin sockets. Default `/var/run/ceph/*.asok` and `/var/run/ceph/*/*.asok`.
    #[serde(deserialize_with = "globs")]
    pub(super) sockets: Vec<String>,
    /// Names of clusters by their ids, for those that a host cannot tell apart. Default none.
    pub(super) clusters: BTreeMap<String, String>,
    /// Whose names counters have. Default "native", and "diamond" with `compat = "diamond"`.
    pub(super) naming: Naming,
    /// Whether the host is in the names of counters. Default: as the naming has it.
    pub(super) host_in_path: Option<bool>,
    /// Stands between type and id. Default ".".
    pub(super) separator: Separator,
    /// Counters of a lower priority in the schema are left out. Default 5, and 0 when the naming is not our own.
    pub(super) min_priority: Option<u8>,
    /// Counters taken whatever their priority, as `SECTION.COUNTER` or `SECTION.*`. Default none.
    pub(super) include: Vec<String>,
    /// The command line tool, asked by the agent that speaks for a cluster for what no socket tells; empty for never.
    /// Default "ceph". It is used only where its configuration and key can be read.
    pub(super) command: String,
    /// Whom it speaks as. Default "client.plumbago".
    pub(super) user: String,
    /// Its configuration. Default `/etc/ceph/CLUSTER.conf`.
    pub(super) conf: Option<PathBuf>,
    /// Its key. Default `/etc/ceph/CLUSTER.USER.keyring`; a cluster without keys needs none if `conf` is given.
    pub(super) keyring: Option<PathBuf>,
    /// How often it is asked; also when the map of OSDs or this host's active manager changes. Default "1m".
    #[serde(with = "humantime_serde")]
    pub(super) command_interval: Duration,
    /// A file that lists the daemons of this host as JSON. Default none.
    pub(super) inventory: Option<PathBuf>,
    /// How long a daemon may take for one answer. Default "1s".
    #[serde(with = "humantime_serde")]
    pub(super) timeout: Duration,
}

/// Where Ceph and cephadm put the sockets.
const USUAL: [&str; 2] = ["/var/run/ceph/*.asok", "/var/run/ceph/*/*.asok"];

/// See [`Options::separator`].
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub(super) enum Separator {
    #[default]
    #[serde(rename = ".")]
    Dot,
    #[serde(rename = "-")]
    Dash,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            sockets: USUAL.map(str::to_owned).to_vec(),
            clusters: BTreeMap::new(),
            naming: Naming::Native,
            host_in_path: None,
            separator: Separator::Dot,
            min_priority: None,
            include: Vec::new(),
            inventory: None,
            command: "ceph".to_owned(),
            user: "client.plumbago".to_owned(),
            conf: None,
            keyring: None,
            command_interval: Duration::from_secs(60),
            timeout: Duration::from_secs(1),
        }
    }
}

impl Options {
    pub(super) fn rules(&self) -> Rules {
        let separator = match self.separator {
            Separator::Dot => '.',
            Separator::Dash => '-',
        };
        Rules { naming: self.naming, host_in_path: self.host_in_path, separator }
    }

    /// Whether sockets are looked for where they usually are, and nowhere else.
    pub(super) fn has_usual_sockets(&self) -> bool {
        self.sockets == USUAL
    }

    /// Who follows somebody else's names has boards that know all of them.
    pub(super) fn min_priority(&self) -> u8 {
        self.min_priority.unwrap_or(if self.naming == Naming::Native { 5 } else { 0 })
    }
}

fn globs<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<String>, D::Error> {
    let patterns = Vec::<String>::deserialize(input)?;
    for pattern in &patterns {
        if !pattern.starts_with('/') {
            return Err(de::Error::custom(format!("`{pattern}` does not begin with a slash")));
        }
        glob::Pattern::new(pattern).map_err(|fault| de::Error::custom(format!("`{pattern}` is no glob: {fault}")))?;
    }
    Ok(patterns)
}
