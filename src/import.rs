//! `plumbago agent import-diamond`: prints or writes the converted configuration, and tells on standard error what of the
//! old one was left out.

use std::fs::File;
use std::io::Write;

use agent::Imported;
use anyhow::Context;

use crate::agent_cli::ImportDiamondArgs;
use crate::out;

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
