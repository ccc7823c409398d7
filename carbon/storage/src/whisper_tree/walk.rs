//! All files of a tree, one after the other, for slow work in the background.

use std::collections::HashSet;
use std::fs::{self, DirEntry, FileType};
use std::path::{Path, PathBuf};

use carbon_line::MetricName;

use super::WhisperTree;
use super::path::ENDING;

/// Names with more parts than this are not looked for.
const DEEPEST: usize = 64;

/// Gives the name of each archive, folder by folder; holds the names of one folder, and the folders still to come.
///
/// Links to folders outside the tree are followed, each target once; what they lead to inside the tree has a name there.
/// Links to files are passed over, and so are tagged series, whose files do not tell their names, and what no name can
/// be.
#[derive(Debug)]
pub struct Walk {
    root: PathBuf,
    folders: Vec<Folder>,
    names: Vec<MetricName>,
    linked: HashSet<PathBuf>,
}

#[derive(Debug)]
struct Folder {
    path: PathBuf,
    /// With a dot behind it, unless it is the root.
    prefix: String,
    depth: usize,
}

impl WhisperTree {
    /// The names of all archives that are there, as of the moment they are reached.
    pub fn walk(&self) -> Walk {
        let root = fs::canonicalize(self.root()).unwrap_or_else(|_| self.root().to_owned());
        let begin = Folder { path: self.root().to_owned(), prefix: String::new(), depth: 0 };
        Walk { root, folders: vec![begin], names: Vec::new(), linked: HashSet::new() }
    }
}

impl Iterator for Walk {
    type Item = MetricName;

    fn next(&mut self) -> Option<MetricName> {
        while self.names.is_empty() {
            let folder = self.folders.pop()?;
            // A folder that vanished, or that we may not read, holds nothing for us.
            for entry in fs::read_dir(&folder.path).into_iter().flatten().flatten() {
                self.enter(&folder, &entry);
            }
        }
        self.names.pop()
    }
}

impl Walk {
    fn enter(&mut self, folder: &Folder, entry: &DirEntry) {
        let (Ok(part), Ok(kind)) = (entry.file_name().into_string(), entry.file_type()) else { return };
        if kind.is_file() {
            let name = part.strip_suffix(ENDING).filter(|part| is_part(part));
            self.names.extend(name.and_then(|part| MetricName::parse(&format!("{}{part}", folder.prefix)).ok()));
        } else if is_part(&part) && folder.depth < DEEPEST && self.leads_on(&entry.path(), kind) {
            let prefix = format!("{}{part}.", folder.prefix);
            self.folders.push(Folder { path: entry.path(), prefix, depth: folder.depth + 1 });
        }
    }

    fn leads_on(&mut self, path: &Path, kind: FileType) -> bool {
        if !kind.is_symlink() {
            return kind.is_dir();
        }
        let Ok(target) = fs::canonicalize(path) else { return false };
        target.is_dir() && !target.starts_with(&self.root) && self.linked.insert(target)
    }
}

/// Whether `text` is one part of a plain name as it lies on disk; `_tagged` holds hashes.
fn is_part(text: &str) -> bool {
    !text.contains(['.', ';']) && text != "_tagged" && MetricName::parse(text).is_ok()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::StorageRules;

    #[test]
    fn every_archive_is_met_once_by_its_own_name() {
        let (inside, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let root = inside.path();
        for folder in ["a/b", "_tagged/012/345", "a/c.wsp"] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        for file in ["x.wsp", "a/y.wsp", "a/b/z.wsp", "a/b/.whisper-1-2.new", "a/b/z.wsp.bak", "_tagged/012/345/6.wsp"]
        {
            fs::write(root.join(file), "").unwrap();
        }
        fs::write(outside.path().join("far.wsp"), "").unwrap();
        symlink(outside.path(), root.join("a/disk")).unwrap();
        symlink(outside.path(), root.join("a/b/same")).unwrap();
        symlink(outside.path(), outside.path().join("loop")).unwrap();
        symlink(root, root.join("a/up")).unwrap();
        symlink(root.join("x.wsp"), root.join("alias.wsp")).unwrap();
        let tree = WhisperTree::read_only(root, StorageRules::default());
        let mut names: Vec<String> = tree.walk().map(|name| name.to_string()).collect();
        names.sort();
        let far = names.iter().position(|name| name.ends_with("far")).map(|place| names.remove(place));
        assert!(far.is_some(), "by one of its links");
        assert_eq!(names, ["a.b.z", "a.y", "x"]);
    }
}
