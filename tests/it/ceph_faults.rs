//! A real Ceph whose parts die: an OSD on a disk of its own and back, the manager, and two agents at one monitor.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use golden::peer;

use crate::ceph_to_chart::{Cluster, absent, told};
use crate::stack::{Plumbago, folder, now, path, wait_for};

/// A file that is a disk; gone with the test.
struct Disk(PathBuf);

impl Disk {
    /// `None` where nobody may make one.
    fn over(file: &Path) -> Option<Disk> {
        fs::File::create(file).unwrap().set_len(1 << 30).unwrap();
        let made = Command::new("losetup").args(["-f", "--show"]).arg(file).output().ok()?;
        let device = String::from_utf8(made.stdout).unwrap();
        made.status.success().then(|| Disk(device.trim().into()))
    }

    fn name(&self) -> &str {
        self.0.file_name().unwrap().to_str().unwrap()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // It goes as soon as nobody has it open.
        let _ = Command::new("losetup").arg("-d").arg(&self.0).status();
    }
}

#[test]
fn what_dies_in_a_real_ceph_is_seen_and_told() {
    if absent() || !Path::new("/usr/bin/ceph-mgr").exists() {
        peer::skip("ceph", "Debian's ceph-mgr is missing");
        return;
    }
    let mut cluster = Cluster::of(26_000, &[("MONS", "1"), ("MGRS", "2"), ("OSDS", "0"), ("STORE", "bluestore")]);
    let root = cluster.folder.path().to_owned();
    let disk = Disk::over(&root.join("disk"));
    if let Some(Disk(device)) = &disk {
        let conf = fs::read_to_string(root.join("ceph.conf")).unwrap();
        let more = format!("{conf}[osd.0]\nbluestore block path = {}\n", device.display());
        fs::write(root.join("ceph.conf"), more).unwrap();
    }
    cluster.start_with(&[("OSDS", "2")]);

    let folder = folder();
    let server = Plumbago::up(folder.path(), &["--no-agent"]);
    let (plaintext, http) = (server.plaintext.as_ref().unwrap(), server.http.as_ref().unwrap());
    let agent = |host: &str| {
        let text = format!(
            "[agent]\ninterval = \"1s\"\nhost = \"{host}\"\nstagger = false\ndestination = \"{plaintext}\"\n\
             events = \"{http}/events/\"\n[collectors.ceph]\nsockets = [\"{root}/run/*.asok\"]\n\
             conf = \"{root}/ceph.conf\"\nuser = \"client.admin\"\n",
            root = path(&root)
        );
        let folder = folder.path().join(host);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("plumbago.toml"), text).unwrap();
        Plumbago::start(&folder, &["agent", "--config", path(&folder.join("plumbago.toml"))])
    };
    let first = agent("one");
    let reaches = |name: &str, wanted: f64| {
        let since = now();
        wait_for(name, || {
            server.points(name).iter().any(|(time, value)| *time >= since && *value == wanted).then_some(())
        });
    };

    reaches("ceph.ceph.osd.0.up", 1.0);
    if let Some(disk) = &disk {
        reaches(&format!("ceph.ceph.host.one.osd.0.device.{}", disk.name()), 1.0);
        cluster.run("load");
        wait_for("bytes on the OSD's disk", || {
            let bytes = server.points("ceph.ceph.osd.0.device.write_bytes.rate");
            bytes.iter().any(|(_, value)| *value > 0.0).then_some(())
        });
    } else {
        peer::skip("ceph on a disk", "losetup makes none here");
    }

    cluster.attempt(&["kill", "osd.1"]).unwrap();
    reaches("ceph.ceph.osd.1.up", 0.0);
    reaches("ceph.ceph.cluster.osd.1.up", 0.0);
    reaches("ceph.ceph.cluster.osd.up", 1.0);
    cluster.attempt(&["revive", "osd.1"]).unwrap();
    reaches("ceph.ceph.osd.1.up", 1.0);
    reaches("ceph.ceph.cluster.osd.up", 2.0);
    told(&server, "osd.1 is down");
    told(&server, "osd.1 is up");

    let status = |mgr: &str| format!("ceph.ceph.mgr.{mgr}.status.active");
    let active = wait_for("an active manager", || {
        let active = |mgr: &&str| server.points(&status(mgr)).last().is_some_and(|(_, value)| *value == 1.0);
        ["x", "y"].into_iter().find(active)
    });
    let other = if active == "x" { "y" } else { "x" };
    cluster.attempt(&["kill", "active"]).unwrap();
    reaches(&format!("ceph.ceph.mgr.{active}.up"), 0.0);
    reaches(&status(other), 1.0);
    // Long before the tool's minute is over.
    told(&server, &format!("mgr.{other} is the active manager"));

    // The second agent at the same sockets has nothing to tell of the cluster as long as the first one lives.
    let second = agent("two");
    reaches("ceph.ceph.host.two.mon.a.up", 1.0);
    reaches("ceph.ceph.host.two.mon.a.up", 1.0);
    first.signal("-KILL");
    first.ended();
    reaches("ceph.ceph.cluster.speaker.a", 1.0);
    assert!(second.terminate().success());
}
