//! The agent on this host, against a listener that comes and goes.

#![allow(clippy::unwrap_used, reason = "helpers of tests, which clippy does not take for tests")]

use std::time::Duration;

use agent::{Agent, AgentConfig, Setup, once};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};

const SOON: Duration = Duration::from_secs(30);

fn setup(destination: &str, collectors: &str) -> Setup {
    let agent = AgentConfig {
        destination: Some(destination.to_owned()),
        host: Some("web01".to_owned()),
        retry_first: Duration::from_millis(5),
        retry_most: Duration::from_millis(20),
        flush_for: Duration::from_millis(300),
        interval: Duration::from_secs(1),
        ..AgentConfig::default()
    };
    Setup { agent, collectors: toml::from_str(collectors).unwrap(), ..Setup::default() }
}

async fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    (listener, address)
}

async fn accept(listener: &TcpListener) -> BufReader<TcpStream> {
    BufReader::new(timeout(SOON, listener.accept()).await.unwrap().unwrap().0)
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let waited = timeout(SOON, async {
        while !holds() {
            sleep(Duration::from_millis(2)).await;
        }
    });
    waited.await.unwrap_or_else(|_| panic!("never happened: {what}"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn this_host_is_measured_on_aligned_slots() {
    let (listener, address) = listener().await;
    let agent = Agent::start(setup(&address, "[cpu]\npercore = false")).unwrap();
    let mut lines = accept(&listener).await.lines();
    let (mut seen, mut slots) = (Vec::new(), std::collections::BTreeSet::new());
    let wanted =
        ["memory.MemTotal", "loadavg.01", "cpu.total.user", "agent.collectors.cpu.run_ms", "agent.sent.carbon"];
    while !wanted.iter().all(|name| seen.iter().any(|seen| seen == &format!("servers.web01.{name}"))) {
        let line = timeout(SOON, lines.next_line()).await.unwrap().unwrap().unwrap();
        let [name, value, time] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
        value.parse::<f64>().unwrap();
        slots.insert(time.parse::<u64>().unwrap());
        seen.push(name.to_owned());
    }
    assert!(!slots.is_empty());
    drop(lines);
    let account = agent.stop().await;
    assert!(account.sent > 0 && account.lost == 0, "{account:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_stop_without_a_server_leaves_is_delivered_by_the_next_start() {
    let (listener, address) = listener().await;
    drop(listener);
    let folder = tempfile::tempdir().unwrap();
    let mut setup = setup(&address, "");
    setup.agent.folder = Some(folder.path().to_owned());
    let agent = Agent::start(setup.clone()).unwrap();
    until("something was measured", || agent.counts().queued > 0).await;
    let account = timeout(SOON, agent.stop()).await.unwrap();
    assert!(account.spooled > 0 && account.sent == 0 && account.lost == 0, "{account:?}");

    let listener = TcpListener::bind(&address).await.unwrap();
    let agent = Agent::start(setup).unwrap();
    let mut lines = accept(&listener).await.lines();
    until("all of it is sent", || agent.counts().sent > account.spooled && agent.counts().spooled == 0).await;
    let mut times = std::collections::BTreeSet::new();
    while times.len() < 2 {
        let line = timeout(SOON, lines.next_line()).await.unwrap().unwrap().unwrap();
        times.insert(line.rsplit(' ').next().unwrap().to_owned());
    }
    drop(lines);
    timeout(SOON, agent.stop()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stopping_without_a_server_or_a_spool_ends_in_time_and_says_what_is_lost() {
    let (listener, address) = listener().await;
    drop(listener);
    let agent = Agent::start(setup(&address, "")).unwrap();
    until("something was measured", || agent.counts().queued > 0).await;
    let account = timeout(SOON, agent.stop()).await.unwrap();
    assert!(account.lost > 0 && account.sent == 0, "{account:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plugin_that_did_not_change_goes_on_when_settings_are_read_anew() {
    let (listener, address) = listener().await;
    let told = |options: &str| {
        let mut setup = setup(&address, "");
        let script = "while read -r tick; do echo pid $$; echo; done";
        let plugin = format!("[p]\ncommand = [\"/bin/sh\", \"-c\", {script:?}]\noptions = {{ {options} }}");
        setup.agent.plugins = toml::from_str(&plugin).unwrap();
        setup
    };
    let agent = Agent::start(told("a = 1")).unwrap();
    let mut lines = accept(&listener).await.lines();
    let mut pid = async |other: Option<&str>| loop {
        let line = timeout(SOON, lines.next_line()).await.unwrap().unwrap().unwrap();
        if let Some((pid, _)) = line.strip_prefix("servers.web01.p.pid ").and_then(|rest| rest.split_once(' '))
            && other != Some(pid)
        {
            return pid.to_owned();
        }
    };
    let first = pid(None).await;
    for _ in 0..2 {
        agent.steering().reload(told("a = 1")).unwrap();
        assert_eq!(pid(None).await, first);
    }
    agent.steering().reload(told("a = 2")).unwrap();
    assert_ne!(pid(Some(&first)).await, first);
    timeout(SOON, agent.stop()).await.unwrap();
}

#[tokio::test]
async fn wrong_settings_are_all_told_at_once() {
    let told = Agent::start(setup("nowhere", "[cpus]")).unwrap_err().to_string();
    for part in ["[agent] destination", "[collectors.cpus]"] {
        assert!(told.contains(part), "{told}");
    }
    let told = Agent::start(setup("here:2003", "[memory]\ninterval = \"10ms\"")).unwrap_err().to_string();
    assert!(told.contains("[collectors.memory] interval"), "{told}");
}

#[test]
fn once_prints_rates_of_this_host() {
    let config = AgentConfig { host: Some("web01".to_owned()), ..AgentConfig::default() };
    let setup = Setup { agent: config, ..Setup::default() };
    let lines = once(&setup, &["cpu"], Duration::from_millis(20)).unwrap().seen;
    assert!(lines.iter().any(|line| line.name == "servers.web01.cpu.total.idle"), "{lines:?}");
    assert!(lines.iter().all(|line| line.name.starts_with("servers.web01.cpu.")));
    assert!(lines.iter().all(|line| line.time.secs() % 10 == 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_destination_that_moves_takes_what_waits_with_it() {
    let (gone, dead) = listener().await;
    drop(gone);
    let folder = tempfile::tempdir().unwrap();
    let at = |address: &str, spool: &str| {
        let text = format!("[far]\naddress = \"{address}\"\nspool = \"{spool}\"");
        let mut setup = Setup { destinations: toml::from_str(&text).unwrap(), ..setup(address, "") };
        setup.agent.destination = None;
        setup.agent.folder = Some(folder.path().to_owned());
        setup
    };
    let agent = Agent::start(at(&dead, "1MiB")).unwrap();
    let steering = agent.steering();
    until("something waits", || agent.counts().queued > 0).await;
    let waiting = agent.counts();
    let (listener, alive) = listener().await;
    assert_eq!(steering.reload(at(&alive, "2MiB")).unwrap(), Vec::<String>::new());
    let mut lines = accept(&listener).await.lines();
    until("all of it is sent", || agent.counts().sent > waiting.queued && agent.counts().queued == 0).await;
    assert_eq!((agent.counts().lost, agent.counts().connects), (0, 1));
    assert!(timeout(SOON, lines.next_line()).await.unwrap().unwrap().is_some());

    // The same settings are no change, and a spool that is switched off takes nothing with it.
    steering.reload(at(&alive, "2MiB")).unwrap();
    steering.reload(at(&alive, "0")).unwrap();
    let sent = agent.counts().sent;
    let mut lines = accept(&listener).await.lines();
    until("it goes on", || agent.counts().sent > sent && agent.counts().queued == 0).await;
    assert_eq!(agent.counts().connects, 2);
    assert!(timeout(SOON, lines.next_line()).await.unwrap().unwrap().is_some());
    drop(lines);
    assert_eq!(timeout(SOON, agent.stop()).await.unwrap().lost, 0);
}
