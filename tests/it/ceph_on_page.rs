//! A real Ceph on its ready-made dashboard, as `tests/browser/ceph.mjs` sees it in a browser.

use std::fs;

use crate::ceph_to_chart::{Cluster, absent};
use crate::page_in_browser::{browser, drive};
use crate::stack::{Plumbago, folder, path, wait_for};

#[test]
fn a_real_cluster_fills_every_panel_of_its_dashboard() {
    if absent() {
        return;
    }
    let Some((chromium, scripts)) = browser() else { return };
    let cluster = Cluster::of(44_000, &[("MONS", "3"), ("MGR", "1"), ("OSDS", "2")]);
    let folder = folder();
    let (config, root) = (folder.path().join("plumbago.toml"), path(cluster.folder.path()));
    let text = format!(
        "[agent]\ninterval = \"1s\"\n[collectors.ceph]\nsockets = [\"{root}/run/*.asok\"]\n\
         conf = \"{root}/ceph.conf\"\nuser = \"client.admin\"\n"
    );
    fs::write(&config, text).unwrap();
    let plumbago = Plumbago::up(folder.path(), &["--config", path(&config)]);
    cluster.run("load");
    for name in ["ceph.ceph.cluster.pool.bench.stored", "ceph.ceph.osd.1.osd.op_w_latency.avg"] {
        wait_for(name, || plumbago.points(name).iter().any(|(_, value)| *value > 0.0).then_some(()));
    }

    drive(&scripts, &["ceph.mjs", plumbago.http.as_deref().unwrap(), path(&chromium)]);
}
