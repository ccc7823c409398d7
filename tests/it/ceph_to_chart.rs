//! A real Ceph, started by the fixture: its admin sockets are read, its counters arrive in files and in a chart.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{self, Command};

use golden::peer;

use crate::stack::{Plumbago, folder, path, wait_for};

/// The script that starts a small Ceph on loopback.
fn fixture() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    root.join(env::var_os("PLUMBAGO_FIXTURES").unwrap_or_else(|| "../shared/fixtures".into()))
        .join("ceph_mini_cluster.sh")
}

struct Cluster {
    folder: tempfile::TempDir,
    port: u32,
}

impl Cluster {
    fn start() -> Cluster {
        // Socket paths must stay short, so the folder lies directly below the system's.
        let folder = tempfile::Builder::new().prefix("pc").tempdir().unwrap();
        // Clusters of runs side by side keep apart by their ports.
        let cluster = Cluster { folder, port: 34_000 + process::id() % 900 * 10 };
        // Starting again goes on where the last attempt was; a busy machine can be too slow for the monitors' patience.
        let faults: Vec<String> = (0..3).map_while(|_| cluster.attempt("start").err()).collect();
        assert!(faults.len() < 3, "{faults:?}");
        cluster
    }

    fn run(&self, verb: &str) {
        self.attempt(verb).unwrap();
    }

    fn attempt(&self, verb: &str) -> Result<(), String> {
        let done = Command::new("bash")
            .args([path(&fixture()), verb, path(self.folder.path())])
            .envs([("MGR", "0"), ("OSDS", "1"), ("PORT", &self.port.to_string()), ("SECS", "3")])
            .output()
            .unwrap();
        if done.status.success() {
            return Ok(());
        }
        Err(format!("{verb}: {}", String::from_utf8_lossy(&done.stderr)))
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.run("stop");
    }
}

#[test]
fn a_real_ceph_osd_is_on_a_chart() {
    if !fixture().exists() || ["ceph-mon", "ceph-osd"].iter().any(|name| !Path::new("/usr/bin").join(name).exists()) {
        return peer::skip("ceph", "the cluster script or Debian's ceph-mon and ceph-osd are missing");
    }
    let cluster = Cluster::start();
    let folder = folder();
    let config = folder.path().join("plumbago.toml");
    let sockets = cluster.folder.path().join("run");
    let text = format!("[agent]\ninterval = \"1s\"\n[collectors.ceph]\nsockets = [\"{}/*.asok\"]\n", path(&sockets));
    fs::write(&config, text).unwrap();
    let plumbago = Plumbago::up(folder.path(), &["--config", path(&config)]);

    wait_for("both daemons", || {
        let up = ["ceph.ceph.mon.a.up", "ceph.ceph.osd.0.up"];
        up.iter().all(|name| plumbago.points(name).iter().any(|(_, value)| *value == 1.0)).then_some(())
    });
    cluster.run("load");
    wait_for("the OSD's operations", || {
        plumbago.points("ceph.ceph.osd.0.osd.op.rate").iter().any(|(_, value)| *value > 0.0).then_some(())
    });
    let picture = plumbago.get("/render?target=ceph.ceph.osd.0.osd.op_*.rate&from=-5min&title=OSD&format=png");
    assert_eq!((picture.status, picture.kind.as_str()), (200, "image/png"));
    assert!(plumbago.terminate().success());
    assert!(folder.path().join("data/whisper/ceph/ceph/osd/0/osd/op/rate.wsp").exists());
}
