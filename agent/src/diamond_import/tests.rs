//! A configuration in Diamond's style, written for this test.

use std::fs;
use std::path::Path;

use collectors::Settings;
use serde::Deserialize;

use super::{Imported, import_diamond};
use crate::{AgentConfig, Destinations, DiamondConfig, Kind, Protocol, Routes, Setup};

/// The parts of ours that an import writes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parts {
    agent: AgentConfig,
    #[serde(default)]
    destination: Destinations,
    #[serde(default)]
    diamond: DiamondConfig,
    #[serde(default)]
    route: Routes,
    collectors: Settings,
}

const MAIN: &str = r#"
# Diamond as a site might have it
[server]
handlers = diamond.handler.graphite.GraphiteHandler, diamond.handler.archive.ArchiveHandler,
user = diamond
collectors_path = /opt/diamond/collectors
collectors_config_path = /nowhere/collectors
[handlers]
[[default]]
[[GraphiteHandler]]
host = graphite.example.org
port = 2013
batch = 256
prefix = x
[collectors]
[[default]]
hostname = "web01.example"
path_prefix = site
interval = 60
[[CPUCollector]]
enabled = True
percore = False
[[NetworkCollector]]
enabled = yes
interfaces = eth, bond
byte_unit = bit byte
[[MemoryCollector]]
enabled = True
metrics_blacklist = Swap.*
[[NtpdCollector]]
enabled = True
[[RedisCollector]]
enabled = False
"#;

fn imported(main: &str, more: &[(&str, &str)]) -> Imported {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("collectors")).unwrap();
    fs::write(folder.path().join("diamond.conf"), main).unwrap();
    for (name, text) in more {
        fs::write(folder.path().join(name), text).unwrap();
    }
    import_diamond(folder.path()).unwrap()
}

/// The converted settings, which have to be without a fault.
#[track_caller]
fn parts(imported: &Imported) -> Parts {
    let parts: Parts = toml::from_str(&imported.text).unwrap_or_else(|fault| panic!("{fault}\n{}", imported.text));
    let mut setup = Setup {
        agent: parts.agent.clone(),
        destinations: parts.destination.clone(),
        routes: parts.route.clone(),
        collectors: parts.collectors.clone(),
    };
    setup.agent.plugins.diamond = parts.diamond.clone();
    assert_eq!(setup.problems(), Vec::<String>::new(), "{}", imported.text);
    parts
}

#[test]
fn a_site_is_converted_and_what_was_left_out_is_told() {
    let redis = ("collectors/NtpdCollector.conf", "use_sudo = True\n[[hosts]]\na = 1, 2\n");
    let imported = imported(MAIN, &[redis]);
    let Parts { agent, destination, diamond, .. } = parts(&imported);
    assert_eq!(agent.metric_name("cpu.total.user"), "site.web01.example.cpu.total.user");
    assert_eq!(agent.interval.as_secs(), 60);
    assert_eq!(destination["graphite"].address.as_deref(), Some("graphite.example.org:2013"));
    let text = &imported.text;
    for part in [
        "[collectors.cpu]\nenabled = true\npercore = false\n",
        "byte-unit = [\"bit\", \"byte\"]",
        "interfaces = [\"eth\", \"bond\"]",
        "[collectors.vmstat]\nenabled = false\n",
        "collectors-path = [\"/opt/diamond/collectors\"]",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    let names: Vec<&String> = diamond.collectors.keys().collect();
    assert_eq!(names, ["MemoryCollector", "NtpdCollector", "default"]);
    assert_eq!(diamond.collectors["NtpdCollector"]["use_sudo"].as_str(), Some("True"));
    assert_eq!(diamond.collectors["NtpdCollector"]["hosts"]["a"].as_array().map(Vec::len), Some(2));
    let notes = imported.notes.join("\n");
    for part in ["ArchiveHandler: `log_file`", "`prefix`", "MemoryCollector: runs under Python", "user"] {
        assert!(notes.contains(part), "{part} is not in\n{notes}");
    }
}

#[test]
fn an_empty_configuration_gives_diamonds_defaults() {
    let parts = parts(&imported("", &[]));
    assert_eq!(parts.agent.interval.as_secs(), 300);
    assert_eq!(parts.diamond, DiamondConfig::default());
}

#[test]
fn several_servers_become_several_destinations() {
    let main = "[server]\nhandlers = diamond.handler.multigraphite.MultiGraphiteHandler\n[handlers]\n\
        [[MultiGraphiteHandler]]\nhost = a, b:2103\nport = 2203";
    let destinations = parts(&imported(main, &[])).destination;
    let addresses: Vec<_> = destinations.values().map(|one| one.address.as_deref().unwrap_or_default()).collect();
    assert_eq!(addresses, ["a:2203", "b:2103"]);
}

#[test]
fn handlers_of_many_kinds_become_destinations() {
    let main = "[server]\nhandlers = a.GraphiteHandler, a.GraphitePickleHandler, a.ArchiveHandler, a.StatsdHandler, \
        a.StatsiteHandler, a.HostedGraphiteHandler, a.MySQLHandler, a.InfluxdbHandler, a.NullHandler\n[handlers]\n\
        [[GraphiteHandler]]\nproto = udp\nhost = fd00::1:2:3\n[[GraphitePickleHandler]]\nhost = relay\n\
        [[ArchiveHandler]]\nlog_file = /var/log/diamond/archive.log\ndays = 3\n[[StatsdHandler]]\nhost = s\nport = 8125\n\
        [[StatsiteHandler]]\nhost = t\nudpport = 8126\n[[HostedGraphiteHandler]]\napikey = k-1\n";
    let imported = imported(main, &[]);
    let Parts { destination, route, .. } = parts(&imported);
    let address = |name: &str| destination[name].address.as_deref().unwrap_or_default();
    assert_eq!((destination["graphite"].protocol, address("graphite")), (Protocol::Udp, "[fd00::1:2:3]:2003"));
    assert_eq!((destination["graphite-2"].kind, address("graphite-2")), (Kind::Pickle, "relay:2004"));
    assert_eq!((destination["archive"].kind, destination["archive"].rotations), (Kind::File, 3));
    assert_eq!((destination["statsd"].kind, address("statsd")), (Kind::Statsd, "s:8125"));
    assert_eq!(address("statsite"), "t:8126");
    assert_eq!(address("hosted"), "carbon.hostedgraphite.com:2003");
    assert_eq!((route.len(), route["hosted"].rename[0].to.as_str()), (6, "k-1.$1"));
    assert!(!destination.contains_key("nowhere"));
    let notes = imported.notes.join("\n");
    for part in ["MySQLHandler", "`[[graphite]]`", "64 MiB", "gauges alone"] {
        assert!(notes.contains(part), "{part} is not in\n{notes}");
    }
}

#[test]
fn who_sent_nowhere_does_so_still_and_who_named_nobody_is_told() {
    let quiet = imported("[server]\nhandlers = diamond.handler.null.NullHandler", &[]);
    assert_eq!(parts(&quiet).destination["nowhere"].path.as_deref(), Some(Path::new("/dev/null")));
    let none = imported("[server]\nhandlers = a.MySQLHandler", &[]);
    assert!(none.notes.join("\n").contains("127.0.0.1:2003"), "{:?}", none.notes);
}

#[test]
fn series_that_would_change_go_on_as_they_were() {
    let main = "[collectors]\n[[NfsCollector]]\nenabled = True\n[[RedisCollector]]\nenabled = True\ninstances = a@localhost, :6380\n\
        [[CPUCollector]]\nenabled = True\n\
        [[ProcessResourcesCollector]]\nenabled = True\nunit = B\n[[[process]]]\n[[[[web]]]]\nname = ^nginx, ^php\n\
        count_workers = true\n[[[[me]]]]\nselfmon = true\n";
    let imported = imported(main, &[]);
    parts(&imported);
    for part in [
        "[collectors.nfs]\ncompat = \"diamond\"\n",
        "[collectors.cpu]\nenabled = true\n",
        "[collectors.redis.instances.6380]\naddress = \"localhost:6380\"\n",
        "[collectors.redis.instances.a]\naddress = \"localhost:6379\"\n",
        "[collectors.processes]\ncompat = \"diamond\"\nenabled = true\ntop = 0\n",
        "name = [\"^nginx\", \"^php\"]",
        "[collectors.processes.process.me]\nselfmon = true",
    ] {
        assert!(imported.text.contains(part), "{part} is not in\n{}", imported.text);
    }
    assert!(imported.notes.join("\n").contains("NfsCollector: keeps the names"), "{:?}", imported.notes);
}

#[test]
fn a_pattern_that_is_none_here_stays_with_python() {
    let imported = imported("[collectors]\n[[DiskUsageCollector]]\nenabled = True\ndevices = (?<!x)sd\n", &[]);
    assert!(parts(&imported).diamond.collectors.contains_key("DiskUsageCollector"), "{}", imported.text);
}

#[test]
fn a_missing_file_is_named() {
    let fault = import_diamond(Path::new("/no/such/diamond.conf")).unwrap_err().to_string();
    assert!(fault.contains("/no/such/diamond.conf"), "{fault}");
}

#[test]
fn lines_that_cannot_be_read_are_told() {
    let more =
        [("collectors/VMStatCollector.conf", "enabled = Tru\n[broken\nx\n# fine\n"), ("collectors/X.conf", "[[a]\n")];
    let imported = imported("[server]\nhandlers = a.NullHandler\n", &more);
    let notes = imported.notes.join("\n");
    for part in
        ["VMStatCollector.conf: line 2, `[broken`", "line 3, `x`", "X.conf: line 1", "VMStatCollector: `enabled = Tru`"]
    {
        assert!(notes.contains(part), "{part} is not in\n{notes}");
    }
    assert!(!notes.contains("fine"), "{notes}");
}
