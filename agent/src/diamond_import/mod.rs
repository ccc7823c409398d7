//! `plumbago agent import-diamond`: a configuration of Diamond's as one of ours, and what of it was left out.

mod ini;
mod collectors;
mod handlers;

#[cfg(test)]
mod tests;

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

use toml::{Table, Value as Toml};

use self::ini::{Section, Value};

/// A configuration that was converted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// Ours, as TOML.
    pub text: String,
    /// What was left out or is not quite the same, a line each.
    pub notes: Vec<String>,
}

/// Options of all collectors that become settings of the agent.
const AGENTS: [&str; 5] = ["interval", "hostname", "hostname_method", "path_prefix", "path_suffix"];

/// Converts the configuration in `path`: Diamond's `diamond.conf`, or the folder where it lies.
///
/// # Errors
/// A file cannot be read.
pub fn import_diamond(path: &Path) -> io::Result<Imported> {
    let main = if path.is_dir() { path.join("diamond.conf") } else { path.to_owned() };
    let mut faults = Vec::new();
    let config = ini::load(&main, &mut faults)?;
    let mut imported = convert(&config, &main);
    imported.notes.splice(..0, faults);
    Ok(imported)
}

fn convert(config: &Section, main: &Path) -> Imported {
    let (mut text, mut notes) = (format!("# Made from Diamond's {}\n", main.display()), Vec::new());
    let empty = Section::default();
    let tables = config.section("collectors").unwrap_or(&empty);
    let default = tables.section("default").cloned().unwrap_or_default();
    agent(&default, &mut text, &mut notes);
    destinations(handlers::convert(config, &mut notes), &mut text);
    let mut general = default;
    general.0.retain(|key, _| !AGENTS.contains(&key.as_str()) && key != "enabled");
    let (own, python) = sort(tables, &general, &mut notes);
    for (name, table) in &own {
        write_table(&["collectors", name], table.clone(), &mut text);
    }
    let missing: Vec<_> = collectors::on_by_default().filter(|name| !own.iter().any(|(own, _)| own == name)).collect();
    if !missing.is_empty() {
        text.push_str("\n# What runs here unless it is told not to, and did not run there.\n");
    }
    for name in missing {
        let _ = write!(text, "[collectors.{name}]\nenabled = false\n");
    }
    if !python.is_empty() {
        diamond(config, &general, &python, &mut text);
    }
    for section in ["configs", "server"].iter().filter_map(|name| config.section(name)) {
        for key in ["user", "group"].iter().filter(|key| section.text(key).is_some_and(|text| !text.is_empty())) {
            notes.push(format!("[server] {key}: whoever starts the agent says as whom, such as systemd's `User=`"));
        }
    }
    Imported { text, notes }
}

/// `[destination.NAME]`, and routes where one of them has names of its own.
fn destinations(found: Vec<handlers::Destination>, text: &mut String) {
    let routed = found.iter().any(|one| one.prefix.is_some());
    for handlers::Destination { name, table, prefix } in found {
        write_table(&["destination", &name], table, text);
        if routed {
            let _ = write!(text, "\n[route.{name}]\nto = [{}]\n", Toml::from(name.as_str()));
        }
        if let Some(prefix) = prefix {
            let _ = writeln!(text, "rename = [{{ match = \"**\", to = {} }}]", Toml::from(format!("{prefix}.$1")));
        }
    }
}

/// `[agent]`.
fn agent(default: &Section, text: &mut String, notes: &mut Vec<String>) {
    let interval = default.text("interval").unwrap_or("300");
    let interval = collectors::interval_of(interval).unwrap_or_else(|fault| {
        notes.push(format!("[collectors] [[default]]: {fault}; it is 5m now"));
        "5m".to_owned()
    });
    let (mut prefix, host) = (default.text("path_prefix").unwrap_or("servers").to_owned(), host(default, notes));
    let _ = write!(text, "\n[agent]\ninterval = {}\n", Toml::from(interval));
    if let Some(host) = host {
        // A host of several parts: all but the last belong to what stands before it.
        let (parts, last) = host.rsplit_once('.').unwrap_or(("", &host));
        if !parts.is_empty() {
            prefix = format!("{prefix}{}{parts}", if prefix.is_empty() { "" } else { "." });
        }
        let _ = writeln!(text, "host = {}", Toml::from(last));
    }
    let _ = writeln!(text, "prefix = {}", Toml::from(prefix));
    if let Some(suffix) = default.text("path_suffix").filter(|suffix| !suffix.is_empty()) {
        let _ = writeln!(text, "suffix = {}", Toml::from(suffix));
    }
}

/// What the host is called, if that differs from what we call it anyway.
fn host(default: &Section, notes: &mut Vec<String>) -> Option<String> {
    let method = default.text("hostname_method").unwrap_or("smart").to_ascii_lowercase();
    if method == "shell" || method == "none" {
        notes.push(format!("hostname_method = {method}: write the result as `[agent] host`"));
        return None;
    }
    if let Some(host) = default.text("hostname").filter(|host| !host.is_empty()) {
        return Some(host.to_owned());
    }
    let node = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let reversed = |name: &str| name.split('.').rev().collect::<Vec<_>>().join(".");
    let host = match method.as_str() {
        "smart" | "fqdn_short" | "hostname_short" | "uname_short" => return None,
        "hostname" => node,
        "hostname_rev" | "uname_rev" => reversed(&node),
        "fqdn" => whole_name(node).replace('.', "_"),
        "fqdn_rev" => reversed(&whole_name(node)),
        _ => {
            notes.push(format!("hostname_method = {method}: there is no such method; the short name is used"));
            return None;
        }
    };
    notes.push(format!("hostname_method = {method}: `host` is that of this machine; other hosts need their own"));
    Some(host)
}

/// The name of this host with its domain, as far as it is known.
fn whole_name(node: String) -> String {
    let told = std::process::Command::new("hostname").arg("-f").output();
    let told = told
        .ok()
        .filter(|told| told.status.success())
        .map(|told| String::from_utf8_lossy(&told.stdout).trim().to_owned());
    told.filter(|name| !name.is_empty()).unwrap_or(node)
}

/// Our collectors with their tables.
type Own = Vec<(&'static str, Table)>;

/// Diamond's with their sections.
type Python<'a> = Vec<(&'a str, &'a Section)>;

/// Parts the enabled collectors into ours, and those that stay with Python.
fn sort<'a>(tables: &'a Section, general: &Section, notes: &mut Vec<String>) -> (Own, Python<'a>) {
    let (mut own, mut python): (Own, Python<'a>) = (Vec::new(), Vec::new());
    let always = tables.section("default").and_then(|default| default.text("enabled")).is_some_and(collectors::is_true);
    for (name, value) in &tables.0 {
        let Value::Table(options) = value else { continue };
        if let Some(word) =
            options.text("enabled").filter(|word| !collectors::is_true(word) && !collectors::is_false(word))
        {
            notes.push(format!("{name}: `enabled = {word}` is neither True nor False; it was left out"));
        }
        if name == "default" || !options.text("enabled").map_or(always, collectors::is_true) {
            continue;
        }
        let mut whole = general.clone();
        whole.merge(options.clone());
        let differs = ["path", "path_prefix", "path_suffix", "hostname", "hostname_method"];
        let converted = match (collectors::ours(name), differs.iter().find(|key| options.0.contains_key(**key))) {
            (None, _) => None,
            (Some(_), Some(key)) => Some(Err(format!("its option `{key}` has no counterpart"))),
            (Some(ours), None) => Some(collectors::convert(ours, &whole).map(|table| (ours, table))),
        };
        match converted {
            Some(Ok((ours, table))) => {
                if table.contains_key("compat") {
                    notes.push(format!(
                        "{name}: keeps the names and kinds that Diamond's has (`compat`); COMPATIBILITY.md says what differs without that line"
                    ));
                }
                own.push((ours, table));
            }
            Some(Err(fault)) => {
                notes.push(format!("{name}: runs under Python, because {fault}"));
                python.push((name.as_str(), options));
            }
            None => python.push((name.as_str(), options)),
        }
    }
    (own, python)
}

/// `[diamond]`.
fn diamond(config: &Section, general: &Section, python: &[(&str, &Section)], text: &mut String) {
    let folder = config.section("server").and_then(|server| server.text("collectors_path"));
    let folder = folder.filter(|folder| !folder.is_empty()).unwrap_or("/usr/share/diamond/collectors/");
    let _ = write!(
        text,
        "\n[diamond]\ncollectors-path = [{}]\n# As Diamond did it: without this line rates are honest and values keep their decimals.\n\
         compat = \"diamond\"\n",
        Toml::from(PathBuf::from(folder).to_string_lossy().into_owned()),
    );
    let mut default = general.clone();
    for key in ["path_suffix", "interval"] {
        let value = config.section("collectors").and_then(|tables| tables.section("default")?.0.get(key));
        default.0.extend(value.map(|value| (key.to_owned(), value.clone())));
    }
    if !default.0.is_empty() {
        write_table(&["diamond", "collectors", "default"], table(&default), text);
    }
    for (name, options) in python {
        let mut options = table(options);
        options.insert("enabled".to_owned(), true.into());
        write_table(&["diamond", "collectors", name], options, text);
    }
}

/// Writes `table` as the one that `path` leads to.
fn write_table(path: &[&str], table: Table, text: &mut String) {
    let inner = |table: Table, name: &&str| [((*name).to_owned(), Toml::Table(table))].into_iter().collect::<Table>();
    let whole = path.iter().rev().fold(table, inner);
    let _ = write!(text, "\n{whole}");
}

/// A section as a table of texts, lists and tables, for Python to read.
fn table(section: &Section) -> Table {
    let value = |value: &Value| match value {
        Value::Text(text) => Toml::from(text.as_str()),
        Value::List(items) => Toml::Array(items.iter().map(|item| Toml::from(item.as_str())).collect()),
        Value::Table(section) => Toml::Table(table(section)),
    };
    section.0.iter().map(|(key, one)| (key.clone(), value(one))).collect()
}
