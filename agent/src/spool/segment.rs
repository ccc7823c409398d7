//! One file of the spool.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::record::{HEAD, Head};

/// What is known of a file without reading its lines.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) number: u64,
    pub(crate) bytes: u64,
    /// Points that were not sent before they came here.
    pub(crate) points: u64,
    /// Of these, the ones that were sent from here since.
    pub(crate) sent: u64,
    /// Up to here records were handed over, though perhaps in vain.
    pub(crate) handed: u64,
    /// Up to here damage is counted.
    pub(crate) damaged: u64,
    /// The first and the last second of its points.
    pub(crate) span: Option<(u32, u32)>,
    path: PathBuf,
}

impl Segment {
    /// A new, empty file.
    pub(crate) fn create(folder: &Path, number: u64) -> io::Result<(Segment, File)> {
        let path = folder.join(format!("{number:020}.lines"));
        let file = OpenOptions::new().write(true).create_new(true).open(&path)?;
        Ok((Segment { number, bytes: 0, points: 0, sent: 0, handed: 0, damaged: 0, span: None, path }, file))
    }

    /// The number in a file's name; `None` if the file is none of ours.
    pub(crate) fn number_of(path: &Path) -> Option<u64> {
        let number = path.file_name()?.to_str()?.strip_suffix(".lines")?.parse().ok()?;
        // Leaves room to count on; nobody gets there.
        (number < u64::MAX / 2).then_some(number)
    }

    /// Looks through an existing file. Ends at the first record that is cut or damaged; gives how many bytes lie behind.
    pub(crate) fn scan(path: PathBuf, number: u64) -> io::Result<(Segment, u64)> {
        let file = File::open(&path)?;
        let length = file.metadata()?.len();
        let mut segment = Segment { number, bytes: 0, points: 0, sent: 0, handed: 0, damaged: 0, span: None, path };
        while let Some(head) = segment.head_at(&file, segment.bytes, length)? {
            segment.enter(&head);
        }
        let rest = length - segment.bytes;
        Ok((segment, rest))
    }

    /// The head of the record at `offset` in a file of `length` bytes; `None` if no whole record begins there.
    pub(crate) fn head_at(&self, file: &File, offset: u64, length: u64) -> io::Result<Option<Head>> {
        let mut bytes = [0; HEAD];
        if offset + HEAD as u64 > length {
            return Ok(None);
        }
        file.read_exact_at(&mut bytes, offset)?;
        Ok(Head::parse(&bytes).filter(|head| offset + head.whole() <= length))
    }

    /// Enters a record that was appended.
    pub(crate) fn enter(&mut self, head: &Head) {
        self.bytes += head.whole();
        self.points += u64::from(head.points);
        if head.points > 0 {
            let (first, last) = self.span.unwrap_or(head.span);
            self.span = Some((first.min(head.span.0), last.max(head.span.1)));
        }
    }

    /// Points that nobody has sent.
    pub(crate) fn waiting(&self) -> u64 {
        self.points - self.sent
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}
