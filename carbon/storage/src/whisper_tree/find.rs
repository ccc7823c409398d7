//! Names by walking directories: what a pattern fixes is looked up, only what it leaves open is listed.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use carbon_line::{MetricName, Pattern, Segment, tags};
use rustix::fs::{Dir, FileType, Mode, OFlags};
use rustix::io::{Errno, retry_on_intr};

use super::WhisperTree;
use super::path::ENDING;
use crate::{Answer, Failure, Find, FindQuery, Node, NodeKind, Partial, StorageError};

/// Names with more parts than this are not looked for; it also ends loops of links.
pub(crate) const DEEPEST: usize = 64;

/// Directories that one walk looks into below `**` or by listing: some minutes of work, and the end of a walk that
/// links make endless.
const MOST_DIRECTORIES: usize = 10_000_000;

impl Find for WhisperTree {
    fn find<'a>(&'a self, query: &'a FindQuery) -> Answer<'a, Result<Partial<Vec<Node>>, StorageError>> {
        let (tree, pattern) = (self.clone(), query.pattern.clone());
        Box::pin(async move {
            let walk = tokio::task::spawn_blocking(move || walk(&tree, &pattern));
            walk.await.map_err(|_| StorageError::WorkerLost)
        })
    }
}

/// A directory that cannot be listed is a failure of its own; the others answer.
fn walk(tree: &WhisperTree, pattern: &Pattern) -> Partial<Vec<Node>> {
    if tags::is_tagged(pattern.as_str()) {
        return Partial::whole(tagged(tree, pattern).into_iter().collect());
    }
    let mut walk = Walk { found: HashSet::new(), deep: HashSet::new(), listed: 0, failures: Vec::new() };
    walk.level(&Place { path: tree.root().to_owned(), name: String::new(), depth: 0, above: None }, pattern.segments());
    Partial { value: walk.found.into_iter().collect(), failures: walk.failures }
}

/// A tagged series is asked for by its whole name; which of them have which tags is a question for an index.
fn tagged(tree: &WhisperTree, pattern: &Pattern) -> Option<Node> {
    let name = MetricName::parse(pattern.as_str()).ok()?;
    let is_there = fs::metadata(tree.present_file_of(&name)).is_ok_and(|meta| meta.is_file());
    is_there.then(|| Node { path: name.to_string(), kind: NodeKind::Leaf })
}

struct Walk {
    found: HashSet<Node>,
    /// Names met below a `**`, with the number of parts still to match: two `**` in a row come here again.
    deep: HashSet<(usize, String)>,
    listed: usize,
    failures: Vec<Failure>,
}

/// A directory and the name it stands for.
struct Place<'a> {
    path: PathBuf,
    name: String,
    depth: usize,
    above: Option<&'a Place<'a>>,
}

impl Walk {
    fn level(&mut self, place: &Place<'_>, segments: &[Segment]) {
        let Some((segment, rest)) = segments.split_first() else { return };
        if place.depth >= DEEPEST {
            return;
        }
        if segment.is_any_depth() {
            return self.deep_level(place, segments);
        }
        for part in segment.literals().iter().filter(|part| is_part(part)) {
            self.step(place, part, is_dir(&place.path.join(&**part)), is_file(place, part), rest);
        }
        if segment.has_wildcards() {
            for entry in self.entries(place) {
                if segment.matches(&entry.part) {
                    self.step(place, &entry.part, entry.is_dir, entry.is_leaf, rest);
                }
            }
        }
    }

    /// `**`: the rest of the pattern here and at every directory below. A pattern never ends in `**` alone.
    fn deep_level(&mut self, place: &Place<'_>, segments: &[Segment]) {
        if place.depth >= DEEPEST || !self.deep.insert((segments.len(), place.name.clone())) {
            return;
        }
        self.level(place, &segments[1..]);
        for entry in self.entries(place) {
            if entry.is_dir && !(entry.is_link && place.is_below(&entry.part)) {
                self.deep_level(&place.below(&entry.part), segments);
            }
        }
    }

    /// One part of a name has matched: the last one is an answer, an earlier one leads a level down.
    fn step(&mut self, place: &Place<'_>, part: &str, dir: bool, leaf: bool, rest: &[Segment]) {
        if !rest.is_empty() {
            if dir {
                self.level(&place.below(part), rest);
            }
            return;
        }
        for (there, kind) in [(dir, NodeKind::Branch), (leaf, NodeKind::Leaf)] {
            if there {
                self.found.insert(Node { path: place.name_of(part), kind });
            }
        }
    }

    /// What a directory holds; one that vanished meanwhile is empty.
    fn entries(&mut self, place: &Place<'_>) -> Vec<Entry> {
        self.listed += 1;
        let fault = |source| StorageError::Io { action: "list the directory", path: place.path.clone(), source };
        let listed = if self.listed > MOST_DIRECTORIES {
            Err(io::Error::other("the pattern leads through too many directories"))
        } else {
            list_folder(&place.path, place.depth == 0)
        };
        match listed {
            Ok(entries) => entries,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Vec::new(),
            // One failure tells of the limit; the walk ends quickly from here on.
            Err(_) if self.listed > MOST_DIRECTORIES + 1 => Vec::new(),
            Err(error) => {
                let part = if place.name.is_empty() { "the whole tree".to_owned() } else { place.name.clone() };
                self.failures.push(Failure { part, error: fault(error) });
                Vec::new()
            }
        }
    }
}

impl Place<'_> {
    fn name_of(&self, part: &str) -> String {
        if self.name.is_empty() { part.to_owned() } else { format!("{}.{part}", self.name) }
    }

    fn below(&self, part: &str) -> Place<'_> {
        Place { path: self.path.join(part), name: self.name_of(part), depth: self.depth + 1, above: Some(self) }
    }

    /// Whether the link `part` leads back to a directory that this one lies in, so that following it goes in circles.
    fn is_below(&self, part: &str) -> bool {
        let places = std::iter::successors(Some(self), |place| place.above);
        leads_back(&self.path.join(part), places.map(|place| &*place.path))
    }
}

/// Whether a link leads to one of the folders `above` it, or nowhere.
pub(crate) fn leads_back<'a>(link: &Path, mut above: impl Iterator<Item = &'a Path>) -> bool {
    let identity = |path: &Path| fs::metadata(path).ok().map(|meta| (meta.dev(), meta.ino()));
    let target = identity(link);
    target.is_none() || above.any(|folder| identity(folder) == target)
}

/// A part of a name in one directory; both a directory and a file can stand for it.
pub(crate) struct Entry {
    pub(crate) part: String,
    pub(crate) is_dir: bool,
    pub(crate) is_leaf: bool,
    pub(crate) is_link: bool,
}

/// Names that no metric can have are passed over, and so is `_tagged` right below the root, which holds hashes.
pub(crate) fn list_folder(folder: &Path, is_root: bool) -> io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for entry in Dir::new(open_folder(folder)?)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().to_str() else { continue };
        let path = || folder.join(name);
        let kind = match entry.file_type() {
            // Some file systems do not tell it here.
            FileType::Unknown => {
                path().symlink_metadata().map_or(FileType::Unknown, |meta| FileType::from_raw_mode(meta.mode()))
            }
            kind => kind,
        };
        let is_link = kind == FileType::Symlink;
        let is_dir = kind == FileType::Directory || is_link && is_dir(&path());
        let leaf = name.strip_suffix(ENDING).filter(|_| !is_dir);
        let part = leaf.unwrap_or(name);
        let tags = is_root && part == "_tagged";
        if (is_dir || leaf.is_some()) && !tags && is_part(part) {
            entries.push(Entry { part: part.to_owned(), is_dir, is_leaf: leaf.is_some(), is_link });
        }
    }
    Ok(entries)
}

/// Opens a folder to list it. Whoever owns it may do so without leaving a time, which would have to go to the disk: 25
/// bytes a point with 20 000 new series.
fn open_folder(folder: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let open = |flags| retry_on_intr(|| rustix::fs::open(folder, flags, Mode::empty()));
    match open(flags | OFlags::NOATIME) {
        Err(Errno::PERM) => Ok(open(flags)?),
        opened => Ok(opened?),
    }
}

/// Whether `text` can be one part of a name. Nothing else may become a piece of a path: `/etc` would leave the tree.
fn is_part(text: &str) -> bool {
    !text.contains(['.', ';']) && MetricName::parse(text).is_ok()
}

fn is_dir(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|meta| meta.is_dir())
}

fn is_file(place: &Place<'_>, part: &str) -> bool {
    fs::metadata(place.path.join(format!("{part}{ENDING}"))).is_ok_and(|meta| meta.is_file())
}
