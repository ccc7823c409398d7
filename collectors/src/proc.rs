//! Reading `/proc` and `/sys`: a file is opened once, read from its start at each run, and walked as bytes.
//!
//! Nothing here knows what a line means. Sizes are bounded; a file that goes away is opened anew at the next run.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use rustix::io::Errno;

use crate::Fail;

/// The most that is read of one file: `/proc/diskstats` of a thousand disks has 150 kB, `/proc/interrupts` of 500
/// processors and 1500 interrupts 8 MB.
const LONGEST: usize = 16 << 20;

/// What the kernel fills at once.
const PAGE: usize = 4096;

/// What [`ProcFile::each_line`] calls with the path, the number of the line, and the line.
type Take<'a> = dyn FnMut(&Path, usize, &[u8]) -> Result<(), Fail> + 'a;

/// A file of the kernel that is read again and again.
#[derive(Debug)]
pub(crate) struct ProcFile {
    path: PathBuf,
    file: Option<File>,
    /// Never shorter than what was read once, so that there is room behind the contents of a file which stays as it is.
    bytes: Vec<u8>,
    /// How many of them are the contents.
    filled: usize,
    /// Bytes that no line of it has.
    longest_line: usize,
}

impl ProcFile {
    /// Opens nothing yet.
    pub(crate) fn new(path: PathBuf) -> ProcFile {
        ProcFile { path, file: None, bytes: Vec::new(), filled: 0, longest_line: usize::MAX }
    }

    /// As [`new`](ProcFile::new), for a file that the kernel makes as a whole: a read which gives less than a page and
    /// less than there was room for has come to the end.
    pub(crate) fn made_at_once(path: PathBuf) -> ProcFile {
        ProcFile::of_lines_below(1, path)
    }

    /// As [`new`](ProcFile::new), for a file whose lines are all shorter than `longest` bytes: the kernel fills a page with
    /// as many lines as fit, so that a read which leaves room for one more has come to the end.
    pub(crate) fn of_lines_below(longest: usize, path: PathBuf) -> ProcFile {
        ProcFile { longest_line: longest, ..ProcFile::new(path) }
    }

    /// The open file, once it was read.
    pub(crate) fn file(&self) -> Option<&File> {
        self.file.as_ref()
    }

    /// The path and the whole contents of now.
    ///
    /// # Errors
    /// [`Fail::Absent`] when there is no such file, [`Fail::TooLong`] when it has no end.
    pub(crate) fn read(&mut self) -> Result<(&Path, &[u8]), Fail> {
        self.read_first(usize::MAX)
    }

    /// The path and the lines of now that lie within the first `most` bytes. The kernel makes no more lines than are asked
    /// for, of files that it does not make as a whole.
    ///
    /// # Errors
    /// As [`read`](ProcFile::read).
    pub(crate) fn read_first(&mut self, most: usize) -> Result<(&Path, &[u8]), Fail> {
        if let Err(fail) = self.fill(most) {
            // The kernel may have taken the file away from under the descriptor; the next run opens it anew.
            self.file = None;
            return Err(fail);
        }
        let mut contents = &self.bytes[..self.filled];
        if contents.len() == most {
            // The last line may go on.
            contents = &contents[..memchr::memrchr(b'\n', contents).map_or(0, |end| end + 1)];
        }
        Ok((&self.path, contents))
    }

    /// Hands out line after line of a file that may be too large to be held, each without its newline and with its
    /// number from 1. Empty lines are left out.
    ///
    /// # Errors
    /// As [`read`](ProcFile::read), and the first that `take` gives.
    pub(crate) fn each_line(
        &mut self,
        mut take: impl FnMut(&Path, usize, &[u8]) -> Result<(), Fail>,
    ) -> Result<(), Fail> {
        let result = self.walk(&mut take);
        if result.is_err() {
            self.file = None;
        }
        result
    }

    fn walk(&mut self, take: &mut Take<'_>) -> Result<(), Fail> {
        const BLOCK: usize = 64 << 10;
        const LONGEST_WALK: u64 = 1 << 30;
        let failed = |source| failed(&self.path, source);
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(open(&self.path).map_err(failed)?),
        };
        self.bytes.resize(BLOCK, 0);
        let (mut kept, mut offset, mut number) = (0, 0_u64, 0);
        loop {
            // What is kept is the beginning of a line; no line is as long as a block.
            if kept == BLOCK || offset > LONGEST_WALK {
                return Err(Fail::TooLong {
                    path: self.path.clone(),
                    limit: if kept == BLOCK { BLOCK } else { LONGEST_WALK as usize },
                });
            }
            let read = file.read_at(&mut self.bytes[kept..], offset).map_err(failed)?;
            offset += read as u64;
            let filled = kept + read;
            let whole = if read == 0 {
                filled
            } else {
                self.bytes[..filled].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1)
            };
            for line in self.bytes[..whole].split_inclusive(|byte| *byte == b'\n') {
                number += 1;
                let line = line.strip_suffix(b"\n").unwrap_or(line);
                if !line.is_empty() {
                    take(&self.path, number, line)?;
                }
            }
            if read == 0 {
                return Ok(());
            }
            self.bytes.copy_within(whole..filled, 0);
            kept = filled - whole;
        }
    }

    fn fill(&mut self, most: usize) -> Result<(), Fail> {
        let failed = |source| failed(&self.path, source);
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(open(&self.path).map_err(failed)?),
        };
        let mut filled = 0;
        while filled < most {
            if self.bytes.len() - filled < 1024 {
                if filled >= LONGEST {
                    return Err(Fail::TooLong { path: self.path.clone(), limit: LONGEST });
                }
                self.bytes.resize((self.bytes.len() * 2).max(4096), 0);
            }
            let end = self.bytes.len().min(most);
            match file.read_at(&mut self.bytes[filled..end], filled as u64).map_err(failed)? {
                0 => break,
                read => {
                    let room = end - filled;
                    filled += read;
                    if read < room && read.saturating_add(self.longest_line) < PAGE {
                        break;
                    }
                }
            }
        }
        self.filled = filled;
        Ok(())
    }
}

/// The whole contents of a small file that is not worth a descriptor of its own, in `bytes`.
///
/// # Errors
/// As [`ProcFile::read`]; more than 64 kB is too long.
pub(crate) fn read_once<'a>(path: &Path, bytes: &'a mut Vec<u8>) -> Result<&'a [u8], Fail> {
    const LIMIT: u64 = 64 << 10;
    bytes.clear();
    let file = open(path).map_err(|source| failed(path, source))?;
    file.take(LIMIT + 1).read_to_end(bytes).map_err(|source| failed(path, source))?;
    if bytes.len() as u64 > LIMIT {
        return Err(Fail::TooLong { path: path.to_owned(), limit: LIMIT as usize });
    }
    Ok(bytes)
}

/// Opens a file for reading; a pipe without a writer, which would keep us, is opened and then cannot be read.
fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed()).open(path)
}

fn failed(path: &Path, source: io::Error) -> Fail {
    // A process or a control group that has ended since gives ESRCH or ENODEV.
    let gone = [Errno::SRCH, Errno::NODEV].iter().any(|errno| source.raw_os_error() == Some(errno.raw_os_error()));
    match source.kind() {
        _ if gone => Fail::Absent { what: path.display().to_string() },
        io::ErrorKind::NotFound => Fail::Absent { what: path.display().to_string() },
        _ => Fail::Read { path: path.to_owned(), source },
    }
}

/// The lines of `bytes` with their numbers from 1, without the empty ones.
pub(crate) fn lines(bytes: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let mut begun = 0;
    let ends = memchr::memchr_iter(b'\n', bytes).chain([bytes.len()]);
    let lines = ends.map(move |end| &bytes[std::mem::replace(&mut begun, end + 1)..end]);
    lines.enumerate().map(|(at, line)| (at + 1, line)).filter(|(_, line)| !line.is_empty())
}

/// What spaces and tabs part in `line`.
pub(crate) fn fields(line: &[u8]) -> impl Iterator<Item = &[u8]> + Clone {
    line.split(|byte| byte.is_ascii_whitespace()).filter(|field| !field.is_empty())
}

/// A decimal number without sign; `None` for anything else, and for what does not fit.
pub(crate) fn number(digits: &[u8]) -> Option<u64> {
    let add = |number: u64, byte: &u8| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    };
    (!digits.is_empty()).then_some(digits)?.iter().try_fold(0, add)
}

/// `bytes` as text, when it is any.
pub(crate) fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kept_file_shows_its_new_contents() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stat");
        std::fs::write(&path, "one\n").unwrap();
        let mut file = ProcFile::new(path.clone());
        assert_eq!(file.read().unwrap().1, b"one\n");
        std::fs::write(&path, "x".repeat(9000)).unwrap();
        assert_eq!(file.read().unwrap().1.len(), 9000);
        std::fs::write(&path, "").unwrap();
        assert_eq!(file.read().unwrap().1, b"");
    }

    #[test]
    fn of_the_first_bytes_whole_lines_are_given() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vmstat");
        std::fs::write(&path, "one 1\ntwo 22\nthree").unwrap();
        let mut file = ProcFile::new(path);
        for (most, expected) in [(0, ""), (5, ""), (6, "one 1\n"), (12, "one 1\n"), (13, "one 1\ntwo 22\n")] {
            assert_eq!(file.read_first(most).unwrap().1, expected.as_bytes(), "{most}");
        }
        assert_eq!(file.read_first(1000).unwrap().1, b"one 1\ntwo 22\nthree");
        assert!(ProcFile::new("/dev/zero".into()).read_first(100).unwrap().1.is_empty());
    }

    #[test]
    fn a_file_without_end_is_refused() {
        let mut file = ProcFile::new("/dev/zero".into());
        assert!(matches!(file.read(), Err(Fail::TooLong { .. })));
    }

    #[test]
    fn a_missing_file_is_absent() {
        let mut file = ProcFile::new("/nowhere/stat".into());
        assert!(matches!(file.read(), Err(Fail::Absent { .. })));
    }

    #[test]
    fn lines_come_whole_however_the_file_is_cut_into_blocks() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tcp");
        let lines: Vec<String> = (0..5000).map(|line| format!("{line} {}", "x".repeat(line % 300))).collect();
        std::fs::write(&path, lines.join("\n")).unwrap();
        let mut file = ProcFile::new(path);
        for _ in 0..2 {
            let mut found = Vec::new();
            file.each_line(|_, at, line| {
                assert_eq!(at, found.len() + 1);
                found.push(text(line).unwrap().to_owned());
                Ok(())
            })
            .unwrap();
            assert_eq!(found, lines);
        }
    }

    #[test]
    fn a_line_without_end_is_refused() {
        let mut file = ProcFile::new("/dev/zero".into());
        assert!(matches!(file.each_line(|_, _, _| Ok(())), Err(Fail::TooLong { .. })));
    }

    #[test]
    fn only_digits_that_fit_are_a_number() {
        assert_eq!(number(b"18446744073709551615"), Some(u64::MAX));
        assert_eq!(number(b"18446744073709551616"), None);
        assert_eq!(number(b"-1"), None);
        assert_eq!(number(b""), None);
    }
}
