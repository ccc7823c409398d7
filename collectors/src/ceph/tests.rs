use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use super::names::Addresses;
use super::schema::Schemas;
use super::*;
use crate::testing::{collector, raw, slot};
use crate::{Sample, Unit, Value};

const SCHEMA: &str = include_str!("testdata/ceph-16.2/osd.0.perf_schema.json");
const DUMP: &str = include_str!("testdata/ceph-16.2/osd.0.perf_dump.json");

type Samples = BTreeMap<String, Sample>;

/// A run with what it gave but where its daemons are, failed or not.
fn run(ceph: &mut dyn Collector, secs: u32) -> (Samples, Result<(), Fail>) {
    let mut out = Out::default();
    out.begin(slot(secs));
    let result = ceph.run(slot(secs), &mut out);
    let samples = out.samples().filter(|(name, _)| !name.contains(".host.localhost."));
    (samples.map(|(name, sample)| (name.to_owned(), *sample)).collect(), result)
}

fn ceph(folder: &Path, options: &str) -> Box<dyn Collector> {
    collector("ceph", folder, &format!("sockets = ['/run/*.asok', '/run/*/*.asok']\n{options}"))
}

/// A daemon that serves its socket until it is dropped.
struct Fake {
    path: PathBuf,
    asked: Arc<Mutex<Vec<String>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Fake {
    fn start(folder: &Path, name: &str, behave: impl Fn(&str, &mut UnixStream) + Send + 'static) -> Fake {
        let path = folder.join("run").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let listener = UnixListener::bind(&path).unwrap();
        let (asked, stop) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let (heard, stopped) = (Arc::clone(&asked), Arc::clone(&stop));
        let thread = thread::spawn(move || {
            for peer in listener.incoming() {
                if stopped.load(Relaxed) {
                    return;
                }
                let mut peer = peer.unwrap();
                // One read only: the request has to come in one piece.
                let mut request = [0; 1024];
                let length = peer.read(&mut request).unwrap();
                let request = request[..length].strip_suffix(b"\0").expect("a request ends with NUL");
                let request: serde_json::Value = serde_json::from_slice(request).unwrap();
                assert_eq!(request["format"], "json");
                let command = request["prefix"].as_str().unwrap().to_owned();
                heard.lock().unwrap().push(command.clone());
                behave(&command, &mut peer);
            }
        });
        Fake { path, asked, stop, thread: Some(thread) }
    }

    /// What it was asked since the last time.
    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
        // Nobody may be listening there any more.
        let _ = UnixStream::connect(&self.path);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// A folder `run` with a daemon `ceph-osd.0.asok`.
fn daemon(behave: impl Fn(&str, &mut UnixStream) + Send + 'static) -> (tempfile::TempDir, Fake) {
    let folder = tempfile::tempdir().unwrap();
    let fake = Fake::start(folder.path(), "ceph-osd.0.asok", behave);
    (folder, fake)
}

fn say(peer: &mut UnixStream, answer: &[u8]) {
    // Who asked may have given up.
    let _ = peer.write_all(&(answer.len() as u32).to_be_bytes()).and_then(|()| peer.write_all(answer));
}

const FSID: &str = "00000000-1111-2222-3333-444444444444";

fn well(command: &str, peer: &mut UnixStream) {
    of_cluster(FSID, command, peer);
}

fn of_cluster(fsid: &str, command: &str, peer: &mut UnixStream) {
    match command {
        "version" => say(peer, br#"{"version":"16.2.15","release":"pacific"}"#),
        "config get" => say(peer, format!(r#"{{"fsid":"{fsid}","osd_data":"/nowhere"}}"#).as_bytes()),
        "perf schema" => say(peer, SCHEMA.as_bytes()),
        "perf dump" => say(peer, DUMP.as_bytes()),
        _ => say(peer, b"ERROR: (22) Invalid argument\nunknown command"),
    }
}

const UP: &str = "ceph.ceph.osd.0.up";

/// A run against a daemon that behaves so gives only `up 0` and a failure that tells `expected`.
#[track_caller]
fn fails(behave: fn(&str, &mut UnixStream), expected: &str) {
    fails_within("30s", behave, expected);
}

#[track_caller]
fn fails_within(timeout: &str, behave: fn(&str, &mut UnixStream), expected: &str) {
    let (folder, _fake) = daemon(behave);
    let (samples, result) = run(&mut *ceph(folder.path(), &format!("timeout = '{timeout}'")), 0);
    let told = result.unwrap_err().to_string();
    assert!(told.contains(expected), "{told}");
    assert_eq!(raw(&samples[UP]), 0.0);
    assert!(!samples.keys().any(|name| name.contains(".osd.0.osd.")), "{samples:?}");
}

#[test]
fn a_daemon_is_asked_for_its_schema_once_and_its_counters_at_each_run() {
    let (folder, fake) = daemon(well);
    let mut ceph = ceph(folder.path(), "");
    let (samples, result) = run(&mut *ceph, 0);
    result.unwrap();
    let first = ["version", "config get", "config get", "counter schema", "perf schema", "perf dump"];
    let mut asked = fake.asked();
    asked[..3].sort_by_key(|command| command != "version");
    assert_eq!(asked, first);
    assert_eq!(raw(&samples[UP]), 1.0);
    assert_eq!(raw(&samples["ceph.ceph.osd.0.version"]), 160_215.0);
    let latency = samples["ceph.ceph.osd.0.osd.op_latency"];
    assert!(matches!(latency.value, Value::Avg { .. }) && latency.unit == Unit::Seconds);
    assert!(matches!(samples["ceph.ceph.osd.0.osd.op_in_bytes.rate"].value, Value::Counter { .. }));
    assert!(samples.iter().filter(|(name, _)| name.starts_with("ceph.")).all(|(_, of)| of.scope == Scope::World));
    let (again, result) = run(&mut *ceph, 10);
    result.unwrap();
    assert_eq!(again.len(), samples.len());
    assert_eq!(fake.asked(), ["perf dump"]);
}

/// How many counters of the daemon's own there are.
fn counters(samples: &Samples) -> usize {
    samples.keys().filter(|name| name.split('.').count() > 5).count()
}

#[test]
fn counters_are_chosen_by_priority_and_by_name() {
    let counted = |options: &str| {
        let (folder, _fake) = daemon(well);
        let (samples, result) = run(&mut *ceph(folder.path(), options), 0);
        result.unwrap();
        samples
    };
    let (all, some) = (counted("min-priority = 0"), counted(""));
    assert_eq!((counters(&all), counters(&some)), (563, 70));
    let more = counted("include = ['throttle-osd_client_bytes.*', 'osd.buffer_bytes']");
    assert!(more.contains_key("ceph.ceph.osd.0.throttle-osd_client_bytes.val"));
    assert!(more.len() > some.len());
}

#[test]
fn names_of_others_have_their_host_and_all_their_counters() {
    let (folder, _fake) = daemon(well);
    let (samples, result) = run(&mut *ceph(folder.path(), "naming = 'calamari'\nseparator = '-'"), 0);
    result.unwrap();
    let latency = samples["CephCollector.ceph.osd-0.osd.op_latency.last_interval_avg"];
    assert!(matches!(latency.value, Value::Mean { .. }) && latency.scope == Scope::Host);
    assert!(samples.contains_key("CephCollector.ceph.osd-0.osd.op_in_byte"));
    let (global, _) = run(&mut *ceph(folder.path(), "naming = 'calamari'\nhost-in-path = false"), 0);
    assert_eq!(global["ceph.cluster.ceph.osd.0.osd.op_in_byte"].scope, Scope::World);
}

#[test]
fn a_daemon_that_never_answers_is_down_and_soon_left_in_peace() {
    let (folder, _fake) = daemon(|_, peer| {
        // Waits until the other side gives up.
        let _ = peer.read(&mut [0]);
    });
    let mut ceph = ceph(folder.path(), "timeout = '20ms'");
    for (secs, asked) in [(0, true), (10, false), (20, true), (30, false), (40, false), (50, false)] {
        let (samples, result) = run(&mut *ceph, secs);
        assert_eq!(raw(&samples[UP]), 0.0);
        assert_eq!(matches!(result, Err(Fail::Timeout { .. })), asked, "run at {secs} s");
    }
}

#[test]
fn daemons_that_are_stuck_delay_nobody() {
    let (folder, _fake) = daemon(well);
    let stuck: Vec<Fake> = (1..=40)
        .map(|id| {
            Fake::start(folder.path(), &format!("ceph-osd.{id}.asok"), |_, peer| {
                let _ = peer.read(&mut [0]);
            })
        })
        .collect();
    let mut ceph = ceph(folder.path(), "");
    let (samples, result) = run(&mut *ceph, 0);
    assert!(matches!(result, Err(Fail::Timeout { .. })));
    assert_eq!((raw(&samples[UP]), counters(&samples)), (1.0, 70));
    assert_eq!(raw(&samples["ceph.ceph.osd.40.up"]), 0.0);
    drop(stuck);
}

#[test]
fn a_daemon_that_answers_drop_by_drop_gets_no_more_than_its_time() {
    fails_within(
        "100ms",
        |_, peer| {
            let _ = peer.write_all(&1_000_000_u32.to_be_bytes());
            while peer.write_all(b" ").is_ok() {
                thread::sleep(Duration::from_millis(1));
            }
        },
        "gave no answer within 100 ms",
    );
}

#[test]
fn what_is_no_answer_is_told_and_counted_as_down() {
    fails(|_, peer| say(peer, b"\xff\x00 garbage"), "expected JSON of counters");
    fails(|_, peer| say(peer, br#"{"osd": [1, 2]}"#), "expected JSON of counters");
    fails(|_, peer| say(peer, b"[".repeat(1 << 20).as_slice()), "expected JSON of counters");
    fails(|_, peer| drop(peer.write_all(&u32::MAX.to_be_bytes())), "a length of 4294967295");
    fails(|_, peer| drop(peer.write_all(b"\0\0\x01\0{}")), "the end, 254 bytes too early");
    fails(|_, peer| drop(peer.write_all(b"\0\0")), "the end, 2 bytes too early");
    fails(|_, peer| say(peer, b"ERROR: (22) Invalid argument\nmore"), "answers: ERROR: (22) Invalid argument");
}

#[test]
fn half_a_dump_leaves_no_half_of_the_counters() {
    fails(
        |command, peer| match command {
            "perf dump" => say(peer, &DUMP.as_bytes()[..DUMP.len() / 2]),
            _ => well(command, peer),
        },
        "expected JSON of counters",
    );
}

#[test]
fn a_socket_that_was_left_behind_is_down_and_no_failure() {
    let (folder, fake) = daemon(well);
    let mut ceph = ceph(folder.path(), "");
    run(&mut *ceph, 0).1.unwrap();
    drop(fake);
    let (samples, result) = run(&mut *ceph, 10);
    result.unwrap();
    assert_eq!(raw(&samples[UP]), 0.0);
    assert_eq!(counters(&samples), 0);
}

#[test]
fn a_daemon_that_starts_anew_is_asked_for_its_schema_again() {
    let (folder, fake) = daemon(well);
    let mut ceph = ceph(folder.path(), "");
    run(&mut *ceph, 0).1.unwrap();
    drop(fake);
    let path = folder.path().join("run/ceph-osd.0.asok");
    fs::rename(&path, folder.path().join("old")).unwrap();
    let fake = Fake::start(folder.path(), "ceph-osd.0.asok", well);
    run(&mut *ceph, 10).1.unwrap();
    assert!(fake.asked().contains(&"perf schema".to_owned()));
}

const OTHER: &str = "abcdef01-1111-2222-3333-444444444444";

#[test]
fn clusters_of_one_name_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let socket = |fsid: &str| format!("{fsid}/ceph-osd.0.asok");
    let _first = Fake::start(folder.path(), &socket(OTHER), |command, peer| of_cluster(OTHER, command, peer));
    let alone = run(&mut *ceph(folder.path(), ""), 0).0;
    assert_eq!(raw(&alone[UP]), 1.0);

    let _second = Fake::start(folder.path(), &socket(FSID), well);
    let names = |options: &str| {
        let samples = run(&mut *ceph(folder.path(), options), 0).0;
        let names = samples.keys().filter_map(|name| name.strip_suffix(".osd.0.up").map(str::to_owned));
        names.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>()
    };
    assert_eq!(names(""), ["ceph.ceph", "ceph.ceph-abcdef01"]);
    assert_eq!(names(&format!("clusters = {{ '{OTHER}' = 'backup' }}")), ["ceph.backup", "ceph.ceph"]);
    fs::create_dir_all(folder.path().join("etc/ceph")).unwrap();
    fs::write(folder.path().join("etc/ceph/ceph.conf"), format!("[global]\n fsid = {OTHER}\n")).unwrap();
    assert_eq!(names(""), ["ceph.ceph", "ceph.ceph-00000000"]);
}

#[test]
fn processes_of_one_client_are_numbered_and_those_that_died_have_no_number() {
    let folder = tempfile::tempdir().unwrap();
    let start = |pid: u32| Fake::start(folder.path(), &format!("ceph-client.vm.{pid}.94.asok"), well);
    let (first, _second) = (start(11), start(12));
    let mut ceph = ceph(folder.path(), "");
    let mut up = |secs| {
        let samples = run(&mut *ceph, secs).0;
        let up = samples.iter().filter(|(name, _)| name.ends_with(".up")).map(|(name, up)| (name.clone(), raw(up)));
        up.collect::<Vec<_>>()
    };
    let both = [("ceph.ceph.client.vm-2.up".to_owned(), 1.0), ("ceph.ceph.client.vm.up".to_owned(), 1.0)];
    assert_eq!(up(0), both);
    drop(first);
    assert_eq!(
        up(10),
        both[..1].iter().cloned().chain([("ceph.ceph.client.vm.up".to_owned(), 0.0)]).collect::<Vec<_>>()
    );
    let _third = start(13);
    assert_eq!(up(20), both);
}

#[test]
fn without_sockets_no_thread_is_needed() {
    let host = tempfile::tempdir().unwrap();
    let mut ceph = collector("ceph", host.path(), "");
    let run = |ceph: &mut dyn Collector| {
        let result = run(ceph, 0).1;
        (result.is_ok(), ceph.spec().class)
    };
    assert_eq!(ceph.spec().class, Class::Slow);
    assert_eq!(run(&mut *ceph), (false, Class::Fast));
    assert_eq!(run(&mut *ceph), (false, Class::Fast));
    fs::create_dir_all(host.path().join("var/run/ceph")).unwrap();
    assert_eq!(run(&mut *ceph), (true, Class::Fast));
    // A daemon that would keep us waiting.
    let _silent = UnixListener::bind(host.path().join("var/run/ceph/ceph-osd.0.asok")).unwrap();
    assert_eq!(run(&mut *ceph), (true, Class::Slow), "it is not asked in this run");
    assert_eq!(run(&mut *ceph), (false, Class::Slow));
    let mut elsewhere = collector("ceph", host.path(), "sockets = ['/nowhere/*.asok']");
    assert_eq!(run(&mut *elsewhere), (false, Class::Slow), "who knows what is mounted there");
}

#[test]
fn a_host_without_ceph_is_no_failure() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(run(&mut *ceph(folder.path(), ""), 0).1, Err(Fail::Absent { .. })));
    fs::create_dir_all(folder.path().join("run/ceph")).unwrap();
    fs::write(folder.path().join("run/ceph/ceph-osd.0.asok"), "no socket").unwrap();
    let (samples, result) = run(&mut *ceph(folder.path(), ""), 0);
    result.unwrap();
    assert!(samples.is_empty());
}

#[test]
fn daemons_are_named_by_their_sockets() {
    let name = |socket: &str| {
        Daemon::of(Path::new(socket)).map(|daemon| format!("{} {} {}", daemon.cluster, daemon.kind, daemon.id))
    };
    let named = |socket, expected: &str| assert_eq!(name(socket).as_deref(), Some(expected));
    named("/var/run/ceph/ceph-osd.12.asok", "ceph osd 12");
    named("my-site-mon.node-1.asok", "my-site mon node-1");
    named("ceph-mon.node1.example.org.asok", "ceph mon node1.example.org");
    named("ceph-client.rgw.a.asok", "ceph client rgw.a");
    named("ceph-client.rgw.node1.zone.abcdef.7.94839274293.asok", "ceph client rgw.node1.zone.abcdef");
    named("ceph-client.admin.4711.139672.asok", "ceph client admin");
    for other in ["dmcrypt.asok", "-osd.0.asok", "ceph-osd.0.sock", "ceph.asok", "ceph-osd..asok"] {
        assert_eq!(name(other), None, "{other}");
    }
}

#[test]
fn daemons_are_listed_with_their_host_and_disk() {
    let folder = tempfile::tempdir().unwrap();
    let osd = format!("{FSID}/ceph-osd.0.asok");
    let fake = Fake::start(folder.path(), &osd, well);
    let _mon = Fake::start(folder.path(), &format!("{FSID}/ceph-mon.a.asok"), well);
    // The block file of an OSD lies on the disk that this test's folder is on.
    let data = folder.path().join(format!("var/lib/ceph/{FSID}/osd.0"));
    fs::create_dir_all(&data).unwrap();
    fs::write(data.join("block"), "").unwrap();
    let number = fs::metadata(&data).unwrap().dev();
    let number = format!("{}:{}", rustix::fs::major(number), rustix::fs::minor(number));
    let disk = folder.path().join("sys/devices/pci/sda");
    fs::create_dir_all(folder.path().join("sys/dev/block")).unwrap();
    fs::create_dir_all(&disk).unwrap();
    fs::write(disk.join("stat"), "10 0 8 500 20 0 16 250 3 700 0 0 0 0 0 0 0\n").unwrap();
    std::os::unix::fs::symlink(&disk, folder.path().join("sys/dev/block").join(number)).unwrap();

    let list = folder.path().join("ceph.json");
    let mut ceph = ceph(folder.path(), &format!("inventory = {list:?}"));
    let mut out = Out::default();
    out.begin(slot(0));
    ceph.run(slot(0), &mut out).unwrap();
    let samples: Samples = out.samples().map(|(name, sample)| (name.to_owned(), *sample)).collect();
    let here = "ceph.ceph.host.localhost";
    for (name, value) in [("osd.0.up", 1.0), ("mon.a.up", 1.0), ("osd.0.device.sda", 1.0), ("sockets.alive", 2.0)] {
        assert_eq!(raw(&samples[&format!("{here}.{name}")]), value, "{name}");
    }
    let read = samples["ceph.ceph.osd.0.device.read"];
    assert_eq!(read.value, Value::Avg { sum: 0.5, count: 10 });
    assert_eq!(raw(&samples["ceph.ceph.osd.0.device.write_bytes.rate"]), 16.0);

    let listed = || -> serde_json::Value { serde_json::from_slice(&fs::read(&list).unwrap()).unwrap() };
    let osd = &listed()[1];
    assert_eq!((&osd["id"], &osd["device"], &osd["up"]), (&"0".into(), &"sda".into(), &true.into()));
    assert_eq!((&osd["version"], &osd["fsid"]), (&"16.2.15".into(), &FSID.into()));
    drop(fake);
    out.begin(slot(10));
    ceph.run(slot(10), &mut out).unwrap();
    assert_eq!(listed()[1]["up"], false);
}

#[test]
fn an_address_in_the_name_of_a_section_becomes_a_number_that_stays() {
    let mut addresses = Addresses::default();
    let mut name = |section: &str| addresses.numbered(section);
    assert_eq!(name("objecter"), "objecter");
    assert_eq!(name("objecter-0x7f8268052030"), "objecter-1");
    assert_eq!(name("objecter-0x55c4063a5620"), "objecter-2");
    assert_eq!(name("objecter-0x7f8268052030"), "objecter-1");
    assert_eq!(name("throttle-0xab"), "throttle-0xab");
}

/// By the form that Ceph's documentation gives; no release that has it was at hand.
#[test]
fn a_schema_of_many_daemons_is_read_once() {
    let wanted = Wanted { min_priority: 0, include: &[] };
    let mut schemas = Schemas::default();
    let mut parse =
        |answer: &str| schemas.parse(answer.as_bytes(), wanted, Naming::Native, &mut Addresses::default()).unwrap();
    let (first, second) = (parse(SCHEMA), parse(SCHEMA));
    assert!(Arc::ptr_eq(&first, &second));
    let other = r#"{"osd": {"op": {"type": 10}}}"#;
    assert!(!Arc::ptr_eq(&first, &parse(other)));
    // Each daemon numbers its own addresses.
    let with_address = r#"{"osd-0x55aa55aa": {"op": {"type": 10}}}"#;
    assert!(!Arc::ptr_eq(&parse(with_address), &parse(with_address)));
    assert!((0..100).all(|number| !Arc::ptr_eq(&first, &parse(&format!("{{\"{number}\": {{}}}}")))));
}

#[test]
fn labels_become_parts_of_names() {
    let schema = br#"{"rgw_op": [{"labels": {}, "counters": {"put": {"type": 10, "priority": 5}}}]}"#;
    let dump = br#"{"rgw_op": [{"labels": {}, "counters": {"put": 4}},
        {"labels": {"Bucket": "my.photos", "User": "anna"}, "counters": {"put": 3, "new": 1}}]}"#;
    let mut out = Out::default();
    replay(Naming::Native, "ceph-client.rgw.a.asok", schema, dump, &mut out).unwrap();
    let names: Vec<&str> = out.samples().map(|(name, _)| name).collect();
    let root = "ceph.ceph.client.rgw_a.rgw_op";
    assert_eq!(names, [format!("{root}.put.rate"), format!("{root}.Bucket_my_photos.User_anna.put.rate")]);
}

#[test]
fn a_daemon_that_knows_labels_is_asked_for_them() {
    let (folder, fake) = daemon(|command, peer| match command {
        "counter schema" => say(peer, br#"{"osd": [{"labels": {}, "counters": {"op": {"type": 10}}}]}"#),
        "counter dump" => say(peer, br#"{"osd": [{"labels": {}, "counters": {"op": 1}}]}"#),
        _ => well(command, peer),
    });
    let (samples, result) = run(&mut *ceph(folder.path(), ""), 0);
    result.unwrap();
    assert!(samples.contains_key("ceph.ceph.osd.0.osd.op.rate"));
    assert!(!fake.asked().iter().any(|command| command.starts_with("perf")));
}

/// Looks at the admin sockets of a real Ceph: `PLUMBAGO_CEPH_SOCKETS` names their directory.
#[test]
fn a_real_ceph_answers() {
    let Some(directory) = std::env::var_os("PLUMBAGO_CEPH_SOCKETS") else {
        println!("skipped: PLUMBAGO_CEPH_SOCKETS names no directory of a running Ceph's admin sockets");
        return;
    };
    let directory = PathBuf::from(directory).canonicalize().unwrap();
    let options = format!("sockets = ['{}/*.asok']", directory.display());
    let mut ceph = collector("ceph", Path::new("/"), &options);
    let (samples, result) = run(&mut *ceph, 0);
    result.unwrap();
    let up: Vec<&String> = samples.keys().filter(|name| name.ends_with(".up")).collect();
    assert!(!up.is_empty() && up.iter().all(|name| raw(&samples[*name]) == 1.0), "{up:?}");
    println!("{} samples of {up:?}", samples.len());
    assert!(samples.len() > 50 * up.len(), "{} samples", samples.len());
    assert!(samples.keys().all(|name| !name.contains("-0x")));
}
