//! The Whisper files of a tree.

use std::fs;
use std::path::{Path, PathBuf};

use crate::Error;

/// Calls `visit` with every file below `root` that is named `*.wsp` or is left of an interrupted creation, folders in
/// the order of their names, and with every folder that cannot be read. `root` may be a file. Links to folders are not
/// followed, so no walk is endless.
pub(super) fn walk<E>(root: &Path, mut visit: impl FnMut(Result<&Path, Error>) -> Result<(), E>) -> Result<(), E> {
    if !root.is_dir() {
        return visit(Ok(root));
    }
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        let mut entries = match fs::read_dir(&folder).and_then(Iterator::collect::<Result<Vec<_>, _>>) {
            Ok(entries) => entries,
            Err(source) => {
                visit(Err(Error::io("read the folder", &folder, source)))?;
                continue;
            }
        };
        entries.sort_by_key(fs::DirEntry::file_name);
        let mut below: Vec<PathBuf> = Vec::new();
        for entry in entries {
            let path = entry.path();
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) && !is_file_name(&path) {
                below.push(path);
            } else if is_file_name(&path) || is_leftover(&path) {
                visit(Ok(&path))?;
            }
        }
        folders.extend(below.into_iter().rev());
    }
    Ok(())
}

fn is_file_name(path: &Path) -> bool {
    path.extension().is_some_and(|kind| kind == "wsp")
}

/// Whether the name is one under which files are made before they get their own.
pub(super) fn is_leftover(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    name.is_some_and(|name| name.starts_with(".whisper-") && name.ends_with(".new"))
}

/// `servers.a.cpu` for `ROOT/servers/a/cpu.wsp`.
pub(super) fn metric_of(root: &Path, path: &Path) -> String {
    let inner = path.strip_prefix(root).unwrap_or(path).with_extension("");
    let parts: Vec<_> = inner.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    parts.join(".")
}
