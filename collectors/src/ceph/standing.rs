//! A daemon's part in the cluster, as numbers under its own name.

use super::daemon::Known;
use super::status::Version;
use crate::{Out, Value};

/// Puts what `known` says about its part into `out`.
pub(super) fn publish(known: &Known, out: &mut Out) {
    let mut gauge = |what: &[&str], value: f64| {
        let mut path = vec![known.root.as_str()];
        path.extend(what);
        out.value(&path, Value::Gauge(value));
    };
    let yes = |what: bool| if what { 1.0 } else { 0.0 };
    if let Some(number) = known.version.as_ref().and_then(Version::number) {
        gauge(&["version"], number);
    }
    if let Some(mon) = &known.status {
        gauge(&["status", "leader"], yes(mon.leads()));
        gauge(&["status", "in_quorum"], yes(mon.in_quorum()));
        gauge(&["status", "quorum_size"], mon.quorum.len() as f64);
        gauge(&["status", "election_epoch"], mon.election_epoch as f64);
        if let Some(age) = mon.quorum_age {
            gauge(&["status", "quorum_age"], age);
        }
    }
    if let Some(mds) = &known.mds {
        gauge(&["status", "active"], yes(mds.state == "up:active"));
        gauge(&["status", "standby"], yes(mds.state.starts_with("up:standby")));
        gauge(&["status", "rank"], mds.whoami as f64);
    }
    if let Some(active) = known.mgr_active {
        gauge(&["status", "active"], yes(active));
    }
}
