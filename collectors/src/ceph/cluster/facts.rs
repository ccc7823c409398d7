//! What no socket tells: answers of the command line tool, one JSON document a line, told apart by what they hold.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Number;

/// Everything that a round of questions gave. What was refused is absent.
#[derive(Clone, Debug, Default)]
pub(super) struct Facts {
    pub(super) status: Option<Status>,
    pub(super) osd_map: Option<OsdMap>,
    pub(super) df: Option<Df>,
    pub(super) manager: Option<Manager>,
    pub(super) pool_io: Option<Vec<PoolIo>>,
    /// Of `pg dump pools`.
    pub(super) pool_sums: Option<Vec<PoolSum>>,
}

/// `status`.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Status {
    pub(super) health: Health,
    pub(super) pgmap: PgMap,
    #[serde(default)]
    pub(super) fsmap: FsMap,
    #[serde(default)]
    pub(super) mgrmap: MgrMap,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Health {
    pub(super) status: String,
    #[serde(default)]
    pub(super) checks: BTreeMap<String, serde::de::IgnoredAny>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct PgMap {
    #[serde(default)]
    pub(super) pgs_by_state: Vec<PgState>,
    /// Numbers such as `read_bytes_sec`, which are there while something happens.
    #[serde(flatten)]
    pub(super) rest: BTreeMap<String, serde_json::Value>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct PgState {
    pub(super) state_name: String,
    pub(super) count: f64,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct FsMap {
    pub(super) up: Option<f64>,
    pub(super) r#in: Option<f64>,
    pub(super) max: Option<f64>,
    #[serde(rename = "up:standby")]
    pub(super) standby: Option<f64>,
    pub(super) by_rank: Vec<serde::de::IgnoredAny>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct MgrMap {
    pub(super) available: bool,
    pub(super) num_standbys: f64,
}

/// `osd dump`.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct OsdMap {
    #[serde(default)]
    pub(super) flags_set: Vec<String>,
    pub(super) full_ratio: Option<f64>,
    pub(super) backfillfull_ratio: Option<f64>,
    pub(super) nearfull_ratio: Option<f64>,
    pub(super) osds: Vec<Osd>,
    #[serde(default)]
    pub(super) pools: Vec<Pool>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct Osd {
    pub(super) osd: u32,
    pub(super) up: u8,
    pub(super) r#in: u8,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Pool {
    pub(super) pool_name: String,
    pub(super) size: f64,
    pub(super) min_size: f64,
    pub(super) pg_num: f64,
}

/// `df`.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Df {
    pub(super) stats: BTreeMap<String, Number>,
    #[serde(default)]
    pub(super) pools: Vec<DfPool>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct DfPool {
    pub(super) name: String,
    pub(super) stats: BTreeMap<String, serde_json::Value>,
}

/// `mgr stat`.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Manager {
    pub(super) available: bool,
    pub(super) active_name: String,
}

/// A pool of `osd pool stats`.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct PoolIo {
    pub(super) pool_name: String,
    #[serde(default)]
    pub(super) client_io_rate: BTreeMap<String, serde_json::Value>,
    #[serde(default)]
    pub(super) recovery_rate: BTreeMap<String, serde_json::Value>,
}

/// A pool of `pg dump pools`.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct PoolSum {
    pub(super) poolid: u64,
    pub(super) stat_sum: BTreeMap<String, serde_json::Value>,
}

#[derive(Deserialize)]
struct PoolSums {
    pool_stats: Vec<PoolSum>,
}

impl Facts {
    /// Reads what the tool printed. A line that is none of the answers is left out.
    pub(super) fn read(printed: &[u8]) -> Facts {
        let mut facts = Facts::default();
        for line in printed.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii) {
            if !line.starts_with(b"{") && !line.starts_with(b"[") {
                continue;
            }
            facts.take(line);
        }
        facts
    }

    /// Takes one answer, by what it holds.
    pub(super) fn take(&mut self, line: &[u8]) {
        if let Ok(status) = serde_json::from_slice(line) {
            self.status = Some(status);
        } else if let Ok(map) = serde_json::from_slice(line) {
            self.osd_map = Some(map);
        } else if let Ok(df) = serde_json::from_slice(line) {
            self.df = Some(df);
        } else if let Ok(manager) = serde_json::from_slice(line) {
            self.manager = Some(manager);
        } else if let Ok(PoolSums { pool_stats }) = serde_json::from_slice(line) {
            self.pool_sums = Some(pool_stats);
        } else if let Ok(pools) = serde_json::from_slice(line) {
            self.pool_io = Some(pools);
        }
    }

    /// Whether nothing was told.
    pub(super) fn is_empty(&self) -> bool {
        self.status.is_none() && self.osd_map.is_none() && self.df.is_none()
    }
}
