//! Diamond's handlers as destinations.

use super::ini::{Section, Value};

/// Where points go.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Destination {
    pub(super) name: String,
    pub(super) address: String,
}

/// Options that have no meaning here, because what they were for works by itself.
const NEEDLESS: [&str; 12] = [
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
];

/// The destinations of the handlers that `[server] handlers` names; what cannot be had is told in `notes`.
pub(super) fn convert(config: &Section, notes: &mut Vec<String>) -> Vec<Destination> {
    let empty = Section::default();
    let tables = config.section("handlers").unwrap_or(&empty);
    let listed = config.section("server").and_then(|server| server.0.get("handlers")).map(Value::items);
    let mut found: Vec<Destination> = Vec::new();
    for path in listed.unwrap_or_default() {
        let class = path.rsplit('.').next().unwrap_or_default();
        let mut options = tables.section("default").cloned().unwrap_or_default();
        options.merge(tables.section(class).cloned().unwrap_or_default());
        let before = found.len();
        match class {
            "GraphiteHandler" | "MultiGraphiteHandler" => {
                if options.text("proto").is_some_and(|proto| !proto.eq_ignore_ascii_case("tcp")) {
                    notes.push(format!("{class}: sends over TCP here, not over UDP"));
                }
                found.extend(graphite(&options, "2003"));
            }
            "GraphitePickleHandler" | "MultiGraphitePickleHandler" => {
                notes.push(format!(
                    "{class}: lines are sent, not pickles: see that the port is that of a line listener"
                ));
                found.extend(graphite(&options, "2003").map(|destination| Destination {
                    address: destination.address.replace(":2004", ":2003"),
                    ..destination
                }));
            }
            "NullHandler" => notes.push(format!("{class}: a destination has to be there; this one was left out")),
            _ => notes.push(format!("{class}: there is no such destination; it was left out")),
        }
        if found.len() > before {
            let known =
                |key: &&String| NEEDLESS.contains(&key.as_str()) || ["host", "port", "proto"].contains(&key.as_str());
            for key in options.0.keys().filter(|key| !known(key)) {
                notes.push(format!("{class}: the option `{key}` was left out"));
            }
        }
    }
    for at in 0..found.len() {
        let same =
            found[..at].iter().filter(|other| other.name.split('-').next() == found[at].name.split('-').next()).count();
        if same > 0 {
            found[at].name = format!("{}-{}", found[at].name, same + 1);
        }
    }
    found
}

fn graphite<'a>(options: &Section, port: &'a str) -> impl Iterator<Item = Destination> + use<'a> {
    let port = options.text("port").unwrap_or(port).to_owned();
    let hosts = options.0.get("host").map_or_else(|| vec!["localhost".to_owned()], Value::items);
    hosts.into_iter().map(move |host| {
        // `HOST:PORT:INSTANCE` is how lists of caches are written.
        let mut parts = host.split(':');
        let (host, own) = (parts.next().unwrap_or_default().to_owned(), parts.next().unwrap_or(&port).to_owned());
        Destination { name: "graphite".to_owned(), address: format!("{host}:{own}") }
    })
}
