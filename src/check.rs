//! `plumbago config check`: everything that would stop a start, found without starting.

use std::path::Path;

use anyhow::bail;

use crate::config::Config;
use crate::out;

/// Reads `file` and the rule files it names.
///
/// # Errors
/// Every problem found, one a line.
pub(crate) fn check(file: &Path) -> anyhow::Result<()> {
    let config = Config::load(Some(file))?;
    let mut problems = config.problems();
    match config.store.rules() {
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
    if problems.is_empty() {
        out::line(format_args!("{}: no problem found", file.display()));
        return Ok(());
    }
    bail!("{}:\n  {}", file.display(), problems.join("\n  "));
}
