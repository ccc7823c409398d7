//! Whether a plugin is the same as before: its settings, and the files that they name. One that is goes on when settings are
//! read anew; a program or a Diamond configuration that was replaced on disk begins again.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::{Home, PluginConfig};

/// Files that are looked at in folders.
const MOST_FILES: usize = 5000;
/// How deep folders may lie in each other.
const DEEPEST: usize = 4;

/// All that decides on what runs, as one text. An argument that names a file counts with the stamp of the file.
pub(super) fn settings(config: &PluginConfig, home: Home<'_>) -> String {
    let Home { host, prefix, interval, .. } = home;
    let mut text = format!("{host} {prefix} {interval} {config:?}");
    let mut left = MOST_FILES;
    let files = config.command.iter().skip_while(|word| !word.contains('/')).filter(|word| word.len() < 4096);
    for word in config.command.first().into_iter().chain(files) {
        stamp(Path::new(word), 0, &mut left, &mut text);
    }
    let folders = config.options.iter().filter(|(key, _)| matches!(key.as_str(), "collectors-path" | "config-path"));
    for path in folders.flat_map(|(_, value)| paths(value)) {
        let path = Path::new(path);
        stamp(path, DEEPEST, &mut left, &mut text);
        // Diamond's other files lie beside or below the main one.
        if let Some(folder) = path.parent().filter(|_| path.is_file()) {
            stamp(folder, DEEPEST, &mut left, &mut text);
        }
    }
    text
}

/// The paths that an option holds.
fn paths(value: &toml::Value) -> Vec<&str> {
    match value {
        toml::Value::Array(items) => items.iter().filter_map(toml::Value::as_str).collect(),
        value => value.as_str().into_iter().collect(),
    }
}

/// Appends what changes when the file does; of a folder what is in it, `depth` folders deep.
fn stamp(path: &Path, depth: usize, left: &mut usize, text: &mut String) {
    let Ok(found) = fs::metadata(path) else { return };
    *left = left.saturating_sub(1);
    if found.is_dir() {
        if depth > 0 && *left > 0 {
            let mut inside: Vec<_> = fs::read_dir(path).into_iter().flatten().flatten().map(|one| one.path()).collect();
            inside.sort_unstable();
            for path in inside {
                stamp(&path, depth - 1, left, text);
            }
        }
        return;
    }
    // Python writes what it has compiled beside what it was made of.
    if *left > 0 && path.extension().is_none_or(|extension| extension != "pyc") {
        // Writing to a String cannot fail.
        let _ = write!(text, " {}:{}:{}.{}", found.ino(), found.len(), found.mtime(), found.mtime_nsec());
    }
}
