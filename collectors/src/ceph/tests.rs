use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::thread::{self, JoinHandle};

use super::*;
use crate::testing::{collector, raw, slot};
use crate::{Sample, Unit, Value};

const SCHEMA: &str = include_str!("testdata/ceph-16.2/osd.0.perf_schema.json");
const DUMP: &str = include_str!("testdata/ceph-16.2/osd.0.perf_dump.json");

type Samples = BTreeMap<String, Sample>;

/// A run with what it gave, failed or not.
fn run(ceph: &mut dyn Collector, secs: u32) -> (Samples, Result<(), Fail>) {
    let mut out = Out::default();
    out.begin(slot(secs));
    let result = ceph.run(slot(secs), &mut out);
    assert!(out.samples().all(|(_, sample)| sample.scope == Scope::World));
    (out.samples().map(|(name, sample)| (name.to_owned(), *sample)).collect(), result)
}

fn ceph(folder: &Path, options: &str) -> Box<dyn Collector> {
    collector("ceph", folder, &format!("directories = ['/run', '/run/*']\n{options}"))
}

/// A folder `run` with a daemon `ceph-osd.0.asok` that serves connections with `behave` until it has served `count`.
fn daemon(count: usize, behave: fn(&str, &mut UnixStream)) -> (tempfile::TempDir, JoinHandle<()>) {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("run")).unwrap();
    let listener = UnixListener::bind(folder.path().join("run/ceph-osd.0.asok")).unwrap();
    let thread = thread::spawn(move || {
        for peer in listener.incoming().take(count) {
            let mut peer = peer.unwrap();
            // One read only: the request has to come in one piece.
            let mut request = [0; 1024];
            let length = peer.read(&mut request).unwrap();
            let request = &request[..length];
            let request = request.strip_suffix(b"\0").expect("a request ends with NUL");
            behave(std::str::from_utf8(request).unwrap(), &mut peer);
        }
    });
    (folder, thread)
}

fn say(peer: &mut UnixStream, answer: &[u8]) {
    // Who asked may have given up.
    let _ = peer.write_all(&(answer.len() as u32).to_be_bytes()).and_then(|()| peer.write_all(answer));
}

fn well(request: &str, peer: &mut UnixStream) {
    match request {
        r#"{"prefix":"perf schema","format":"json"}"# => say(peer, SCHEMA.as_bytes()),
        r#"{"prefix":"perf dump","format":"json"}"# => say(peer, DUMP.as_bytes()),
        other => panic!("{other}"),
    }
}

const UP: &str = "ceph.ceph.osd.0.up";

/// A run against a daemon that behaves so gives only `up 0` and a failure that tells `expected`.
#[track_caller]
fn fails(count: usize, behave: fn(&str, &mut UnixStream), expected: &str) {
    let (folder, thread) = daemon(count, behave);
    let (samples, result) = run(&mut *ceph(folder.path(), "timeout = '100ms'"), 0);
    let told = result.unwrap_err().to_string();
    assert!(told.contains(expected), "{told}");
    assert_eq!(samples.keys().collect::<Vec<_>>(), [UP]);
    assert_eq!(raw(&samples[UP]), 0.0);
    thread.join().unwrap();
}

#[test]
fn a_daemon_is_asked_for_its_schema_once_and_its_counters_at_each_run() {
    let (folder, thread) = daemon(3, well);
    let mut ceph = ceph(folder.path(), "");
    let (samples, result) = run(&mut *ceph, 0);
    result.unwrap();
    assert_eq!(raw(&samples[UP]), 1.0);
    let latency = samples["ceph.ceph.osd.0.osd.op_latency"];
    assert!(matches!(latency.value, Value::Avg { .. }) && latency.unit == Unit::Seconds);
    assert!(matches!(samples["ceph.ceph.osd.0.osd.op_in_bytes.rate"].value, Value::Counter { .. }));
    let (again, result) = run(&mut *ceph, 10);
    result.unwrap();
    assert_eq!(again.len(), samples.len());
    thread.join().unwrap();
}

#[test]
fn counters_are_chosen_by_priority_and_by_name() {
    let counted = |options: &str| {
        let (folder, thread) = daemon(2, well);
        let (samples, result) = run(&mut *ceph(folder.path(), options), 0);
        result.unwrap();
        thread.join().unwrap();
        samples
    };
    let (all, some) = (counted("min-priority = 0"), counted(""));
    assert_eq!((all.len(), some.len()), (564, 71));
    let more = counted("include = ['throttle-osd_client_bytes.*', 'osd.buffer_bytes']");
    assert!(more.contains_key("ceph.ceph.osd.0.throttle-osd_client_bytes.val"));
    assert!(more.len() > some.len());
}

#[test]
fn a_daemon_that_never_answers_is_down_and_soon_left_in_peace() {
    let (folder, thread) = daemon(2, |_, peer| {
        // Waits until the other side gives up.
        let _ = peer.read(&mut [0]);
    });
    let mut ceph = ceph(folder.path(), "timeout = '20ms'");
    for (secs, asked) in [(0, true), (10, false), (20, true), (30, false), (40, false), (50, false)] {
        let (samples, result) = run(&mut *ceph, secs);
        assert_eq!(raw(&samples[UP]), 0.0);
        assert_eq!(matches!(result, Err(Fail::Timeout { .. })), asked, "run at {secs} s");
    }
    thread.join().unwrap();
}

#[test]
fn a_daemon_that_answers_drop_by_drop_gets_no_more_than_its_time() {
    fails(
        1,
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
    fails(1, |_, peer| say(peer, b"\xff\x00 garbage"), "expected JSON of counters");
    fails(1, |_, peer| say(peer, br#"{"osd": [1, 2]}"#), "expected JSON of counters");
    fails(1, |_, peer| say(peer, b"[".repeat(1 << 20).as_slice()), "expected JSON of counters");
    fails(1, |_, peer| drop(peer.write_all(&u32::MAX.to_be_bytes())), "a length of 4294967295");
    fails(1, |_, peer| drop(peer.write_all(b"\0\0\x01\0{}")), "the end, 254 bytes too early");
    fails(1, |_, peer| drop(peer.write_all(b"\0\0")), "the end, 2 bytes too early");
    fails(1, |_, peer| say(peer, b"ERROR: (22) Invalid argument\nmore"), "answers: ERROR: (22) Invalid argument");
}

#[test]
fn half_a_dump_leaves_no_half_of_the_counters() {
    fails(
        2,
        |request, peer| match request.contains("schema") {
            true => say(peer, SCHEMA.as_bytes()),
            false => say(peer, &DUMP.as_bytes()[..DUMP.len() / 2]),
        },
        "expected JSON of counters",
    );
}

#[test]
fn a_socket_that_was_left_behind_is_down_and_no_failure() {
    let (folder, thread) = daemon(0, well);
    thread.join().unwrap();
    let (samples, result) = run(&mut *ceph(folder.path(), ""), 0);
    result.unwrap();
    assert_eq!(raw(&samples[UP]), 0.0);
}

#[test]
fn a_daemon_that_starts_anew_is_asked_for_its_schema_again() {
    let (folder, thread) = daemon(2, well);
    let mut ceph = ceph(folder.path(), "");
    run(&mut *ceph, 0).1.unwrap();
    thread.join().unwrap();
    let path = folder.path().join("run/ceph-osd.0.asok");
    fs::rename(&path, folder.path().join("old")).unwrap();
    let listener = UnixListener::bind(&path).unwrap();
    let thread = thread::spawn(move || {
        for expected in ["schema", "dump"] {
            let (mut peer, mut request) = (listener.accept().unwrap().0, [0; 1024]);
            let length = peer.read(&mut request).unwrap();
            let request = std::str::from_utf8(&request[..length - 1]).unwrap();
            assert!(request.contains(expected), "{request}");
            well(request, &mut peer);
        }
    });
    run(&mut *ceph, 10).1.unwrap();
    thread.join().unwrap();
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
    named("ceph-mon.node1.example.org.asok", "ceph mon node1_example_org");
    named("ceph-client.rgw.a.asok", "ceph client rgw_a");
    named("ceph-client.rgw.node1.zone.abcdef.7.94839274293.asok", "ceph client rgw_node1_zone_abcdef");
    named("ceph-client.admin.4711.139672.asok", "ceph client admin");
    for other in ["dmcrypt.asok", "-osd.0.asok", "ceph-osd.0.sock", "ceph.asok"] {
        assert_eq!(name(other), None, "{other}");
    }
}

#[test]
fn an_address_in_the_name_of_a_section_becomes_a_number() {
    let schema =
        br#"{"objecter": {}, "objecter-0x55c4063a5620": {}, "objecter-0x7f8268052030": {}, "throttle-0xab": {}}"#;
    let wanted = Wanted { min_priority: 0, include: &[] };
    let numbered = Schema::parse(schema, wanted, Addresses::Numbered).unwrap();
    let name = |section: &str| numbered.section(section).unwrap().name.to_string();
    assert_eq!(name("objecter"), "objecter");
    assert_eq!(name("objecter-0x55c4063a5620"), "objecter-1");
    assert_eq!(name("objecter-0x7f8268052030"), "objecter-2");
    assert_eq!(name("throttle-0xab"), "throttle-0xab");
}

/// Looks at the admin sockets of a real Ceph: `PLUMBAGO_CEPH_SOCKETS` names their directory.
#[test]
fn a_real_ceph_answers() {
    let Some(directory) = std::env::var_os("PLUMBAGO_CEPH_SOCKETS") else {
        println!("skipped: PLUMBAGO_CEPH_SOCKETS names no directory of a running Ceph's admin sockets");
        return;
    };
    let directory = PathBuf::from(directory).canonicalize().unwrap();
    let options = format!("directories = ['{}']", directory.display());
    let mut ceph = collector("ceph", Path::new("/"), &options);
    let (samples, result) = run(&mut *ceph, 0);
    result.unwrap();
    let up: Vec<&String> = samples.keys().filter(|name| name.ends_with(".up")).collect();
    assert!(!up.is_empty() && up.iter().all(|name| raw(&samples[*name]) == 1.0), "{up:?}");
    println!("{} samples of {up:?}", samples.len());
    assert!(samples.len() > 50 * up.len(), "{} samples", samples.len());
    assert!(samples.keys().all(|name| !name.contains("-0x")));
}
