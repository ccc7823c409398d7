//! What daemons say about their part in the cluster.

use serde::Deserialize;

/// The part of `mon_status` that is read.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct MonStatus {
    pub(super) name: String,
    pub(super) rank: i64,
    /// `leader`, `peon`, `electing`, `probing`, `synchronizing`, `shutdown`.
    pub(super) state: String,
    pub(super) election_epoch: u64,
    /// Ranks; empty without a quorum.
    #[serde(default)]
    pub(super) quorum: Vec<i64>,
    /// Seconds since the last election; since Ceph 15.
    pub(super) quorum_age: Option<f64>,
    pub(super) monmap: MonMap,
}

/// Which monitors there should be.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct MonMap {
    pub(super) mons: Vec<Mon>,
}

/// One of them.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Mon {
    pub(super) rank: i64,
    pub(super) name: String,
}

/// The part of an MDS's `status` that is read.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct MdsStatus {
    /// `up:active`, `up:standby` and so on.
    pub(super) state: String,
    pub(super) whoami: i64,
}

/// An answer to `version`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Version {
    pub(super) version: String,
}

impl MonStatus {
    pub(super) fn leads(&self) -> bool {
        self.state == "leader"
    }

    pub(super) fn in_quorum(&self) -> bool {
        self.quorum.contains(&self.rank)
    }

    /// The names of the monitors in the quorum, the leading one first.
    pub(super) fn quorum_names(&self) -> Vec<&str> {
        let name = |rank: &i64| self.monmap.mons.iter().find(|mon| mon.rank == *rank).map(|mon| mon.name.as_str());
        self.quorum.iter().filter_map(name).collect()
    }
}

impl Version {
    /// 16.2.15 as 160215, so that a chart shows an upgrade as a step.
    pub(super) fn number(&self) -> Option<f64> {
        let mut numbers = self.version.split(['.', '-', ' ']).map(|part| part.parse::<u32>().ok());
        let (major, minor, patch) = (numbers.next()??, numbers.next()??, numbers.next().flatten().unwrap_or(0));
        Some(f64::from(major) * 10_000.0 + f64::from(minor.min(99)) * 100.0 + f64::from(patch.min(99)))
    }
}
