//! The list of series beside the archives, `tags.index`: one name a line. Tagged archives are named by hashes, so
//! without it a restart would not know what lies there.
//!
//! New series are added at its end; when one is taken out, the list is written anew beside it and put in its place. A
//! last line without its end was cut by a crash and goes.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use carbon_line::MetricName;

use crate::StorageError;

/// The list, as far as this process has read or written it.
#[derive(Debug)]
pub(super) struct List {
    path: PathBuf,
    /// The file that was read, and how far.
    inode: u64,
    read: u64,
}

/// What a list holds that was not read before.
pub(super) struct News {
    pub(super) names: Vec<MetricName>,
    /// Whether these are all names, because the list is another one than before.
    pub(super) whole: bool,
}

impl List {
    pub(super) fn at(path: &Path) -> List {
        List { path: path.to_owned(), inode: 0, read: 0 }
    }

    /// Reads what is new, up to the last whole line. A list that is not there is empty.
    pub(super) fn read(&mut self) -> Result<News, StorageError> {
        let mut news = News { names: Vec::new(), whole: false };
        let mut file = match File::open(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                news.whole = self.inode != 0;
                (self.inode, self.read) = (0, 0);
                return Ok(news);
            }
            opened => opened.map_err(|source| self.fault("open", source))?,
        };
        let meta = file.metadata().map_err(|source| self.fault("stat", source))?;
        if meta.ino() != self.inode || meta.len() < self.read {
            news.whole = self.inode != 0;
            (self.inode, self.read) = (meta.ino(), 0);
        }
        if meta.len() > self.read {
            file.seek(SeekFrom::Start(self.read)).map_err(|source| self.fault("read", source))?;
            let names = lines(file).map_err(|source| self.fault("read", source))?;
            self.read += names.1;
            news.names = names.0;
        }
        Ok(news)
    }

    /// Adds names at the end.
    pub(super) fn append(&mut self, names: &[MetricName]) -> Result<(), StorageError> {
        let append = || {
            let mut file = OpenOptions::new().append(true).create(true).open(&self.path)?;
            if file.metadata()?.len() > self.read {
                file.set_len(self.read)?;
            }
            let text: String = names.iter().flat_map(|name| [name.as_str(), "\n"]).collect();
            file.write_all(text.as_bytes())?;
            file.sync_data()?;
            Ok((file.metadata()?.ino(), text.len() as u64))
        };
        let (inode, written) = append().map_err(|source| self.fault("write", source))?;
        (self.inode, self.read) = (inode, self.read + written);
        Ok(())
    }

    /// Puts a list of these names in its place.
    pub(super) fn replace(&mut self, names: &[MetricName]) -> Result<(), StorageError> {
        let replace = || {
            let beside = self.path.with_extension("new");
            let mut writer = BufWriter::new(File::create(&beside)?);
            for name in names {
                writeln!(writer, "{name}")?;
            }
            writer.flush()?;
            writer.get_ref().sync_all()?;
            let meta = writer.get_ref().metadata()?;
            fs::rename(&beside, &self.path)?;
            Ok((meta.ino(), meta.len()))
        };
        (self.inode, self.read) = replace().map_err(|source| self.fault("replace", source))?;
        Ok(())
    }

    fn fault(&self, action: &'static str, source: io::Error) -> StorageError {
        StorageError::Io { action, path: self.path.clone(), source }
    }
}

/// The names of all whole lines, and their length. A line that is no name is passed over.
fn lines(file: File) -> io::Result<(Vec<MetricName>, u64)> {
    let (mut reader, mut bytes, mut names, mut whole) = (BufReader::new(file), Vec::new(), Vec::new(), 0);
    while reader.read_until(b'\n', &mut bytes)? > 0 && bytes.ends_with(b"\n") {
        whole += bytes.len() as u64;
        let line = std::str::from_utf8(&bytes).ok().map(|line| line.trim_end_matches('\n'));
        names.extend(line.and_then(|line| MetricName::parse(line).ok()));
        bytes.clear();
    }
    Ok((names, whole))
}
