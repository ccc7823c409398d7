//! `plumbago config check`: everything that would stop a start, found without starting.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use agent::{Looked, Plugins, StartError};
use anyhow::bail;
use carbon_storage::StorageRules;

use crate::config::Config;
use crate::out;

/// Time between two readings; only a name that needs a difference needs it.
const GAP: Duration = Duration::from_millis(200);

/// Reads `file` and the rule files it names, and tells what an agent would send; with `names` every name of it.
///
/// # Errors
/// Every problem found, one a line.
pub(crate) fn check(file: &Path, names: bool) -> anyhow::Result<()> {
    let config = Config::load(Some(file))?;
    let mut problems = config.problems();
    let rules = config.store.rules();
    match &rules {
        Ok(rules) => {
            let skipped = rules.schemas.skipped.iter().chain(&rules.aggregation.skipped);
            for reason in skipped {
                out::line(format_args!("note: a section of the storage rules is passed over: {reason}"));
            }
        }
        Err(fault) => problems.push(format!("{fault:#}")),
    }
    match config.carbon.lists() {
        Ok(lists) => {
            for reason in lists.allow.skipped.iter().chain(&lists.deny.skipped) {
                out::line(format_args!("note: a line of the allow or deny list is passed over: {reason}"));
            }
        }
        Err(fault) => problems.push(format!("{:#}", anyhow::Error::from(fault))),
    }
    problems.extend(config.http.token_problem().map(|problem| format!("http.token-file: {problem}")));
    problems.extend(config.render.templates_problem().map(|problem| format!("render.templates: {problem}")));
    if !problems.is_empty() {
        bail!("{}:\n  {}", file.display(), problems.join("\n  "));
    }
    let looked = look(&config)?;
    tell(&looked, names);
    // The built-in schemas are those of `up`, whose agent fits itself to them.
    if let (Ok(rules), Some(_)) = (&rules, &config.store.schemas) {
        for misfit in misfits(&looked, rules) {
            out::line(format_args!("note: {misfit}"));
        }
    }
    out::line(format_args!("{}: no problem found", file.display()));
    Ok(())
}

/// What an agent with `config` would send from this host; plugins are not started for it.
pub(crate) fn look(config: &Config) -> Result<Looked, StartError> {
    let mut setup = config.setup();
    setup.agent.plugins = Plugins::default();
    agent::once(&setup, &[], GAP)
}

fn tell(looked: &Looked, names: bool) {
    let mut counts = BTreeMap::<&str, usize>::new();
    for seen in &looked.seen {
        *counts.entry(seen.collector).or_default() += 1;
        if names {
            out::line(format_args!("name: {}", seen.name));
        }
    }
    for (collector, fault) in &looked.faults {
        out::line(format_args!("note: {collector} fails on this host: {fault}"));
    }
    let each: Vec<_> = counts.iter().map(|(collector, count)| format!("{collector} {count}")).collect();
    let each = each.join(", ");
    out::line(format_args!("names: an agent here would send {}: {each}", looked.seen.len()));
}

/// Collectors whose interval is not the step of the archives that their names get, one sentence each.
pub(crate) fn misfits(looked: &Looked, rules: &StorageRules) -> Vec<String> {
    let mut told = BTreeMap::<(&str, u32), (usize, &str, u32)>::new();
    for seen in &looked.seen {
        let Some(schema) = rules.schemas.chosen(&seen.name) else { continue };
        let step = schema.retentions.as_slice().first().map_or(0, |finest| finest.step.secs());
        if step != seen.interval.secs() {
            let entry = told.entry((seen.collector, step)).or_insert((0, &seen.name, seen.interval.secs()));
            entry.0 += 1;
        }
    }
    let sentence = |((collector, step), (count, example, interval)): ((&str, u32), (usize, &str, u32))| {
        let effect = if step > interval { "only the last point of a slot is kept" } else { "some slots stay empty" };
        format!(
            "{collector} runs each {interval} s and the archives of {count} of its names have steps of {step} s, so \
             {effect}: {example}"
        )
    };
    told.into_iter().map(sentence).collect()
}
