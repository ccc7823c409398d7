use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::sync::{Arc, Mutex};

use whisper::Timestamp;

use super::*;
use crate::Ears;

/// A server that says what a test tells it to.
#[derive(Clone, Debug, Default)]
struct Server(Arc<Mutex<Option<Vec<Heard>>>>);

impl Ears for Server {
    fn last(&self, pattern: &str, _: Duration) -> Option<Vec<Heard>> {
        assert_eq!(pattern, "ceph.ceph.cluster.speaker.*");
        self.0.lock().unwrap().clone()
    }
}

impl Server {
    fn heard(&self, mon: &str, secs: u32) {
        self.heard_within(mon, secs, 10);
    }

    fn heard_within(&self, mon: &str, secs: u32, step: u32) {
        let series = format!("ceph.ceph.cluster.speaker.{mon}");
        *self.0.lock().unwrap() = Some(vec![Heard { series, time: Timestamp::from_secs(secs), step }]);
    }
}

/// An agent whose monitor is one of three.
struct Agent {
    mon: &'static str,
    cluster: Cluster,
    options: Options,
    site: Site,
    socket: Option<String>,
    manager: Option<&'static str>,
}

const NAMES: [&str; 3] = ["a", "b", "c"];

impl Agent {
    fn of(mon: &'static str, server: Option<&Server>) -> Agent {
        let site = Site::below("/nowhere");
        let site = match server {
            Some(server) => site.hearing(Arc::new(server.clone())),
            None => site,
        };
        Agent { mon, cluster: Cluster::default(), options: Options::default(), site, socket: None, manager: None }
    }

    /// A run with `quorum`, of which the first leads. Gives the names that were told, and what changed.
    fn run(&mut self, secs: u32, quorum: &[&str], counters: &[(&str, u64)]) -> (Vec<String>, Vec<String>) {
        let rank = |name: &str| NAMES.iter().position(|known| *known == name).unwrap();
        let state = match quorum.iter().position(|name| *name == self.mon) {
            Some(0) => "leader",
            Some(_) => "peon",
            None => "probing",
        };
        let mons: Vec<_> = NAMES.iter().map(|name| serde_json::json!({"rank": rank(name), "name": name})).collect();
        let status = serde_json::json!({
            "name": self.mon, "rank": rank(self.mon), "state": state, "election_epoch": 6, "monmap": {"mons": mons},
            "quorum": quorum.iter().map(|name| rank(name)).collect::<Vec<_>>(),
        });
        let status: MonStatus = serde_json::from_value(status).unwrap();
        let counters: BTreeMap<String, u64> =
            counters.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
        let view = MonView {
            name: self.mon,
            status: &status,
            counters: &counters,
            fsid: None,
            socket: self.socket.as_deref(),
            manager: self.manager,
        };
        let slot = Slot { time: Timestamp::from_secs(secs), monotonic: Duration::from_secs(secs.into()) };
        let scene = Scene { options: &self.options, site: &self.site, slot, begun: Instant::now() };
        let mut out = Out::default();
        out.begin(slot);
        self.cluster.tell("ceph", view, &scene, &mut out).unwrap();
        let changes = out.take_changes().into_iter().map(|change| change.what).collect();
        (out.samples().map(|(name, _)| name.to_owned()).collect(), changes)
    }
}

fn speaks((names, _): &(Vec<String>, Vec<String>)) -> bool {
    !names.is_empty()
}

#[test]
fn the_agent_of_the_leading_monitor_speaks_at_once() {
    let server = Server::default();
    let (mut first, mut second) = (Agent::of("a", Some(&server)), Agent::of("b", Some(&server)));
    let (names, changes) = first.run(10, &NAMES, &[("num_osd_up", 3)]);
    assert!(names.contains(&"ceph.ceph.cluster.speaker.a".to_owned()));
    assert!(names.contains(&"ceph.ceph.cluster.osd.up".to_owned()), "{names:?}");
    assert!(changes.is_empty());
    server.heard("a", 10);
    for secs in [10, 20] {
        assert!(!speaks(&second.run(secs, &NAMES, &[])));
    }
}

#[test]
fn when_nobody_was_heard_for_two_intervals_the_next_one_speaks_until_one_is_heard_again() {
    let server = Server::default();
    let mut second = Agent::of("b", Some(&server));
    server.heard("a", 20);
    let spoken: Vec<bool> = [10, 20, 30, 40].map(|secs| speaks(&second.run(secs, &NAMES, &[]))).into();
    assert_eq!(spoken, [false, false, false, true]);
    // It hears itself, which counts for nothing.
    server.heard("b", 40);
    assert!(speaks(&second.run(50, &NAMES, &[])));
    server.heard("a", 60);
    assert!(!speaks(&second.run(60, &NAMES, &[])));
}

#[test]
fn the_third_one_is_as_fast_and_falls_silent_when_the_second_is_heard() {
    let server = Server::default();
    let mut third = Agent::of("c", Some(&server));
    let up = |up| [("num_osd_up", up), ("num_osd_in", 3), ("num_osd", 3)];
    server.heard("a", 20);
    assert!(!speaks(&third.run(10, &NAMES, &up(3))) && !speaks(&third.run(20, &NAMES, &up(3))));
    assert!(!speaks(&third.run(30, &NAMES, &up(2))));
    let stepped_in = third.run(40, &NAMES, &up(2));
    assert!(speaks(&stepped_in) && stepped_in.1.is_empty(), "the second one may tell the change");
    server.heard("b", 40);
    assert!(!speaks(&third.run(50, &NAMES, &up(2))));
    // The second one is gone, too; what happened since its last word is told once.
    let told: Vec<_> = [60, 70, 80].map(|secs| third.run(secs, &NAMES, &up(3)).1).into_iter().flatten().collect();
    assert_eq!(told, ["an OSD is up"]);
}

#[test]
fn of_two_agents_at_one_socket_one_speaks() {
    let file = format!("test-{}", std::process::id());
    let with = |file: &str| Agent { socket: Some(file.to_owned()), ..Agent::of("a", None) };
    let (mut first, mut second) = (with(&file), with(&file));
    for secs in [10, 20] {
        assert!(speaks(&first.run(secs, &NAMES, &[])));
        assert!(!speaks(&second.run(secs, &NAMES, &[])));
    }
    assert!(speaks(&with("another").run(20, &NAMES, &[])));
    // Its monitor does not lead any more, and then it does again.
    assert!(!speaks(&first.run(30, &["b", "c"], &[])));
    assert!(speaks(&second.run(40, &NAMES, &[])));
    assert!(!speaks(&first.run(40, &NAMES, &[])));
    drop(second);
    assert!(speaks(&first.run(50, &NAMES, &[])));
}

#[test]
fn a_new_leader_has_time_to_be_heard() {
    let server = Server::default();
    let mut third = Agent::of("c", Some(&server));
    server.heard("a", 20);
    assert!(!speaks(&third.run(10, &NAMES, &[])) && !speaks(&third.run(20, &NAMES, &[])));
    let spoken: Vec<bool> = [60, 70, 80].map(|secs| speaks(&third.run(secs, &["b", "c"], &[]))).into();
    assert_eq!(spoken, [false, false, true]);
}

#[test]
fn a_server_that_keeps_a_value_a_minute_is_believed_for_that_minute() {
    let server = Server::default();
    let mut second = Agent::of("b", Some(&server));
    server.heard_within("a", 60, 60);
    let spoken: Vec<bool> = [70, 80, 120, 130].map(|secs| speaks(&second.run(secs, &NAMES, &[]))).into();
    // The last word may have come at 110.
    assert_eq!(spoken, [false, false, false, true]);
}

#[test]
fn who_can_ask_nobody_speaks_and_who_is_outside_the_quorum_does_not() {
    assert!(speaks(&Agent::of("b", None).run(10, &NAMES, &[])));
    assert!(!speaks(&Agent::of("c", None).run(10, &["a", "b"], &[])));
    let mut unsure = Agent::of("b", Some(&Server::default()));
    unsure.run(10, &NAMES, &[]);
    assert!(speaks(&unsure.run(20, &NAMES, &[])));
}

#[test]
fn a_change_is_told_by_the_one_that_speaks() {
    let server = Server::default();
    let (mut first, mut second) = (Agent::of("a", Some(&server)), Agent::of("b", Some(&server)));
    let up = |up| [("num_osd_up", up), ("num_osd_in", 3), ("num_osd", 3)];
    for secs in [10, 20] {
        server.heard("a", secs);
        assert!(first.run(secs, &NAMES, &up(3)).1.is_empty() && second.run(secs, &NAMES, &up(3)).1.is_empty());
    }
    server.heard("a", 30);
    assert_eq!(first.run(30, &NAMES, &up(2)).1, ["an OSD is down"]);
    assert!(second.run(30, &NAMES, &up(2)).1.is_empty());
    // The first agent is gone, and nobody speaks while the OSD comes back.
    assert!(second.run(40, &NAMES, &up(3)).1.is_empty());
    assert_eq!(second.run(50, &NAMES, &up(3)).1, ["an OSD is up"]);
}

#[test]
fn a_monitor_that_takes_the_lead_is_told_once() {
    let server = Server::default();
    let (mut first, mut second) = (Agent::of("a", Some(&server)), Agent::of("b", Some(&server)));
    for secs in [10, 20] {
        server.heard("a", secs);
        first.run(secs, &NAMES, &[]);
        second.run(secs, &NAMES, &[]);
    }
    assert_eq!(second.run(30, &["b", "c"], &[]).1, ["mon.b leads the monitors", "mon.a left the quorum"]);
    assert!(first.run(30, &["b", "c"], &[]).1.is_empty());
    // Back in the lead.
    let changes = ["mon.a leads the monitors", "mon.a joined the quorum"];
    assert_eq!(first.run(40, &NAMES, &[]).1, changes);
    server.heard("a", 40);
    assert!(second.run(40, &NAMES, &[]).1.is_empty());
}

const ANSWERS: &str = r#"
{"fsid":"x","health":{"status":"HEALTH_WARN","checks":{"OSD_DOWN":{}}},"pgmap":{"pgs_by_state":[{"state_name":"active+clean","count":33}],"read_op_per_sec":432},"fsmap":{"up":1,"up:standby":1},"mgrmap":{"available":true,"num_standbys":1}}
garbage
{"epoch":86,"flags_set":["noout","sortbitwise"],"full_ratio":0.949999988079071,"osds":[{"osd":0,"up":1,"in":1},{"osd":1,"up":0,"in":1}],"pools":[{"pool_name":"my.pool","size":3,"min_size":2,"pg_num":8}]}
{"stats":{"total_bytes":10},"pools":[{"name":"my.pool","stats":{"stored":5,"objects":1}}]}
{"epoch":4,"available":true,"active_name":"x","num_standby":1}
[{"pool_name":"my.pool","client_io_rate":{"read_op_per_sec":7}}]
"#;

/// A folder with a tool that prints the answers, and the options to use it.
fn tool(script: &str) -> (tempfile::TempDir, Options) {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("ceph");
    std::fs::write(&program, format!("#!/bin/sh\n{script}\ncat <<'END'\n{ANSWERS}\nEND\n")).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let conf = folder.path().join("ceph.conf");
    std::fs::write(&conf, "[global]\n").unwrap();
    let command = program.to_str().unwrap().to_owned();
    (folder, Options { command, conf: Some(conf), ..Options::default() })
}

/// Runs until the tool has told something.
fn until_told(agent: &mut Agent, secs: &mut u32) -> (Vec<String>, Vec<String>) {
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        *secs += 10;
        let told = agent.run(*secs, &NAMES, &[]);
        if agent.cluster.facts.is_some() {
            return told;
        }
        assert!(Instant::now() < until, "the tool never answered");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn what_no_socket_tells_is_asked_of_the_tool() {
    let (_folder, options) = tool("cat >/dev/null");
    let mut agent = Agent::of("a", None);
    agent.options = options;
    let mut secs = 0;
    let (names, changes) = until_told(&mut agent, &mut secs);
    for expected in [
        "health",
        "check.OSD_DOWN",
        "pg.state.active_clean",
        "io.read_op_per_sec",
        "mds.standby",
        "osdmap.flag.noout",
        "osdmap.full_ratio",
        "osd.1.up",
        "pool.my_pool.size",
        "pool.my_pool.stored",
        "pool.my_pool.read_op_per_sec",
    ] {
        assert!(names.contains(&format!("ceph.ceph.cluster.{expected}")), "{expected} is not in {names:?}");
    }
    assert!(changes.is_empty(), "what is seen first has not changed: {changes:?}");
    let told = agent.cluster.facts.as_mut().unwrap();
    let map = told.facts.osd_map.as_mut().unwrap();
    (map.osds[0].up, map.osds[1].up) = (0, 1);
    map.flags_set = vec!["sortbitwise".to_owned(), "norebalance".to_owned()];
    told.facts.status.as_mut().unwrap().health.status = "HEALTH_ERR".to_owned();
    told.facts.manager.as_mut().unwrap().active_name = "y".to_owned();
    let changes = agent.run(secs + 10, &NAMES, &[]).1;
    let expected = [
        "mgr.y is the active manager",
        "osd.0 is down",
        "osd.1 is up",
        "flag norebalance is set",
        "flag noout is not set any more",
        "health is HEALTH_ERR",
    ];
    assert_eq!(changes, expected);
}

#[test]
fn the_tool_is_asked_before_its_time_when_a_socket_shows_another_map_or_manager() {
    let (_folder, options) = tool("cat >/dev/null");
    let mut agent = Agent::of("a", None);
    agent.options = options;
    let mut secs = 0;
    let mut asks = |agent: &mut Agent, counters: &[(&str, u64)]| {
        let before = agent.cluster.rounds.age();
        secs += 10;
        agent.run(secs, &NAMES, counters);
        let asks = before.is_none_or(|before| agent.cluster.rounds.age().unwrap() < before);
        while asks && agent.cluster.rounds.end().is_none() {
            std::thread::sleep(Duration::from_millis(5));
        }
        asks
    };
    assert!(asks(&mut agent, &[]) && !asks(&mut agent, &[]));
    agent.manager = Some("y");
    assert!(asks(&mut agent, &[]) && !asks(&mut agent, &[]));
    assert!(asks(&mut agent, &[("osd_epoch", 7)]) && !asks(&mut agent, &[("osd_epoch", 7)]));
}

#[test]
fn only_who_speaks_for_sure_starts_the_tool() {
    let (_folder, options) = tool("cat >/dev/null");
    let server = Server::default();
    server.heard("a", 1000);
    let mut agent = Agent::of("b", Some(&server));
    agent.options = options;
    for secs in [980, 990, 1000] {
        agent.run(secs, &NAMES, &[]);
    }
    assert!(agent.cluster.rounds.age().is_none());
}

#[test]
fn without_a_key_or_with_the_configuration_of_another_cluster_there_is_no_tool() {
    let (folder, options) = tool("");
    let site = Site::below(folder.path());
    let fsid = "00000000-1111-2222-3333-444444444444";
    assert!(Tool::of(&options, "ceph", Some(fsid), &site).is_some());
    std::fs::write(options.conf.as_ref().unwrap(), "fsid = abcdef01-1111-2222-3333-444444444444\n").unwrap();
    assert!(Tool::of(&options, "ceph", Some(fsid), &site).is_none());

    let etc = folder.path().join("etc/ceph");
    std::fs::create_dir_all(&etc).unwrap();
    std::fs::write(etc.join("ceph.conf"), "[global]\n").unwrap();
    let defaults = Options::default();
    assert!(Tool::of(&defaults, "ceph", None, &site).is_none(), "there is no key");
    std::fs::write(etc.join("ceph.client.plumbago.keyring"), "").unwrap();
    assert!(Tool::of(&defaults, "ceph", None, &site).is_some());
    let never = Options { command: String::new(), ..defaults };
    assert!(Tool::of(&never, "ceph", None, &site).is_none());
}
