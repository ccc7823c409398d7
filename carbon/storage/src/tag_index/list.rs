//! The list of series beside the archives, `tags.index`: one name a line. Tagged archives are named by hashes, so
//! without it a restart would not know what lies there.
//!
//! New series are added at its end; one that is taken out is named once more, behind a tab, so that carbon's own table
//! of names does not bring it back. When half of the lines mean nothing any more the list is written anew beside it and
//! put in its place. A last line without its end was cut by a crash and goes.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::state::Change;
use crate::StorageError;

/// The list, as far as this process has read or written it.
#[derive(Debug)]
pub(super) struct List {
    path: PathBuf,
    /// The file that was read, and how far.
    inode: u64,
    read: u64,
    /// Lines in it.
    lines: usize,
}

impl List {
    pub(super) fn at(path: &Path) -> List {
        List { path: path.to_owned(), inode: 0, read: 0, lines: 0 }
    }

    /// Lines, of which some may mean nothing any more.
    pub(super) fn lines(&self) -> usize {
        self.lines
    }

    /// Reads what is new, up to the last whole line. A list that is not there is empty. Says whether it is another list
    /// than before, so that the lines it tells of are all there are.
    pub(super) fn read(&mut self, mut tell: impl FnMut(bool, &str)) -> Result<bool, StorageError> {
        let mut whole = false;
        let mut file = match File::open(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                whole = self.inode != 0;
                (self.inode, self.read, self.lines) = (0, 0, 0);
                return Ok(whole);
            }
            opened => opened.map_err(|source| self.fault("open", source))?,
        };
        let meta = file.metadata().map_err(|source| self.fault("stat", source))?;
        if meta.ino() != self.inode || meta.len() < self.read {
            whole = self.inode != 0;
            (self.inode, self.read, self.lines) = (meta.ino(), 0, 0);
        }
        if meta.len() > self.read {
            file.seek(SeekFrom::Start(self.read)).map_err(|source| self.fault("read", source))?;
            let read = each_line(file, |line| tell(whole, line)).map_err(|source| self.fault("read", source))?;
            self.read += read.0;
            self.lines += read.1;
        }
        Ok(whole)
    }

    /// Adds lines at the end.
    pub(super) fn append(&mut self, changes: &[Change], tell: Tell<'_>) -> Result<(), StorageError> {
        let append = || {
            let mut file = OpenOptions::new().append(true).create(true).open(&self.path)?;
            if file.metadata()?.len() > self.read {
                file.set_len(self.read)?;
            }
            let written = write_all(&mut file, changes, tell)?;
            file.sync_data()?;
            Ok((file.metadata()?.ino(), written))
        };
        let (inode, written) = append().map_err(|source| self.fault("write", source))?;
        (self.inode, self.read, self.lines) = (inode, self.read + written, self.lines + changes.len());
        Ok(())
    }

    /// Puts a list of these lines in its place.
    pub(super) fn replace(&mut self, changes: &[Change], tell: Tell<'_>) -> Result<(), StorageError> {
        let replace = || {
            let beside = self.path.with_extension("new");
            let mut file = File::create(&beside)?;
            write_all(&mut file, changes, tell)?;
            file.sync_all()?;
            let meta = file.metadata()?;
            fs::rename(&beside, &self.path)?;
            Ok((meta.ino(), meta.len()))
        };
        (self.inode, self.read) = replace().map_err(|source| self.fault("replace", source))?;
        self.lines = changes.len();
        Ok(())
    }

    fn fault(&self, action: &'static str, source: io::Error) -> StorageError {
        StorageError::Io { action, path: self.path.clone(), source }
    }
}

/// Writes the lines of some changes, names and all.
type Tell<'a> = &'a dyn Fn(&[Change], &mut String);

/// Lines that are text at the same time.
const AT_ONCE: usize = 4_096;

/// Gives the bytes.
fn write_all(file: &mut File, changes: &[Change], tell: Tell<'_>) -> io::Result<u64> {
    let (mut text, mut written) = (String::new(), 0);
    for some in changes.chunks(AT_ONCE) {
        text.clear();
        tell(some, &mut text);
        file.write_all(text.as_bytes())?;
        written += text.len() as u64;
    }
    Ok(written)
}

/// Tells of each whole line, and gives their bytes and number.
fn each_line(file: File, mut tell: impl FnMut(&str)) -> io::Result<(u64, usize)> {
    let (mut reader, mut bytes) = (BufReader::with_capacity(1 << 20, file), Vec::new());
    let (mut whole, mut lines) = (0, 0);
    while reader.read_until(b'\n', &mut bytes)? > 0 && bytes.ends_with(b"\n") {
        whole += bytes.len() as u64;
        lines += 1;
        if let Ok(line) = std::str::from_utf8(&bytes[..bytes.len() - 1]) {
            tell(line);
        }
        bytes.clear();
    }
    Ok((whole, lines))
}
