//! `[collectors.ceph]`.

use std::collections::BTreeMap;
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
    /// Whose names counters have. Default "native".
    pub(super) naming: Naming,
    /// Whether the host is in the names of counters. Default: as the naming has it.
    pub(super) host_in_path: Option<bool>,
    /// Stands between type and id. Default ".".
    pub(super) separator: Separator,
    /// Counters of a lower priority in the schema are left out. Default 5, and 0 when the naming is not our own.
    pub(super) min_priority: Option<u8>,
    /// Counters taken whatever their priority, as `SECTION.COUNTER` or `SECTION.*`. Default none.
    pub(super) include: Vec<String>,
    /// How long a daemon may take for one answer. Default "1s".
    #[serde(with = "humantime_serde")]
    pub(super) timeout: Duration,
}

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
            sockets: ["/var/run/ceph/*.asok", "/var/run/ceph/*/*.asok"].map(str::to_owned).to_vec(),
            clusters: BTreeMap::new(),
            naming: Naming::Native,
            host_in_path: None,
            separator: Separator::Dot,
            min_priority: None,
            include: Vec::new(),
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
