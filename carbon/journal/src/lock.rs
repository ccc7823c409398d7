//! One process per folder.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::path::Path;

use rustix::fs::{FlockOperation, flock};

use crate::error::JournalError;
use crate::files::LOCK;

/// Holds the folder until it is dropped, or the process ends in whatever way.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    pub(crate) fn take(dir: &Path) -> Result<Lock, JournalError> {
        let path = dir.join(LOCK);
        let failed = |source: io::Error| JournalError::Disk { path: path.clone(), source };
        let options = OpenOptions::new().read(true).write(true).create(true).truncate(false).clone();
        let mut file = options.open(&path).map_err(failed)?;
        if let Err(errno) = flock(&file, FlockOperation::NonBlockingLockExclusive) {
            return Err(match errno {
                rustix::io::Errno::WOULDBLOCK => JournalError::Locked { dir: dir.to_owned(), owner: owner(file) },
                errno => failed(errno.into()),
            });
        }
        // The number is for the other's message alone; a full disk may refuse it.
        let _ = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| write!(file, "{}", std::process::id()));
        Ok(Lock { _file: file })
    }
}

fn owner(file: File) -> String {
    let mut number = String::new();
    match file.take(20).read_to_string(&mut number) {
        Ok(length) if length > 0 && number.bytes().all(|digit| digit.is_ascii_digit()) => format!("process {number}"),
        _ => "another process".to_owned(),
    }
}
