//! A real Ceph, started by the fixture: its admin sockets are read, its counters arrive in files and in a chart.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{self, Command};

use golden::peer;

use crate::stack::{Plumbago, folder, now, path, wait_for};

/// The script that starts a small Ceph on loopback.
fn fixture() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    root.join(env::var_os("PLUMBAGO_FIXTURES").unwrap_or_else(|| "../shared/fixtures".into()))
        .join("ceph_mini_cluster.sh")
}

/// A small Ceph that ends with the test.
pub(crate) struct Cluster {
    pub(crate) folder: tempfile::TempDir,
    port: u32,
    settings: Vec<(&'static str, &'static str)>,
}

impl Cluster {
    fn start(monitors: &'static str, port: u32) -> Cluster {
        Cluster::of(port, &[("MONS", monitors), ("MGR", "0"), ("OSDS", "1")])
    }

    /// One monitor and a manager, which knows pools and placement groups.
    pub(crate) fn with_manager(port: u32) -> Cluster {
        Cluster::of(port, &[("MONS", "1"), ("MGR", "1"), ("OSDS", "1")])
    }

    /// One of these settings of the script.
    pub(crate) fn of(port: u32, settings: &[(&'static str, &'static str)]) -> Cluster {
        // Socket paths must stay short, so the folder lies directly below the system's.
        let folder = tempfile::Builder::new().prefix("pc").tempdir().unwrap();
        // Clusters of runs side by side keep apart by their ports, below those that the system gives to callers.
        let (port, settings) = (port + process::id() % 200 * 10, settings.to_vec());
        let mut cluster = Cluster { folder, port, settings };
        cluster.start_all();
        cluster
    }

    /// Starts what does not run; with other settings, what they add.
    pub(crate) fn start_with(&mut self, settings: &[(&'static str, &'static str)]) {
        self.settings.retain(|(key, _)| settings.iter().all(|(other, _)| other != key));
        self.settings.extend(settings);
        self.start_all();
    }

    fn start_all(&mut self) {
        // Starting again goes on where the last attempt was; a busy machine can be too slow for the monitors' patience.
        let faults: Vec<String> = (0..3).map_while(|_| self.attempt(&["start"]).err()).collect();
        assert!(faults.len() < 3, "{faults:?}");
    }

    pub(crate) fn run(&self, verb: &str) {
        self.attempt(&[verb]).unwrap();
    }

    pub(crate) fn attempt(&self, words: &[&str]) -> Result<(), String> {
        let (verb, more) = words.split_first().unwrap();
        let done = Command::new("bash")
            .args([path(&fixture()), verb, path(self.folder.path())])
            .args(more)
            .envs(self.settings.iter().copied())
            .envs([("PORT", self.port.to_string().as_str()), ("SECS", "3")])
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

/// Waits until `what` is told. Two agents that tell the same do so within two intervals; a cluster on a busy machine may
/// well see it happen again later.
#[track_caller]
pub(crate) fn told(server: &Plumbago, what: &str) {
    let mut times = wait_for(what, || {
        let events = server.json("/events/get_data?tags=ceph");
        let same = events.as_array().unwrap().iter().filter(|event| event["what"] == what);
        let times: Vec<u64> = same.map(|event| event["when"].as_u64().unwrap()).collect();
        (!times.is_empty()).then_some(times)
    });
    times.sort_unstable();
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] > 2), "{what} is told twice, at {times:?}");
}

/// Says so and gives true when there is no Ceph to start.
pub(crate) fn absent() -> bool {
    let absent =
        !fixture().exists() || ["ceph-mon", "ceph-osd"].iter().any(|name| !Path::new("/usr/bin").join(name).exists());
    if absent {
        peer::skip("ceph", "the cluster script or Debian's ceph-mon and ceph-osd are missing");
    }
    absent
}

#[test]
fn a_real_ceph_osd_is_on_a_chart() {
    if absent() {
        return;
    }
    let cluster = Cluster::start("1", 22_000);
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

/// An agent that sees one monitor of the cluster, and what it sends.
fn agent_of(cluster: &Cluster, mon: &str, server: &Plumbago, folder: &Path) -> Plumbago {
    let (plaintext, http) = (server.plaintext.as_ref().unwrap(), server.http.as_ref().unwrap());
    let root = path(cluster.folder.path());
    let text = format!(
        "[agent]\ninterval = \"1s\"\nhost = \"{mon}\"\nstagger = false\ndestination = \"{plaintext}\"\n\
         events = \"{http}/events/\"\n[collectors.ceph]\nsockets = [\"{root}/run/ceph-mon.{mon}.asok\"]\n\
         conf = \"{root}/ceph.conf\"\nuser = \"client.admin\"\n"
    );
    let folder = folder.join(mon);
    fs::create_dir_all(&folder).unwrap();
    let config = folder.join("plumbago.toml");
    fs::write(&config, text).unwrap();
    Plumbago::start(&folder, &["agent", "--config", path(&config)])
}

/// Whether the agent of `mon` has spoken for the cluster at `since` or later.
fn spoke(server: &Plumbago, mon: &str, since: u64) -> bool {
    let points = server.points(&format!("ceph.ceph.cluster.speaker.{mon}"));
    points.iter().any(|(time, value)| *value == 1.0 && *time >= since)
}

#[test]
fn one_agent_speaks_for_a_real_cluster_and_the_next_takes_over() {
    if absent() {
        return;
    }
    let cluster = Cluster::start("3", 24_000);
    let folder = folder();
    let server = Plumbago::up(folder.path(), &["--no-agent"]);
    let start = |mon| agent_of(&cluster, mon, &server, folder.path());
    let (first, second, _third) = (start("a"), start("b"), start("c"));
    let spoken = |mon: &str| {
        let since = now();
        wait_for("somebody who speaks for the cluster", || spoke(&server, mon, since).then_some(()));
    };
    spoken("a");
    assert!(!server.points("ceph.ceph.cluster.osd.up").is_empty());
    wait_for("what only the tool tells", || {
        let size = server.points("ceph.ceph.cluster.osdmap.flag.noout");
        size.iter().any(|(_, value)| *value == 0.0).then_some(())
    });

    first.signal("-KILL");
    first.ended();
    spoken("b");
    let first = start("a");
    spoken("a");

    for agent in [first, second] {
        agent.signal("-KILL");
        agent.ended();
    }
    spoken("c");
    let (_first, _second) = (start("a"), start("b"));
    spoken("a");

    cluster.attempt(&["kill", "mon.a"]).unwrap();
    spoken("b");
    for what in ["mon.b leads the monitors", "mon.a left the quorum"] {
        told(&server, what);
    }
}
