//! The index in a file, so that a start need not list folders. All numbers little-endian:
//!
//! ```text
//! "plumbago names 1"   16 bytes: what it is, and of which version
//! looked u32           since when the times of all files were known, in seconds since the epoch
//! words u32, then each: length u16, text
//! branches u32, then for each number: there u8, and if so
//!   part u32, parent u32, generation u32, stamp u64, state u8,
//!   branches below u32, then each: number u32, generation u32
//!   leaves u32, then each: part u32, seen u32
//! crc32 u32            of all before
//! ```
//!
//! The tree goes on changing while it is written; what was written of a branch is whole. A branch that names one below it
//! which is not in the file any more, or is another one, is listed anew. What a snapshot says is believed only after it
//! has been compared with the folders, so an old one, or one of another tree, costs time and nothing else.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::Path;

use carbon_line::{MetricName, tags};
use crc32fast::Hasher;

use super::nodes::{Branch, BranchState, Leaf, Nodes, ROOT, WAITING};
use super::parts::{Part, branch_order};
use super::{NameIndex, Relaxed, Shared};
use crate::StorageError;

const MAGIC: &[u8; 16] = b"plumbago names 1";

/// Words and branches that are written under one lock.
const AT_ONCE: u32 = 1_024;

const LOOPING: u8 = 1;
const ON_DISK: u8 = 2;

impl NameIndex {
    /// Puts the index into the file at `path`, beside it first and then in its place. Blocks.
    ///
    /// # Errors
    /// When it cannot be written; the file stays as it was.
    pub fn save(&self, path: &Path) -> Result<(), StorageError> {
        let beside = path.with_extension("new");
        let save = || {
            let mut file = Summed::new(BufWriter::new(File::create(&beside)?));
            write(&self.shared, &mut file)?;
            let sum = file.sum.clone().finalize();
            file.inner.write_all(&sum.to_le_bytes())?;
            file.inner.flush()?;
            file.inner.get_ref().sync_all()?;
            fs::rename(&beside, path)
        };
        save().map_err(|source| StorageError::Io { action: "write", path: path.to_owned(), source })
    }

    /// Takes in what was saved at `path`, in place of what is known; whether there was anything. Blocks.
    ///
    /// # Errors
    /// When it is damaged or cannot be read; the index then stays as it is, and folders tell.
    pub fn load(&self, path: &Path) -> Result<bool, StorageError> {
        let load = || {
            let file = match File::open(path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
                file => file?,
            };
            let (nodes, looked) = read(file)?;
            self.shared.looked.store(looked, Relaxed);
            *self.shared.nodes_mut() = nodes;
            Ok(true)
        };
        load().map_err(|source| StorageError::Io { action: "read", path: path.to_owned(), source })
    }
}

fn write(shared: &Shared, file: &mut impl Write) -> io::Result<()> {
    file.write_all(MAGIC)?;
    file.write_all(&shared.looked.load(Relaxed).to_le_bytes())?;
    let words = shared.nodes().parts.count();
    file.write_all(&words.to_le_bytes())?;
    let mut bytes = Vec::new();
    for first in (0..words).step_by(AT_ONCE as usize) {
        bytes.clear();
        {
            let nodes = shared.nodes();
            for word in first..words.min(first + AT_ONCE) {
                let text = nodes.parts.text(Part(word));
                bytes.extend((text.len() as u16).to_le_bytes()); // a part has at most 251 bytes
                bytes.extend(text.as_bytes());
            }
        }
        file.write_all(&bytes)?;
    }
    let numbers = shared.nodes().numbers();
    file.write_all(&numbers.to_le_bytes())?;
    for first in (0..numbers).step_by(AT_ONCE as usize) {
        bytes.clear();
        {
            let nodes = shared.nodes();
            (first..numbers.min(first + AT_ONCE)).for_each(|number| put_branch(&nodes, number, words, &mut bytes));
        }
        file.write_all(&bytes)?;
    }
    Ok(())
}

/// Words from `words` on are not in the file.
fn put_branch(nodes: &Nodes, number: u32, words: u32, out: &mut Vec<u8>) {
    let place = nodes.numbered(number).filter(|_| number == ROOT || nodes.part(number).0 < words);
    let Some((place, branch)) = place.and_then(|place| Some((place, nodes.get(place)?))) else {
        return out.push(0);
    };
    let known = |leaf: &&Leaf| leaf.part.0 < words;
    let whole = branch.leaves.iter().all(|leaf| known(&leaf));
    let stamp = if whole { branch.stamp } else { 0 };
    let state = if branch.state.looping { LOOPING } else { 0 } | if branch.state.on_disk { ON_DISK } else { 0 };
    out.push(1);
    for value in [nodes.part(number).0, nodes.parent(number), place.generation()] {
        out.extend(value.to_le_bytes());
    }
    out.extend(stamp.to_le_bytes());
    out.push(state);
    out.extend((branch.branches.len() as u32).to_le_bytes());
    for below in &branch.branches {
        out.extend(below.to_le_bytes());
        out.extend(nodes.place(*below).generation().to_le_bytes());
    }
    // What only waits has no file to be found by.
    let leaves = || branch.leaves.iter().filter(known).filter(|leaf| leaf.seen != WAITING);
    out.extend((leaves().count() as u32).to_le_bytes());
    for leaf in leaves() {
        out.extend(leaf.part.0.to_le_bytes());
        out.extend(leaf.seen.to_le_bytes());
    }
}

/// The tree, and since when its times hold.
fn read(file: File) -> io::Result<(Nodes, u32)> {
    // No count in the file may ask for more memory than its length stands for.
    let length = file.metadata()?.len();
    let mut file = Summed::new(BufReader::with_capacity(1 << 20, file));
    if file.array::<16>()? != *MAGIC {
        return Err(damaged("it is not a list of names of this version"));
    }
    let looked = file.number()?;
    let mut words = Words::read(&mut file, length)?;
    let numbers = file.count(length)?;
    let mut nodes = Nodes::default();
    let mut lists = Vec::with_capacity(numbers as usize);
    for number in 0..numbers {
        lists.push(read_branch(&mut file, &mut nodes, &mut words, number, length)?);
    }
    let sum = file.sum.clone().finalize();
    let mut told = [0; 4];
    file.inner.read_exact(&mut told)?;
    if u32::from_le_bytes(told) != sum {
        return Err(damaged("its checksum does not fit"));
    }
    link(&mut nodes, &lists)?;
    Ok((nodes, looked))
}

/// The branches that a branch says are below it, with their generations.
type Below = Vec<(u32, u32)>;

fn read_branch<R: Read>(
    file: &mut Summed<R>,
    nodes: &mut Nodes,
    words: &mut Words,
    number: u32,
    length: u64,
) -> io::Result<Below> {
    let [there] = file.array()?;
    if there == 0 {
        nodes.restore_nothing(number);
        return Ok(Vec::new());
    }
    let (part, parent, generation) = (file.number()?, file.number()?, file.number()?);
    let part = if number == ROOT { Part(0) } else { words.enter(part, nodes)? };
    let stamp = u64::from_le_bytes(file.array()?);
    let [state] = file.array()?;
    let below = file.count(length)?;
    let below = (0..below).map(|_| Ok((file.number()?, file.number()?))).collect::<io::Result<Below>>()?;
    let count = file.count(length)?;
    let mut leaves = Vec::with_capacity(count as usize);
    for _ in 0..count {
        let (part, seen) = (file.number()?, file.number()?);
        leaves.push(Leaf { part: words.enter(part, nodes)?, seen: seen.min(WAITING - 1) });
    }
    if !leaves.is_sorted_by(|a, b| nodes.parts.text(a.part) < nodes.parts.text(b.part)) {
        return Err(damaged("leaves are out of order"));
    }
    let state = BranchState { looping: state & LOOPING != 0, on_disk: state & ON_DISK != 0, ..BranchState::default() };
    let mut branch = Branch::new(part, parent, generation);
    (branch.stamp, branch.leaves, branch.state) = (stamp, leaves, state);
    nodes.restore(number, branch);
    Ok(below)
}

/// Puts branches below each other from the root on, and forgets those that nobody leads to.
fn link(nodes: &mut Nodes, lists: &[Below]) -> io::Result<()> {
    if nodes.numbers() == 0 || nodes.parent(ROOT) != ROOT {
        return Err(damaged("it has no root"));
    }
    let mut todo = vec![ROOT];
    while let Some(number) = todo.pop() {
        let told = &lists[number as usize];
        let is_below = |(below, generation): &(u32, u32)| {
            let place = nodes.numbered(*below)?;
            let fits = *below != ROOT && nodes.parent(*below) == number && place.generation() == *generation;
            fits.then_some(*below)
        };
        let branches: Vec<u32> = told.iter().filter_map(is_below).collect();
        if !branches.is_sorted_by(|a, b| branch_order(nodes.word(*a), nodes.word(*b)).is_lt()) {
            return Err(damaged("branches are out of order"));
        }
        if branches.len() < told.len() {
            nodes.at_mut(number).stamp = 0;
        }
        todo.extend(&branches);
        nodes.at_mut(number).branches = branches;
    }
    nodes.forget_unlinked();
    Ok(())
}

/// The words of a file; those that are used find their place in the tree.
struct Words {
    text: String,
    ends: Vec<usize>,
    places: Vec<Option<Part>>,
}

impl Words {
    fn read<R: Read>(file: &mut Summed<R>, length: u64) -> io::Result<Words> {
        let count = file.count(length)?;
        let (mut text, mut ends, mut word) = (String::new(), Vec::with_capacity(count as usize), Vec::new());
        for _ in 0..count {
            word.resize(usize::from(u16::from_le_bytes(file.array()?)), 0);
            file.read_exact(&mut word)?;
            text.push_str(std::str::from_utf8(&word).map_err(|_| damaged("a word is not UTF-8"))?);
            ends.push(text.len());
        }
        Ok(Words { text, places: vec![None; ends.len()], ends })
    }

    /// Words become pieces of paths, so nothing else may come in.
    fn enter(&mut self, word: u32, nodes: &mut Nodes) -> io::Result<Part> {
        let index = word as usize;
        let end = *self.ends.get(index).ok_or_else(|| damaged("a word is missing"))?;
        if let Some(part) = self.places[index] {
            return Ok(part);
        }
        let text = &self.text[if index == 0 { 0 } else { self.ends[index - 1] }..end];
        if text.contains('.') || tags::is_tagged(text) || !MetricName::parse(text).is_ok_and(|name| &*name == text) {
            return Err(damaged("a word cannot be a part of a name"));
        }
        let part = nodes.parts.enter(text);
        self.places[index] = Some(part);
        Ok(part)
    }
}

/// Sums up what passes.
struct Summed<T> {
    inner: T,
    sum: Hasher,
}

impl<T> Summed<T> {
    fn new(inner: T) -> Summed<T> {
        Summed { inner, sum: Hasher::new() }
    }
}

impl<W: Write> Write for Summed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.sum.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<R: Read> Summed<R> {
    fn read_exact(&mut self, bytes: &mut [u8]) -> io::Result<()> {
        self.inner.read_exact(bytes)?;
        self.sum.update(bytes);
        Ok(())
    }

    fn array<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn number(&mut self) -> io::Result<u32> {
        self.array().map(u32::from_le_bytes)
    }

    /// A number of things that take a byte each at least.
    fn count(&mut self, length: u64) -> io::Result<u32> {
        let count = self.number()?;
        if u64::from(count) > length { Err(damaged("a count is larger than the file")) } else { Ok(count) }
    }
}

fn damaged(reason: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}
