//! `plumbago agent import-diamond`: prints or writes the converted configuration, and tells on standard error what of the
//! old one was left out.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;

use agent::Imported;
use anyhow::Context;
use clap::Args;

use crate::out;

/// Options of `agent import-diamond`.
#[derive(Debug, Args)]
pub(crate) struct ImportDiamondArgs {
    /// Diamond's diamond.conf, or the folder it lies in, such as /etc/diamond.
    #[arg(value_name = "DIR")]
    pub(crate) path: PathBuf,
    /// Where to write it; standard output if left out. A file that is there already is not overwritten.
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// Converts what `arguments` name.
///
/// # Errors
/// A file cannot be read, or the output not be written.
pub(crate) fn diamond(arguments: &ImportDiamondArgs) -> anyhow::Result<()> {
    let Imported { text, notes } =
        agent::import_diamond(&arguments.path).context("cannot read Diamond's configuration")?;
    match &arguments.output {
        None => out::line(format_args!("{}", text.trim_end())),
        Some(path) => {
            let written = File::create_new(path).and_then(|mut file| file.write_all(text.as_bytes()));
            written.with_context(|| format!("cannot write {}", path.display()))?;
        }
    }
    for note in notes {
        eprintln!("note: {note}");
    }
    Ok(())
}
