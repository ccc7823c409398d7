//! The `plumbago` program: reads arguments and configuration, starts the parts that are asked for, stops them in order.

mod activation;
mod admin;
mod agent_cli;
mod check;
mod cli;
mod config;
mod dashboards;
mod dashboards_cli;
mod drain;
mod import;
mod limits;
mod logging;
mod look;
mod memory;
mod migration;
mod names;
mod out;
mod processes;
mod reload;
mod series;
mod signals;
mod status;
mod store;
mod tags;
mod takeover;
mod tools;

use std::process::ExitCode;

use clap::Parser;

use cli::{AgentArgs, AgentVerb, CarbonArgs, CarbonVerb, Cli, ConfigVerb, Verb};

fn main() -> ExitCode {
    // A link named `whisper-info` is the tool of that name.
    if let Some(code) = tools::by_program_name() {
        return code;
    }
    let cli = Cli::parse();
    let outcome = match cli.verb {
        Verb::Whisper { arguments } => return tools::whisper(&arguments),
        Verb::Config { verb: ConfigVerb::Default } => {
            out::line(format_args!("{}", config::default_text().trim_end()));
            return ExitCode::SUCCESS;
        }
        Verb::Config { verb: ConfigVerb::Check { file, names } } => check::check(&file, names),
        Verb::Series { verb } => series::series(&verb),
        Verb::Dashboards { verb } => dashboards::dashboards(&verb),
        Verb::Up(arguments) => logging::start(&cli.log).and_then(|()| processes::up(&arguments)),
        Verb::Carbon(CarbonArgs { verb: Some(CarbonVerb::Drain(arguments)), .. }) => {
            logging::start(&cli.log).and_then(|()| drain::drain(&arguments))
        }
        Verb::Carbon(arguments) => logging::start(&cli.log).and_then(|()| processes::carbon(&arguments)),
        Verb::Render(file) => logging::start(&cli.log).and_then(|()| processes::render(&file)),
        Verb::Agent(AgentArgs { verb: Some(AgentVerb::Once(arguments)), .. }) => look::once(&arguments),
        Verb::Agent(AgentArgs { verb: Some(AgentVerb::Explain(arguments)), .. }) => look::explain(&arguments),
        Verb::Agent(AgentArgs { verb: Some(AgentVerb::ImportDiamond(arguments)), .. }) => import::diamond(&arguments),
        Verb::Agent(arguments) => logging::start(&cli.log).and_then(|()| processes::agent(&arguments)),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("plumbago: {error:#}");
            ExitCode::FAILURE
        }
    }
}
