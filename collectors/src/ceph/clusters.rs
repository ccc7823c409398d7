//! Which cluster a daemon belongs to, and what that cluster is called in metric names.
//!
//! Nearly every cluster calls itself `ceph`, so two of them on one host are told apart by their ids. The plain name
//! belongs to the cluster of `/etc/ceph/NAME.conf`; without that file to the one whose sockets lie in the shared
//! directory, else to the one seen first. Every other one is `NAME-` and the first eight digits of its id. A name that
//! the options give goes before all that.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::cleaned::cleaned;
use super::discover::is_fsid;
use crate::Site;

/// Configurations are far shorter.
const LONGEST_CONF: u64 = 1 << 20;

/// More clusters than a host has daemons of.
const MOST_CLUSTERS: usize = 256;

/// A cluster by what its daemons tell: its name on the socket and its id.
pub(super) type Told = (String, Option<String>);

/// The names that were given, which stay while we run.
#[derive(Debug, Default)]
pub(super) struct Clusters {
    names: BTreeMap<Told, String>,
}

impl Clusters {
    /// What the cluster `told` is called. To be asked in the order in which clusters have a right to the plain name.
    pub(super) fn name(&mut self, told: &Told, given: &BTreeMap<String, String>, site: &Site) -> String {
        if let Some(name) = self.names.get(told) {
            return name.clone();
        }
        let name = self.choose(told, given, site);
        if self.names.len() < MOST_CLUSTERS {
            self.names.insert(told.clone(), name.clone());
        }
        name
    }

    fn choose(&self, (plain, fsid): &Told, given: &BTreeMap<String, String>, site: &Site) -> String {
        let Some(fsid) = fsid else { return plain.clone() };
        if let Some(name) = given.get(fsid) {
            return cleaned(name);
        }
        let taken = |((name, other), called): (&Told, &String)| {
            name == plain && called == plain && other.as_ref().is_some_and(|other| other != fsid)
        };
        let first = || !self.names.iter().any(taken);
        let owner = configured(plain, site);
        if owner.as_ref().map_or_else(first, |owner| owner == fsid) {
            return plain.clone();
        }
        format!("{plain}-{}", cleaned(&fsid[..fsid.len().min(8)]))
    }
}

/// The id in `/etc/ceph/NAME.conf`, when there is one to be read.
fn configured(name: &str, site: &Site) -> Option<String> {
    fsid_in(&site.path(&format!("/etc/ceph/{name}.conf")))
}

/// The id of the cluster whose configuration is `conf`.
pub(super) fn fsid_in(conf: &Path) -> Option<String> {
    let mut text = String::new();
    let file = File::open(conf).ok()?;
    file.take(LONGEST_CONF).read_to_string(&mut text).ok()?;
    let lines = text.lines().filter_map(|line| line.split_once('='));
    let mut ids = lines.filter(|(key, _)| key.trim() == "fsid").map(|(_, value)| value.trim().to_ascii_lowercase());
    ids.find(|id| is_fsid(id))
}
