//! Diamond's collectors as ours, where we have one that does the same.

use std::time::Duration;

use collectors::{COLLECTORS, Settings, Site};
use toml::{Table, Value as Toml};

use super::ini::{Section, Value};
use crate::BUILT_IN;

/// What every collector may say and what needs no counterpart here.
const COMMON: [&str; 7] =
    ["enabled", "interval", "path_prefix", "path_suffix", "hostname", "hostname_method", "instance_prefix"];
const NEEDLESS: [&str; 3] = ["measure_collector_time", "ttl_multiplier", "stagger_collection"];

/// How a value is to be read.
#[derive(Clone, Copy)]
enum Kind {
    Bool,
    Int,
    Text,
    List,
}

/// Ours whose series would be others if they did not follow Diamond: other names, other kinds.
const FOLLOWED: [&str; 9] =
    ["nfs", "nfsd", "mdstat", "interrupts", "processes", "memcached", "redis", "diskspace", "httpjson"];

/// Options that mean the same on both sides: collector, Diamond's option, ours.
const SAME: [(&str, &str, &str, Kind); 20] = [
    ("httpjson", "url", "url", Kind::Text),
    ("cpu", "percore", "percore", Kind::Bool),
    ("cpu", "normalize", "normalize", Kind::Bool),
    ("cpu", "simple", "simple", Kind::Bool),
    ("loadavg", "simple", "simple", Kind::Bool),
    ("memory", "detailed", "detailed", Kind::Bool),
    ("network", "interfaces", "interfaces", Kind::List),
    ("network", "greedy", "greedy", Kind::Bool),
    ("network", "byte_unit", "byte-unit", Kind::List),
    ("diskspace", "filesystems", "filesystems", Kind::List),
    ("diskspace", "exclude_filters", "exclude-filters", Kind::List),
    ("diskusage", "devices", "devices", Kind::Text),
    ("diskusage", "sector_size", "sector-size", Kind::Int),
    ("diskusage", "send_zero", "send-zero", Kind::Bool),
    ("tcp", "allowed_names", "names", Kind::List),
    ("udp", "allowed_names", "names", Kind::List),
    ("ip", "allowed_names", "names", Kind::List),
    ("files", "dir", "directory", Kind::Text),
    ("files", "delete", "delete", Kind::Bool),
    ("memcached", "publish", "publish", Kind::List),
];

/// Our name of one of Diamond's classes.
pub(super) fn ours(class: &str) -> Option<&'static str> {
    BUILT_IN.iter().find(|(name, _)| *name == class).map(|(_, ours)| *ours)
}

/// The table of our collector `name` that does what Diamond's does with `options`.
///
/// # Errors
/// Says which option has no counterpart.
pub(super) fn convert(name: &str, options: &Section) -> Result<Table, String> {
    let mut table = Table::new();
    table.insert("enabled".to_owned(), true.into());
    if let Some(interval) = options.text("interval") {
        table.insert("interval".to_owned(), interval_of(interval)?.into());
    }
    if FOLLOWED.contains(&name) {
        table.insert("compat".to_owned(), "diamond".into());
    }
    if name == "processes" {
        table.insert("top".to_owned(), 0.into());
    }
    if name == "ceph" {
        table.insert("naming".to_owned(), "diamond".into());
    }
    for (key, value) in &options.0 {
        if COMMON.contains(&key.as_str()) || NEEDLESS.contains(&key.as_str()) {
            continue;
        }
        let same = SAME.iter().find(|(ours, theirs, ..)| *ours == name && theirs == key);
        let converted = match same {
            Some((_, _, ours, kind)) => read(value, *kind).map(|value| ((*ours).to_owned(), value)),
            None => special(name, key, value, options),
        };
        match converted {
            Some((ours, value)) => drop(table.insert(ours, value)),
            None if is_default(key, value) => {}
            None => return Err(format!("its option `{key}` has no counterpart")),
        }
    }
    let settings = Toml::Table([(name.to_owned(), Toml::Table(table.clone()))].into_iter().collect());
    let built = settings.try_into::<Settings>().map(|settings| settings.build(&Site::default()));
    if !matches!(built, Ok(Ok(_))) {
        return Err("one of its options has a value that means something else here".to_owned());
    }
    Ok(table)
}

/// Options that take more than a look.
fn special(name: &str, key: &str, value: &Value, options: &Section) -> Option<(String, Toml)> {
    match (name, key) {
        ("nginx", "req_host" | "req_port" | "req_path" | "req_ssl") => {
            let get = |key, default| options.text(key).filter(|text| !text.is_empty()).unwrap_or(default);
            let scheme = if is_true(get("req_ssl", "")) { "https" } else { "http" };
            let (host, port) = (get("req_host", "localhost"), get("req_port", "8080"));
            let url = format!("{scheme}://{host}:{port}{}", get("req_path", "/nginx_status"));
            Some(("url".to_owned(), url.into()))
        }
        ("processes", "process") => processes(value).map(|groups| ("process".to_owned(), groups)),
        ("redis", "instances") => redis(value).map(|instances| ("instances".to_owned(), instances)),
        ("memcached", "hosts") => {
            let hosts = value.items().into_iter().map(|host| {
                let (alias, address) = match host.split_once('@') {
                    Some((alias, address)) => (alias.to_owned(), address.to_owned()),
                    None => (host.split(':').next().unwrap_or_default().to_owned(), host.clone()),
                };
                let address = if address.contains([':', '/']) { address } else { format!("{address}:11211") };
                (alias, Toml::from(if address.starts_with('/') { format!("unix:{address}") } else { address }))
            });
            Some(("hosts".to_owned(), Toml::Table(hosts.collect())))
        }
        _ => None,
    }
}

/// `[NICK@]HOST[:PORT]`, one or several; a password or a socket is left to Python.
fn redis(value: &Value) -> Option<Toml> {
    let mut instances = Table::new();
    for instance in value.items() {
        let (nick, place) =
            instance.split_once('@').map_or((None, instance.as_str()), |(nick, rest)| (Some(nick), rest));
        let (host, port) = place.split_once(':').unwrap_or((place, "6379"));
        let port: u16 = port.parse().ok()?;
        let host = if host.is_empty() { "localhost" } else { host };
        let nick = nick.map_or_else(|| port.to_string(), str::to_owned);
        let address = Table::from_iter([("address".to_owned(), Toml::from(format!("{host}:{port}")))]);
        instances.insert(nick, Toml::Table(address));
    }
    Some(Toml::Table(instances))
}

/// Groups of processes, each with its expressions.
fn processes(value: &Value) -> Option<Toml> {
    let Value::Table(groups) = value else { return None };
    let mut converted = Table::new();
    for (name, group) in &groups.0 {
        let Value::Table(group) = group else { return None };
        let mut table = Table::new();
        for (key, value) in &group.0 {
            let value = match key.as_str() {
                // A comma in an expression parts nothing unless the file says so.
                "exe" | "name" | "cmdline" => match value {
                    Value::Text(text) => Toml::from(text.as_str()),
                    value => Toml::from(value.items()),
                },
                "selfmon" | "count_workers" => read(value, Kind::Bool)?,
                _ => return None,
            };
            table.insert(key.replace('_', "-"), value);
        }
        converted.insert(name.clone(), Toml::Table(table));
    }
    Some(Toml::Table(converted))
}

/// Whether an option says what ours does anyway.
fn is_default(key: &str, value: &Value) -> bool {
    let words = value.items();
    match key {
        "byte_unit" => words == ["byte"],
        "derivative" => words.first().is_some_and(|word| is_true(word)),
        "method" | "force_psutil" | "xenfix" => true,
        "unit" => words == ["B"],
        "metrics_whitelist" | "metrics_blacklist" => words.is_empty(),
        _ => false,
    }
}

fn read(value: &Value, kind: Kind) -> Option<Toml> {
    let text = || match value {
        Value::Text(text) => Some(text.trim().to_owned()),
        Value::List(items) => Some(items.join(",")),
        Value::Table(_) => None,
    };
    match kind {
        Kind::Bool => text().map(|text| is_true(&text).into()),
        Kind::Int => text()?.parse::<i64>().ok().map(Toml::from),
        Kind::Text => text().map(Toml::from),
        Kind::List => {
            let items = value.items().into_iter();
            Some(Toml::Array(
                items.flat_map(|item| item.split_whitespace().map(Toml::from).collect::<Vec<_>>()).collect(),
            ))
        }
    }
}

/// As Diamond reads a yes.
pub(super) fn is_true(text: &str) -> bool {
    matches!(text.trim().to_ascii_lowercase().as_str(), "true" | "t" | "yes" | "y" | "1" | "on")
}

/// Whether Diamond takes `text` as false.
pub(super) fn is_false(text: &str) -> bool {
    matches!(text.trim().to_ascii_lowercase().as_str(), "false" | "f" | "no" | "n" | "0" | "off" | "")
}

/// `interval` in whole seconds as we write it.
///
/// # Errors
/// It is none.
pub(super) fn interval_of(text: &str) -> Result<String, String> {
    let secs = text.trim().parse::<f64>().ok().filter(|secs| *secs >= 1.0 && *secs < 1e7);
    let secs = secs.ok_or_else(|| format!("its interval `{text}` is no number of seconds"))?;
    let whole = Duration::from_secs(secs.round() as u64);
    Ok(match whole.as_secs() {
        secs if secs % 3600 == 0 => format!("{}h", secs / 3600),
        secs if secs % 60 == 0 => format!("{}m", secs / 60),
        secs => format!("{secs}s"),
    })
}

/// Ours that run unless they are told not to.
pub(super) fn on_by_default() -> impl Iterator<Item = &'static str> {
    COLLECTORS.iter().filter(|entry| entry.on).map(|entry| entry.name)
}
