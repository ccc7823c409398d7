//! `plumbago series`: lists, deletes and renames series of a running daemon, by way of its admin socket.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::{Value, json};

use crate::cli::{SeriesDaemon, SeriesSelection, SeriesVerb};
use crate::config::Config;
use crate::drain;
use crate::out;
use crate::processes;

/// How long the daemon may take for all of it.
const PATIENCE: Duration = Duration::from_secs(600);

/// Most bytes of its answer that are read.
const LONGEST_ANSWER: u64 = 512 << 20;

/// Does what is asked for, or shows what would be done.
///
/// # Errors
/// No daemon answers, or it refuses, or it could not change all.
pub(crate) fn series(verb: &SeriesVerb) -> anyhow::Result<()> {
    match verb {
        SeriesVerb::List { selection, daemon } => {
            let told = ask(daemon, "list", &selected(selection)?)?;
            print(&told);
            Ok(())
        }
        SeriesVerb::Delete { selection, daemon, yes } => {
            change("delete", "deleted", daemon, selected(selection)?, *yes)
        }
        SeriesVerb::Rename { old, new, search, replace, tag, daemon, yes } => {
            let wish = match (old, new, search, replace) {
                (Some(old), Some(new), None, None) => json!({ "from": old, "to": new }),
                (pattern, None, Some(search), Some(replace)) => {
                    let selection = SeriesSelection { pattern: pattern.clone(), tag: tag.clone() };
                    let mut wish = selected(&selection)?;
                    wish["search"] = search.as_str().into();
                    wish["replace"] = replace.as_str().into();
                    wish
                }
                _ => bail!("expected OLD NEW, or a PATTERN with --search and --replace"),
            };
            change("rename", "renamed", daemon, wish, *yes)
        }
    }
}

fn selected(selection: &SeriesSelection) -> anyhow::Result<Value> {
    match (&selection.pattern, selection.tag.as_slice()) {
        (Some(pattern), []) => Ok(json!({ "query": pattern })),
        (None, [_, ..]) => Ok(json!({ "expr": selection.tag })),
        _ => bail!("expected a PATTERN such as 'servers.web01.**', or --tag EXPRESSION such as --tag dc=a"),
    }
}

/// Shows what would be changed, and changes just that if it is meant.
fn change(verb: &str, done: &str, daemon: &SeriesDaemon, mut wish: Value, yes: bool) -> anyhow::Result<()> {
    wish["dry_run"] = true.into();
    let shown = ask(daemon, verb, &wish)?;
    if !yes {
        print(&shown);
        out::line(format_args!("{} series; nothing was {done}, add --yes to do it", shown["count"]));
        return Ok(());
    }
    wish["dry_run"] = false.into();
    wish["expect"] = shown["count"].clone();
    let told = ask(daemon, verb, &wish)?;
    print(&told);
    out::line(format_args!("{done} {} series", told[done]));
    Ok(())
}

fn print(told: &Value) {
    for series in told["series"].as_array().into_iter().flatten() {
        match (series.as_str(), series["from"].as_str(), series["to"].as_str()) {
            (Some(name), ..) => out::line(format_args!("{name}")),
            (_, Some(from), Some(to)) => out::line(format_args!("{from} -> {to}")),
            _ => {}
        }
    }
}

/// Asks the daemon, and gives its answer if that is 200.
fn ask(daemon: &SeriesDaemon, verb: &str, wish: &Value) -> anyhow::Result<Value> {
    let path = socket(daemon)?;
    let (status, body) = post(&path, &format!("/admin/series/{verb}"), &wish.to_string()).with_context(|| {
        format!(
            "no daemon answers at {}; name its socket with `--socket PATH` or its data with `--data DIR`",
            path.display()
        )
    })?;
    let told: Value = serde_json::from_str(&body)
        .with_context(|| format!("whatever answers at {} is no Plumbago; it said {status}", path.display()))?;
    if status == 200 {
        return Ok(told);
    }
    for failed in told["failed"].as_array().into_iter().flatten() {
        out::line(format_args!("{}: {}", text(&failed["name"]), text(&failed["error"])));
    }
    let hint = told["hint"].as_str().map(|hint| format!(" ({hint})")).unwrap_or_default();
    bail!("the daemon says: {}{hint}", told["error"].as_str().unwrap_or(&body))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn socket(daemon: &SeriesDaemon) -> anyhow::Result<PathBuf> {
    if let Some(socket) = &daemon.socket {
        return Ok(socket.clone());
    }
    let mut config = Config::load_sound(daemon.config.as_deref())?;
    if let Some(data) = &daemon.data {
        config.store.data.clone_from(data);
    }
    let asked = config.http.admin_socket.unwrap_or_else(|| processes::admin_path(&config.store.data));
    if asked.as_os_str().is_empty() {
        bail!("`[http] admin-socket` says that there is none");
    }
    Ok(asked)
}

fn post(socket: &std::path::Path, path: &str, body: &str) -> anyhow::Result<(u16, String)> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    // HTTP 1.0: the answer ends with the connection and comes in one piece.
    write!(
        stream,
        "POST {path} HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )?;
    let mut answer = String::new();
    stream.take(LONGEST_ANSWER).read_to_string(&mut answer)?;
    drain::parse(&answer).context("the answer is no HTTP")
}
