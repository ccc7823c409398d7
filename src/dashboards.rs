//! `plumbago dashboards`: files are read here, a running daemon is asked by way of its admin socket.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use anyhow::{Context, bail};
use render::dashboards::{self, Dashboard, DashboardName};
use serde_json::Value;

use crate::admin;
use crate::cli::{DaemonArgs, DashboardsVerb};
use crate::out;

/// Most bytes of a file. Exports of others may be longer than what becomes of them.
const LONGEST_FILE: u64 = 16 << 20;

/// Does what is asked for.
///
/// # Errors
/// A file or an answer that cannot be used, or a daemon that refuses; for `check` every mistake found.
pub(crate) fn dashboards(verb: &DashboardsVerb) -> anyhow::Result<()> {
    match verb {
        DashboardsVerb::List { daemon } => list(daemon),
        DashboardsVerb::Show { name, daemon } => {
            let told = admin::ask(daemon, "GET", &address(&named(name)?), "")?.done()?;
            out::line(format_args!("{}", told.text.trim_end()));
            Ok(())
        }
        DashboardsVerb::Check { files } => check(files.iter().map(|file| &**file)),
        DashboardsVerb::Import { file, save, name, daemon } => {
            let imported = dashboards::import(&read(file)?).with_context(|| file.display().to_string())?;
            for what in &imported.left_out {
                note(format_args!("left out: {what}"));
            }
            if !save {
                out::line(format_args!("{}", imported.dashboard.text().trim_end()));
                return Ok(());
            }
            let name = name.as_deref().map_or_else(|| Ok(DashboardName::of_title(&imported.dashboard.title)), named)?;
            put(daemon, &name, &imported.dashboard)
        }
        DashboardsVerb::Save { file, name, daemon } => {
            let stem = || file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
            let name = named(name.as_deref().unwrap_or_else(stem))?;
            let dashboard = Dashboard::parse(&read(file)?).with_context(|| file.display().to_string())?;
            put(daemon, &name, &dashboard)
        }
        DashboardsVerb::Delete { name, daemon } => {
            let name = named(name)?;
            admin::ask(daemon, "DELETE", &address(&name), "")?.done()?;
            out::line(format_args!("deleted {name}"));
            Ok(())
        }
    }
}

fn list(daemon: &DaemonArgs) -> anyhow::Result<()> {
    let told = admin::ask(daemon, "GET", "/dashboards", "")?.done()?.value;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    for entry in told["dashboards"].as_array().into_iter().flatten() {
        let more = match (entry["error"].as_str(), entry["ready"].as_bool(), entry["data"].as_bool()) {
            (Some(why), ..) => format!(" (broken: {why})"),
            (None, Some(true), Some(false)) => " (comes with the program; no data yet)".to_owned(),
            (None, Some(true), _) => " (comes with the program)".to_owned(),
            _ => String::new(),
        };
        out::line(format_args!("{:24} {}{more}", text(&entry["name"]), text(&entry["title"])));
    }
    Ok(())
}

fn check<'a>(files: impl Iterator<Item = &'a Path>) -> anyhow::Result<()> {
    let mut bad = 0;
    for file in files {
        let remarks = match Dashboard::parse(&read(file)?) {
            Ok(dashboard) => dashboard.remarks(),
            Err(fault) => vec![fault.to_string()],
        };
        bad += usize::from(!remarks.is_empty());
        for remark in remarks {
            out::line(format_args!("{}: {remark}", file.display()));
        }
    }
    match bad {
        0 => Ok(()),
        1 => bail!("a dashboard has mistakes"),
        _ => bail!("{bad} dashboards have mistakes"),
    }
}

fn put(daemon: &DaemonArgs, name: &DashboardName, dashboard: &Dashboard) -> anyhow::Result<()> {
    let told = admin::ask(daemon, "PUT", &address(name), &dashboard.text())?.done()?.value;
    for remark in told["remarks"].as_array().into_iter().flatten() {
        note(format_args!("note: {}", remark.as_str().unwrap_or_default()));
    }
    out::line(format_args!("saved {name}"));
    Ok(())
}

fn address(name: &DashboardName) -> String {
    // A name has nothing that an address would have to escape.
    format!("/dashboards/{name}")
}

fn named(text: &str) -> anyhow::Result<DashboardName> {
    DashboardName::parse(text).with_context(|| format!("`{text}`; choose one with `--name`"))
}

fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let opened = File::open(file).with_context(|| format!("cannot open {}", file.display()))?;
    let count = opened.take(LONGEST_FILE + 1).read_to_end(&mut bytes);
    if count.with_context(|| format!("cannot read {}", file.display()))? as u64 > LONGEST_FILE {
        bail!("{} is longer than {LONGEST_FILE} bytes", file.display());
    }
    Ok(bytes)
}

/// Beside what is printed, which may go into a file.
fn note(words: std::fmt::Arguments<'_>) {
    let _ = writeln!(std::io::stderr(), "{words}");
}
