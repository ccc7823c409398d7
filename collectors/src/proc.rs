//! Reading `/proc` and `/sys`: a file is opened once, read from its start at each run, and walked as bytes.
//!
//! Nothing here knows what a line means. Sizes are bounded; a file that goes away is opened anew at the next run.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::Fail;

/// The most that is read of one file: `/proc/diskstats` of a thousand disks has 150 kB.
const LONGEST: usize = 4 << 20;

/// A file of the kernel that is read again and again.
#[derive(Debug)]
pub(crate) struct ProcFile {
    path: PathBuf,
    file: Option<File>,
    bytes: Vec<u8>,
}

impl ProcFile {
    /// Opens nothing yet.
    pub(crate) fn new(path: PathBuf) -> ProcFile {
        ProcFile { path, file: None, bytes: Vec::new() }
    }

    /// The path and the whole contents of now.
    ///
    /// # Errors
    /// [`Fail::Absent`] when there is no such file, [`Fail::TooLong`] when it has no end.
    pub(crate) fn read(&mut self) -> Result<(&Path, &[u8]), Fail> {
        if let Err(fail) = self.fill() {
            // The kernel may have taken the file away from under the descriptor; the next run opens it anew.
            self.file = None;
            return Err(fail);
        }
        Ok((&self.path, &self.bytes))
    }

    fn fill(&mut self) -> Result<(), Fail> {
        let failed = |source: io::Error| match source.kind() {
            io::ErrorKind::NotFound => Fail::Absent { what: self.path.display().to_string() },
            _ => Fail::Read { path: self.path.clone(), source },
        };
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(File::open(&self.path).map_err(failed)?),
        };
        let mut filled = 0;
        loop {
            if self.bytes.len() - filled < 1024 {
                if filled >= LONGEST {
                    return Err(Fail::TooLong { path: self.path.clone(), limit: LONGEST });
                }
                self.bytes.resize((self.bytes.len() * 2).max(4096), 0);
            }
            match file.read_at(&mut self.bytes[filled..], filled as u64).map_err(failed)? {
                0 => break,
                read => filled += read,
            }
        }
        // Shrinking keeps the memory; growing again next time writes zeros only over what is then read.
        self.bytes.truncate(filled);
        Ok(())
    }
}

/// The lines of `bytes` with their numbers from 1, without the empty ones.
pub(crate) fn lines(bytes: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    bytes.split(|byte| *byte == b'\n').enumerate().map(|(at, line)| (at + 1, line)).filter(|(_, line)| !line.is_empty())
}

/// What spaces and tabs part in `line`.
pub(crate) fn fields(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|byte| byte.is_ascii_whitespace()).filter(|field| !field.is_empty())
}

/// A decimal number without sign; `None` for anything else, and for what does not fit.
pub(crate) fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |number, digit| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })
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
    fn only_digits_that_fit_are_a_number() {
        assert_eq!(number(b"18446744073709551615"), Some(u64::MAX));
        assert_eq!(number(b"18446744073709551616"), None);
        assert_eq!(number(b"-1"), None);
        assert_eq!(number(b""), None);
    }
}
