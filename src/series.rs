//! `plumbago series`: lists, deletes and renames series of a running daemon, by way of its admin socket.

use anyhow::bail;
use serde_json::{Value, json};

use crate::admin;
use crate::cli::{DaemonArgs, SeriesSelection, SeriesVerb};
use crate::out;

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
fn change(verb: &str, done: &str, daemon: &DaemonArgs, mut wish: Value, yes: bool) -> anyhow::Result<()> {
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
fn ask(daemon: &DaemonArgs, verb: &str, wish: &Value) -> anyhow::Result<Value> {
    let told = admin::ask(daemon, "POST", &format!("/admin/series/{verb}"), &wish.to_string())?;
    for failed in told.value["failed"].as_array().into_iter().flatten() {
        out::line(format_args!("{}: {}", text(&failed["name"]), text(&failed["error"])));
    }
    Ok(told.done()?.value)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
