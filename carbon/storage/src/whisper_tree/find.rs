//! Names by walking directories: what a pattern fixes is looked up, only what it leaves open is listed.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::{io, mem};

use carbon_line::{Pattern, Segment};

use super::WhisperTree;
use super::path::ENDING;
use crate::{Answer, Find, FindQuery, Node, NodeKind, Partial, StorageError};

/// Names with more parts than this are not looked for; it also ends loops of links.
const DEEPEST: usize = 64;

impl Find for WhisperTree {
    fn find<'a>(&'a self, query: &'a FindQuery) -> Answer<'a, Result<Partial<Vec<Node>>, StorageError>> {
        let (root, pattern) = (self.root().to_owned(), query.pattern.clone());
        Box::pin(async move {
            let walk = tokio::task::spawn_blocking(move || walk(&root, &pattern));
            walk.await.map_err(|_| StorageError::WorkerLost)?.map(Partial::whole)
        })
    }
}

fn walk(root: &Path, pattern: &Pattern) -> Result<Vec<Node>, StorageError> {
    let mut walk = Walk { found: HashSet::new(), deep: HashSet::new() };
    walk.level(&Place { path: root.to_owned(), name: String::new(), depth: 0 }, pattern.segments())?;
    Ok(walk.found.into_iter().collect())
}

struct Walk {
    found: HashSet<Node>,
    /// Directories met below a `**`, by the number of parts still to match, device and inode: a loop of links, or two
    /// `**` in a row, comes here again and is cut.
    deep: HashSet<(usize, u64, u64)>,
}

/// A directory and the name it stands for.
struct Place {
    path: PathBuf,
    name: String,
    depth: usize,
}

impl Walk {
    fn level(&mut self, place: &Place, segments: &[Segment]) -> Result<(), StorageError> {
        let Some((segment, rest)) = segments.split_first() else { return Ok(()) };
        if place.depth >= DEEPEST {
            return Ok(());
        }
        if let Segment::Deep = segment {
            return self.deep_level(place, segments);
        }
        if let Some(literals) = segment.literals() {
            for part in literals {
                self.step(place, part, is_dir(&place.path.join(part)), is_file(place, part), rest)?;
            }
            return Ok(());
        }
        for entry in entries(place)? {
            if segment.matches(&entry.part) {
                self.step(place, &entry.part, entry.is_dir, entry.is_leaf, rest)?;
            }
        }
        Ok(())
    }

    /// `**`: everything below when it stands last, else the rest of the pattern here and at every directory below.
    fn deep_level(&mut self, place: &Place, segments: &[Segment]) -> Result<(), StorageError> {
        let met = fs::metadata(&place.path).map(|meta| (segments.len(), meta.dev(), meta.ino()));
        if met.is_ok_and(|met| !self.deep.insert(met)) {
            return Ok(());
        }
        let rest = &segments[1..];
        self.level(place, rest)?;
        for entry in entries(place)? {
            if rest.is_empty() {
                self.step(place, &entry.part, entry.is_dir, entry.is_leaf, rest)?;
            }
            if entry.is_dir {
                self.level(&place.below(&entry.part), segments)?;
            }
        }
        Ok(())
    }

    /// One part of a name has matched: the last one is an answer, an earlier one leads a level down.
    fn step(&mut self, place: &Place, part: &str, dir: bool, leaf: bool, rest: &[Segment]) -> Result<(), StorageError> {
        if !rest.is_empty() {
            // A `**` at the end also stands for nothing, so the leaf itself is an answer as well.
            if leaf && rest.iter().all(|segment| matches!(segment, Segment::Deep)) {
                self.found.insert(Node { path: place.below(part).name, kind: NodeKind::Leaf });
            }
            return if dir { self.level(&place.below(part), rest) } else { Ok(()) };
        }
        for (there, kind) in [(dir, NodeKind::Branch), (leaf, NodeKind::Leaf)] {
            if there {
                self.found.insert(Node { path: place.below(part).name, kind });
            }
        }
        Ok(())
    }
}

impl Place {
    fn below(&self, part: &str) -> Place {
        let name = if self.name.is_empty() { part.to_owned() } else { format!("{}.{part}", self.name) };
        Place { path: self.path.join(part), name, depth: self.depth + 1 }
    }
}

/// A part of a name in one directory; both a directory and a file can stand for it.
struct Entry {
    part: String,
    is_dir: bool,
    is_leaf: bool,
}

/// What a directory holds; one that vanished meanwhile is empty. Names that no metric can have are passed over, and so
/// is `_tagged`, which holds hashes.
fn entries(place: &Place) -> Result<Vec<Entry>, StorageError> {
    let listed = match fs::read_dir(&place.path) {
        Err(source) if matches!(source.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        listed => listed,
    };
    let fault = |source| StorageError::Io { action: "list the directory", path: place.path.clone(), source };
    let mut entries = Vec::new();
    for entry in listed.map_err(fault)? {
        let entry = entry.map_err(fault)?;
        let Ok(mut part) = entry.file_name().into_string() else { continue };
        let is_leaf = part.ends_with(ENDING);
        if is_leaf {
            part.truncate(part.len() - ENDING.len());
        }
        if part.is_empty() || part.contains('.') || place.depth == 0 && part == "_tagged" {
            continue;
        }
        let is_dir =
            !is_leaf && entry.file_type().is_ok_and(|kind| kind.is_dir() || kind.is_symlink() && is_dir(&entry.path()));
        if is_dir || is_leaf {
            entries.push(Entry { part: mem::take(&mut part), is_dir, is_leaf });
        }
    }
    Ok(entries)
}

fn is_dir(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|meta| meta.is_dir())
}

fn is_file(place: &Place, part: &str) -> bool {
    fs::metadata(place.path.join(format!("{part}{ENDING}"))).is_ok_and(|meta| meta.is_file())
}
