//! What daemons, sections and counters are called: three namings, of which two are there for dashboards that exist.
//!
//! ```text
//! native     ceph.CLUSTER.TYPE.ID.SECTION.COUNTER[.rate|.avg]
//! diamond    PREFIX.HOST.CephCollector.ceph.TYPE.ID.SECTION.COUNTER[.avgcount|.sum|.avgtime]
//! calamari   PREFIX.HOST.CephCollector.CLUSTER.TYPE.ID.SECTION.COUNTER[.last_interval_avg]
//! ```

use std::collections::BTreeMap;

use serde::Deserialize;

use super::cleaned::cleaned;
use super::discover::Daemon;
use crate::{Scope, clean};

/// Whose names a daemon's counters have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Naming {
    /// Ours: no host, because daemons move; rates and averages of the interval.
    #[default]
    Native,
    /// As Diamond's CephCollector: everything as it stands in the dump, without decimals.
    Diamond,
    /// As the collector that Calamari brought: rates, `last_interval_avg`, `bytes` cut to `byte`.
    Calamari,
}

/// How names are made, from the options.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    pub(super) naming: Naming,
    /// Whether `PREFIX.HOST.` goes before the name; each naming has its own default.
    pub(super) host_in_path: Option<bool>,
    /// What stands between type and id: `.`, or `-` as in Calamari's first dashboards.
    pub(super) separator: char,
}

impl Rules {
    /// The root of the names of a daemon's counters.
    pub(super) fn scope(self) -> Scope {
        let host = self.host_in_path.unwrap_or(self.naming != Naming::Native);
        if host { Scope::Host } else { Scope::World }
    }

    /// What the names of a daemon's counters begin with, below the scope's root.
    pub(super) fn prefix(self, cluster: &str, daemon: &Daemon, twin: u32) -> String {
        let mut prefix = match (self.naming, self.scope()) {
            (Naming::Native, _) => "ceph.".to_owned(),
            (Naming::Diamond, _) | (Naming::Calamari, Scope::Host) => "CephCollector.".to_owned(),
            (Naming::Calamari, Scope::World) => "ceph.cluster.".to_owned(),
        };
        prefix.push_str(cluster);
        prefix.push('.');
        prefix.push_str(&daemon.kind);
        prefix.push(self.separator);
        match self.naming {
            Naming::Native => prefix.push_str(&cleaned(&daemon.id)),
            _ => push_parts(&daemon.id, &mut prefix),
        }
        if twin > 1 {
            prefix.push_str(&format!("-{twin}"));
        }
        prefix
    }
}

impl Naming {
    /// What a section is called; `name` has no address any more.
    pub(super) fn section(self, name: &str) -> Box<str> {
        self.part(name)
    }

    /// What a counter is called. `pair` tells one of sum and count, whose name gets an ending.
    pub(super) fn counter(self, name: &str, pair: bool) -> Box<str> {
        match (self, name.strip_suffix("bytes")) {
            (Naming::Calamari, Some(plain)) if !pair => self.part(&format!("{plain}byte")),
            _ => self.part(name),
        }
    }

    fn part(self, name: &str) -> Box<str> {
        if self == Naming::Native {
            return cleaned(name).into();
        }
        let mut part = String::with_capacity(name.len());
        clean(name, &mut part);
        part.into()
    }
}

/// Appends an id whose dots part it, as Diamond leaves them.
fn push_parts(id: &str, name: &mut String) {
    for (at, part) in id.split('.').enumerate() {
        if at > 0 {
            name.push('.');
        }
        clean(part, name);
    }
}

/// Numbers in the place of memory addresses (`objecter-0x7f82…`), which are others at each start of a daemon. An address
/// keeps its number for as long as the daemon lives.
#[derive(Clone, Debug, Default)]
pub(super) struct Addresses {
    /// By section without address: the addresses in the order in which they were seen.
    seen: BTreeMap<String, Vec<String>>,
}

/// More instances of one section than any daemon has.
const MOST_INSTANCES: usize = 4096;

impl Addresses {
    /// Whether none was seen.
    pub(super) fn is_empty(&self) -> bool {
        self.seen.is_empty()
    }

    /// `section` with a number for a memory address at its end.
    pub(super) fn numbered(&mut self, section: &str) -> String {
        let address = section
            .rsplit_once("-0x")
            .filter(|(_, digits)| digits.len() >= 6 && digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let Some((plain, digits)) = address else { return section.to_owned() };
        let seen = self.seen.entry(plain.to_owned()).or_default();
        let number = seen.iter().position(|known| known == digits).unwrap_or_else(|| {
            if seen.len() < MOST_INSTANCES {
                seen.push(digits.to_owned());
            }
            seen.len() - 1
        });
        format!("{plain}-{}", number + 1)
    }
}
