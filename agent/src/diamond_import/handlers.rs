//! Diamond's handlers as destinations.

use toml::{Table, Value as Toml};

use super::ini::{Section, Value};

/// Where points go.
#[derive(Debug, PartialEq)]
pub(super) struct Destination {
    pub(super) name: String,
    /// Its `[destination.NAME]`.
    pub(super) table: Table,
    /// What goes before every name there.
    pub(super) prefix: Option<String>,
}

/// Options that have no meaning here, because what they were for works by itself.
const NEEDLESS: [&str; 16] = [
    "timeout",
    "batch",
    "keepalive",
    "keepaliveinterval",
    "max_backlog_multiplier",
    "trim_backlog_multiplier",
    "reconnect_interval",
    "flow_info",
    "scope_id",
    "get_default_config",
    "server_error_interval",
    "enabled",
    "when",
    "rollover_interval",
    "encoding",
    "propagate",
];

/// Handlers that have no counterpart, with what may help.
const OTHERS: [(&str, &str); 7] = [
    ("InfluxdbHandler", "InfluxDB takes Graphite's lines where `[[graphite]]` is enabled"),
    ("TSDBHandler", "OpenTSDB takes no Graphite lines; a relay has to stand between"),
    ("DatadogHandler", "a statsd destination to its agent comes near"),
    ("RiemannHandler", "Riemann has a Graphite server of its own"),
    ("SignalfxHandler", "its collector takes Graphite's lines"),
    ("RmqHandler", "read a file destination, or a TCP one, with what publishes"),
    ("HttpPostHandler", "read a file destination, or a TCP one, with what posts"),
];

/// The destinations of the handlers that `[server] handlers` names; what cannot be had is told in `notes`.
pub(super) fn convert(config: &Section, notes: &mut Vec<String>) -> Vec<Destination> {
    let empty = Section::default();
    let tables = config.section("handlers").unwrap_or(&empty);
    let listed = config.section("server").and_then(|server| server.0.get("handlers")).map(Value::items);
    let listed = listed.unwrap_or_default();
    let mut found: Vec<Destination> = Vec::new();
    let mut nowhere = false;
    for path in &listed {
        let class = path.rsplit('.').next().unwrap_or_default();
        let mut options = tables.section("default").cloned().unwrap_or_default();
        options.merge(tables.section(class).cloned().unwrap_or_default());
        let (mut made, known): (Vec<Destination>, &[&str]) = match class {
            "GraphiteHandler" | "MultiGraphiteHandler" => (graphite(&options, "line"), &["host", "port", "proto"]),
            "GraphitePickleHandler" | "MultiGraphitePickleHandler" => {
                (graphite(&options, "pickle"), &["host", "port", "proto"])
            }
            "HostedGraphiteHandler" => (hosted(&options, notes), &["host", "port", "proto", "apikey"]),
            "ArchiveHandler" => (archive(&options, notes), &["log_file", "days"]),
            "StatsdHandler" | "StatsiteHandler" => {
                notes.push(format!("{class}: gauges alone are sent, counters as their rates"));
                (statsd(class, &options), &["host", "port", "udpport", "tcpport"])
            }
            "NullHandler" => {
                nowhere = true;
                (Vec::new(), &[])
            }
            _ => {
                let help = OTHERS.iter().find(|(other, _)| *other == class).map(|(_, help)| *help);
                notes.push(match help {
                    Some(help) => format!("{class}: there is no such destination, it was left out; {help}"),
                    None => format!("{class}: there is no such destination, it was left out"),
                });
                continue;
            }
        };
        for key in options.0.keys().filter(|key| !known.contains(&key.as_str()) && !NEEDLESS.contains(&key.as_str())) {
            notes.push(format!("{class}: the option `{key}` was left out"));
        }
        found.append(&mut made);
    }
    number(&mut found);
    if found.is_empty() && nowhere {
        found.push(of("nowhere", "file", [("path", Toml::from("/dev/null"))]));
    }
    if found.is_empty() {
        notes.push("no handler became a destination: lines go to 127.0.0.1:2003 unless you name one".to_owned());
    }
    found
}

/// Gives those of one name numbers.
fn number(found: &mut [Destination]) {
    for at in 0..found.len() {
        let (before, rest) = found.split_at_mut(at);
        let Some(one) = rest.first_mut() else { break };
        let same = before.iter().filter(|other| other.name.split('-').next() == one.name.split('-').next()).count();
        if same > 0 {
            one.name = format!("{}-{}", one.name, same + 1);
        }
    }
}

fn of<const N: usize>(name: &str, kind: &str, options: [(&str, Toml); N]) -> Destination {
    let mut table = Table::new();
    if kind != "line" {
        table.insert("kind".to_owned(), kind.into());
    }
    table.extend(options.map(|(key, value)| (key.to_owned(), value)));
    Destination { name: name.to_owned(), table, prefix: None }
}

fn graphite(options: &Section, kind: &str) -> Vec<Destination> {
    let port = options.text("port").unwrap_or(if kind == "pickle" { "2004" } else { "2003" });
    let hosts = options.0.get("host").map_or_else(|| vec!["localhost".to_owned()], Value::items);
    let udp = options.text("proto").is_some_and(|proto| proto.to_ascii_lowercase().starts_with("udp"));
    let one = |host: String| {
        let mut one = of("graphite", kind, [("address", address(&host, port).into())]);
        if udp && kind == "line" {
            one.table.insert("protocol".to_owned(), "udp".into());
        }
        one
    };
    hosts.into_iter().map(one).collect()
}

/// `HOST`, `HOST:PORT` or `HOST:PORT:INSTANCE`, which is how lists of caches are written, as `HOST:PORT`.
fn address(host: &str, port: &str) -> String {
    // More colons than that are an address of IPv6.
    if host.matches(':').count() > 2 && !host.starts_with('[') {
        return format!("[{host}]:{port}");
    }
    let mut parts = host.split(':');
    let (host, own) = (parts.next().unwrap_or_default(), parts.next().unwrap_or(port));
    format!("{host}:{own}")
}

fn hosted(options: &Section, notes: &mut Vec<String>) -> Vec<Destination> {
    let mut options = options.clone();
    options.0.entry("host".to_owned()).or_insert_with(|| Value::Text("carbon.hostedgraphite.com".to_owned()));
    let key = options.text("apikey").filter(|key| !key.is_empty()).map(str::to_owned);
    if key.is_none() {
        notes.push("HostedGraphiteHandler: `apikey` is missing".to_owned());
    }
    graphite(&options, "line")
        .into_iter()
        .map(|one| Destination { name: "hosted".to_owned(), prefix: key.clone(), ..one })
        .collect()
}

fn archive(options: &Section, notes: &mut Vec<String>) -> Vec<Destination> {
    let Some(path) = options.text("log_file").filter(|path| path.starts_with('/')) else {
        notes.push("ArchiveHandler: `log_file` is no whole path; it was left out".to_owned());
        return Vec::new();
    };
    notes.push("ArchiveHandler: a new file is begun after 64 MiB (`rotate-at`), not each midnight".to_owned());
    let days = options.text("days").and_then(|days| days.trim().parse::<u32>().ok()).unwrap_or(7);
    vec![of("archive", "file", [("path", path.into()), ("rotations", i64::from(days).into())])]
}

fn statsd(class: &str, options: &Section) -> Vec<Destination> {
    let (name, port) = if class == "StatsdHandler" { ("statsd", "port") } else { ("statsite", "udpport") };
    let host = options.text("host").filter(|host| !host.is_empty()).unwrap_or("localhost");
    let port = options.text(port).unwrap_or("1234");
    vec![of(name, "statsd", [("address", address(host, port).into())])]
}
