//! The Whisper tools, as `plumbago whisper info` and through links named `whisper-info` or `whisper-info.py`.

use std::env;
use std::ffi::OsString;
use std::io::{stderr, stdin, stdout};
use std::path::Path;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use carbon_storage::{AggregationRules, RuleError, Schemas};
use whisper::{Timestamp, tools};

use crate::out;

/// Runs the tool that the program was called as, if it was called as one.
pub(crate) fn by_program_name() -> Option<ExitCode> {
    let mut arguments = env::args_os();
    let name = arguments.next()?;
    let verb = tools::verb_of_link(Path::new(&name).file_name()?.to_str()?)?;
    Some(run(verb, &arguments.collect::<Vec<_>>()))
}

/// Runs `plumbago whisper` with a verb and its arguments; without any it lists the verbs.
pub(crate) fn whisper(arguments: &[OsString]) -> ExitCode {
    match arguments.split_first() {
        Some((verb, rest)) if verb != "--help" && verb != "-h" => run(&verb.to_string_lossy(), rest),
        asked => {
            out::line(format_args!("Usage: plumbago whisper VERB [ARGUMENTS]; each verb has its own --help\n"));
            tools::verbs().for_each(|(verb, about)| out::line(format_args!("  {verb:24} {about}")));
            if asked.is_some() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
    }
}

fn run(verb: &str, arguments: &[OsString]) -> ExitCode {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let now = Timestamp::saturating_from(i64::try_from(now).unwrap_or(i64::MAX));
    let mut session = tools::Session {
        now,
        input: &mut stdin().lock(),
        out: &mut stdout(),
        err: &mut stderr(),
        rules: Some(&read_rules),
    };
    ExitCode::from(tools::run_in(verb, arguments, &mut session))
}

/// What `migrate` brings files to. A name that only the schemas' last resort matches is left as it is.
fn read_rules(schemas: &Path, aggregation: Option<&Path>) -> Result<tools::Layouts, String> {
    let told = |error: RuleError| format!("{:#}", anyhow::Error::from(error));
    let schemas = Schemas::read(schemas).map_err(told)?;
    let aggregation = aggregation.map(AggregationRules::read).transpose().map_err(told)?;
    Ok(Box::new(move |metric| {
        let schema = schemas.chosen(metric)?;
        let settings = aggregation.as_ref().map(|rules| rules.matching(metric));
        let settings = settings.map(|rule| (rule.method, rule.x_files_factor));
        Some(tools::Wanted { retentions: schema.retentions.clone(), settings })
    }))
}
