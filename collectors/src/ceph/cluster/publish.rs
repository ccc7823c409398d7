//! The cluster as numbers: `ceph.CLUSTER.cluster.…`, and pools and space in Calamari's names where those are wanted.

use std::collections::{BTreeMap, BTreeSet};

use super::super::cleaned::cleaned;
use super::facts::{Df, Facts, OsdMap, PoolSum, Status};
use super::{Counters, MonView};
use crate::{Bits, Out, Unit, Value};

/// Flags that operators set, which are told even while they are not set.
const FLAGS: [&str; 13] = [
    "noup",
    "nodown",
    "noout",
    "noin",
    "nobackfill",
    "norebalance",
    "norecover",
    "noscrub",
    "nodeep-scrub",
    "pauserd",
    "pausewr",
    "notieragent",
    "nosnaptrim",
];

/// Counters of a monitor's section `cluster`, and what they are called here.
const SECTION: [(&str, &[&str], Unit); 18] = [
    ("num_mon", &["mon", "total"], Unit::None),
    ("num_mon_quorum", &["mon", "quorum"], Unit::None),
    ("num_osd", &["osd", "total"], Unit::None),
    ("num_osd_up", &["osd", "up"], Unit::None),
    ("num_osd_in", &["osd", "in"], Unit::None),
    ("osd_epoch", &["osdmap", "epoch"], Unit::None),
    ("osd_bytes", &["df", "total_bytes"], Unit::Bytes),
    ("osd_bytes_used", &["df", "used_bytes"], Unit::Bytes),
    ("osd_bytes_avail", &["df", "avail_bytes"], Unit::Bytes),
    ("num_bytes", &["df", "data_bytes"], Unit::Bytes),
    ("num_pool", &["pool", "total"], Unit::None),
    ("num_pg", &["pg", "total"], Unit::None),
    ("num_pg_active", &["pg", "active"], Unit::None),
    ("num_pg_active_clean", &["pg", "active_clean"], Unit::None),
    ("num_pg_peering", &["pg", "peering"], Unit::None),
    ("num_object", &["object", "total"], Unit::None),
    ("num_object_degraded", &["object", "degraded"], Unit::None),
    ("num_object_misplaced", &["object", "misplaced"], Unit::None),
];

/// Where the numbers of one cluster go.
pub(super) struct Sheet<'a> {
    /// `ceph.CLUSTER.cluster`.
    root: &'a str,
    out: &'a mut Out,
}

impl<'a> Sheet<'a> {
    pub(super) fn new(root: &'a str, out: &'a mut Out) -> Sheet<'a> {
        Sheet { root, out }
    }

    fn gauge(&mut self, path: &[&str], value: f64, unit: Unit) {
        let mut whole = vec![self.root];
        whole.extend(path);
        self.out.value(&whole, Value::Gauge(value)).significant(15).unit(unit);
    }

    /// What a monitor's own sockets tell.
    pub(super) fn view(&mut self, view: &MonView<'_>) {
        self.gauge(&["speaker", &cleaned(view.name)], 1.0, Unit::None);
        self.gauge(&["election_epoch"], view.status.election_epoch as f64, Unit::None);
        self.gauge(&["quorum"], view.status.quorum.len() as f64, Unit::None);
        let counters: &Counters = view.counters;
        for (counter, path, unit) in SECTION {
            if let Some(value) = counters.get(counter) {
                self.gauge(path, *value as f64, unit);
            }
        }
        if let Some(unfound) = counters.get("num_object_unfound") {
            self.gauge(&["object", "unfound"], *unfound as f64, Unit::None);
        }
    }

    /// What the command line tool told.
    pub(super) fn facts(&mut self, facts: &Facts) {
        if let Some(status) = &facts.status {
            self.status(status);
        }
        if let Some(map) = &facts.osd_map {
            self.osd_map(map);
        }
        for pool in facts.df.iter().flat_map(|df| &df.pools) {
            let name = cleaned(&pool.name);
            for stat in ["stored", "objects", "bytes_used", "percent_used", "max_avail"] {
                let unit = if matches!(stat, "objects" | "percent_used") { Unit::None } else { Unit::Bytes };
                self.number(&["pool", &name, stat], pool.stats.get(stat), unit);
            }
        }
        for pool in facts.pool_io.iter().flatten() {
            let name = cleaned(&pool.pool_name);
            // A rate that is not told is none.
            for (rate, unit) in IO {
                let value = pool.client_io_rate.get(rate).and_then(serde_json::Value::as_f64).unwrap_or(0.0);
                self.gauge(&["pool", &name, rate], value, unit);
            }
            self.number(
                &["pool", &name, "recovering_bytes_per_sec"],
                pool.recovery_rate.get("recovering_bytes_per_sec"),
                Unit::Bytes,
            );
        }
    }

    fn status(&mut self, status: &Status) {
        let health = match status.health.status.as_str() {
            "HEALTH_OK" => 0.0,
            "HEALTH_WARN" => 1.0,
            _ => 2.0,
        };
        self.gauge(&["health"], health, Unit::None);
        for check in status.health.checks.keys() {
            self.gauge(&["check", &cleaned(check)], 1.0, Unit::None);
        }
        for state in &status.pgmap.pgs_by_state {
            self.gauge(&["pg", "state", &cleaned(&state.state_name)], state.count, Unit::None);
        }
        for (rate, unit) in IO {
            let value = status.pgmap.rest.get(rate).and_then(serde_json::Value::as_f64).unwrap_or(0.0);
            self.gauge(&["io", rate], value, unit);
        }
        for (rate, unit) in RECOVERY {
            let value = status.pgmap.rest.get(rate).and_then(serde_json::Value::as_f64).unwrap_or(0.0);
            self.gauge(&["io", rate], value, unit);
        }
        self.gauge(&["mgr", "available"], f64::from(u8::from(status.mgrmap.available)), Unit::None);
        self.gauge(&["mgr", "standbys"], status.mgrmap.num_standbys, Unit::None);
        let fs = &status.fsmap;
        let ranks = fs.up.or(Some(fs.by_rank.len() as f64));
        for (what, value) in [("up", ranks), ("in", fs.r#in), ("max", fs.max), ("standby", fs.standby)] {
            if let Some(value) = value {
                self.gauge(&["mds", what], value, Unit::None);
            }
        }
    }

    fn osd_map(&mut self, map: &OsdMap) {
        let set: BTreeSet<&str> = map.flags_set.iter().map(String::as_str).collect();
        for flag in FLAGS {
            self.gauge(&["osdmap", "flag", flag], f64::from(u8::from(set.contains(flag))), Unit::None);
        }
        let ratios = [
            ("full_ratio", map.full_ratio),
            ("backfillfull_ratio", map.backfillfull_ratio),
            ("nearfull_ratio", map.nearfull_ratio),
        ];
        for (name, ratio) in ratios {
            if let Some(ratio) = ratio {
                // Ceph keeps them as single floats and prints those as doubles.
                self.gauge(&["osdmap", name], (ratio * 1e6).round() / 1e6, Unit::None);
            }
        }
        for osd in &map.osds {
            let id = osd.osd.to_string();
            self.gauge(&["osd", &id, "up"], f64::from(osd.up), Unit::None);
            self.gauge(&["osd", &id, "in"], f64::from(osd.r#in), Unit::None);
        }
        for pool in &map.pools {
            let name = cleaned(&pool.pool_name);
            for (what, value) in [("size", pool.size), ("min_size", pool.min_size), ("pg_num", pool.pg_num)] {
                self.gauge(&["pool", &name, what], value, Unit::None);
            }
        }
    }

    fn number(&mut self, path: &[&str], value: Option<&serde_json::Value>, unit: Unit) {
        if let Some(value) = value.and_then(serde_json::Value::as_f64) {
            self.gauge(path, value, unit);
        }
    }
}

const IO: [(&str, Unit); 4] = [
    ("read_bytes_sec", Unit::Bytes),
    ("write_bytes_sec", Unit::Bytes),
    ("read_op_per_sec", Unit::None),
    ("write_op_per_sec", Unit::None),
];

const RECOVERY: [(&str, Unit); 2] =
    [("recovering_bytes_per_sec", Unit::Bytes), ("recovering_objects_per_sec", Unit::None)];

/// Sums of a pool that only grow, of which Calamari sent rates.
const GROWING: [&str; 7] = [
    "num_read",
    "num_read_kb",
    "num_write",
    "num_write_kb",
    "num_objects_recovered",
    "num_bytes_recovered",
    "num_keys_recovered",
];

/// Pools and space in Calamari's names, `ceph.cluster.FSID.…`.
pub(super) fn calamari(fsid: &str, pools: &[PoolSum], df: Option<&Df>, out: &mut Out) {
    let mut all: BTreeMap<&str, f64> = BTreeMap::new();
    for pool in pools {
        let id = pool.poolid.to_string();
        for (name, value) in &pool.stat_sum {
            if let Some(value) = value.as_f64() {
                *all.entry(name).or_default() += value;
                sum(fsid, &id, name, value, out);
            }
        }
    }
    for (name, value) in all {
        sum(fsid, "all", name, value, out);
    }
    for (name, value) in df.iter().flat_map(|df| &df.stats) {
        if let Some(value) = value.as_f64() {
            out.value(&["ceph.cluster", fsid, "df", &cleaned(name)], Value::Gauge(value)).decimals(0);
        }
    }
}

fn sum(fsid: &str, pool: &str, name: &str, value: f64, out: &mut Out) {
    let grows = GROWING.contains(&name) && value >= 0.0;
    let value = if grows { Value::Counter { raw: value as u64, bits: Bits::B64 } } else { Value::Gauge(value) };
    out.value(&["ceph.cluster", fsid, "pool", pool, &cleaned(name)], value).decimals(if grows { 2 } else { 0 });
}
