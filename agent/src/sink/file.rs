//! Delivery into a file that is rotated by its size, or to standard output.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::task::spawn_blocking;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::pauses::Pauses;
use crate::outlet::{Held, Outlet};

/// Chunks that are written in one go.
const AT_ONCE: usize = 16;

/// Delivers an outlet to a file.
#[derive(Debug)]
pub(crate) struct Files {
    pub(crate) target: Target,
    pub(crate) outlet: Arc<Outlet>,
    pub(crate) pauses: Pauses,
}

/// Where lines are written.
#[derive(Debug)]
pub(crate) enum Target {
    Stdout,
    File(Rotated),
}

/// A file, and the older ones beside it as `NAME.1`, `NAME.2`, and so on.
#[derive(Debug)]
pub(crate) struct Rotated {
    path: PathBuf,
    /// Bytes from which on a new one is begun.
    full: u64,
    /// Older ones that are kept.
    kept: u32,
    open: Option<File>,
}

impl Files {
    /// Delivers until `closing` fires and nothing waits.
    pub(crate) async fn run(mut self, closing: CancellationToken) {
        let mut failing = false;
        while self.outlet.wait(&closing).await {
            let held: Vec<Held> = std::iter::from_fn(|| self.outlet.take()).take(AT_ONCE).collect();
            let mut target = self.target;
            // A disk that hangs holds up this task and nobody else.
            let written = spawn_blocking(move || {
                let written = held.iter().try_for_each(|held| target.write(held.lines()));
                match written {
                    Ok(()) => held.into_iter().for_each(Held::handed),
                    // The last comes back first, so that they wait in their order.
                    Err(_) => held.into_iter().rev().for_each(drop),
                }
                (target, written)
            });
            let Ok((target, written)) = written.await else { return };
            self.target = target;
            let Err(error) = written else {
                if std::mem::take(&mut failing) {
                    info!(destination = self.outlet.name(), "Delivers again.");
                }
                self.pauses.lived(std::time::Duration::MAX);
                continue;
            };
            if !std::mem::replace(&mut failing, true) {
                warn!(destination = self.outlet.name(), %error, "Cannot write, lines wait in memory.");
            }
            if closing.is_cancelled() {
                return;
            }
            tokio::select! {
                () = sleep(self.pauses.next()) => {}
                () = closing.cancelled() => {}
            }
        }
    }
}

impl Target {
    fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        match self {
            Target::Stdout => {
                let mut out = io::stdout().lock();
                out.write_all(lines)?;
                out.flush()
            }
            Target::File(file) => file.write(lines),
        }
    }
}

impl Rotated {
    pub(crate) fn new(path: &Path, full: u64, kept: u32) -> Rotated {
        Rotated { path: path.to_owned(), full, kept, open: None }
    }

    fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        let mut file = self.current(lines.len() as u64)?;
        let before = file.metadata()?.len();
        if let Err(error) = file.write_all(lines) {
            // Half a chunk would be there twice once the whole one is written.
            let _ = file.set_len(before);
            return Err(error);
        }
        self.open = Some(file);
        Ok(())
    }

    /// The file to append to, which is another one when it is full, or was moved away by somebody.
    fn current(&mut self, more: u64) -> io::Result<File> {
        let open = self.open.take().filter(|open| is_at(open, &self.path));
        let file = match open {
            Some(file) => file,
            None => self.append()?,
        };
        let length = file.metadata()?.len();
        if length == 0 || length + more <= self.full {
            return Ok(file);
        }
        drop(file);
        self.rotate()?;
        self.append()
    }

    fn append(&self) -> io::Result<File> {
        OpenOptions::new().append(true).create(true).open(&self.path)
    }

    fn rotate(&self) -> io::Result<()> {
        if self.kept == 0 {
            return fs::remove_file(&self.path);
        }
        for number in (1..self.kept).rev() {
            match fs::rename(self.numbered(number), self.numbered(number + 1)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        fs::rename(&self.path, self.numbered(1))
    }

    fn numbered(&self, number: u32) -> PathBuf {
        let mut path = self.path.clone().into_os_string();
        path.push(format!(".{number}"));
        path.into()
    }
}

/// Whether `file` is still what lies at `path`.
fn is_at(file: &File, path: &Path) -> bool {
    let (Ok(open), Ok(there)) = (file.metadata(), fs::metadata(path)) else { return false };
    (open.dev(), open.ino()) == (there.dev(), there.ino())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_file_gives_way_and_the_oldest_goes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lines");
        let mut file = Rotated::new(&path, 10, 2);
        for line in ["a 1 1\n", "b 2 1\n", "c 3 1\n", "d 4 1\n"] {
            file.write(line.as_bytes()).unwrap();
        }
        let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
        assert_eq!(
            (read("lines"), read("lines.1"), read("lines.2")),
            ("d 4 1\n".into(), "c 3 1\n".into(), "b 2 1\n".into())
        );
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
    }

    #[test]
    fn a_file_that_was_moved_away_is_begun_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lines");
        let mut file = Rotated::new(&path, 1000, 2);
        file.write(b"a 1 1\n").unwrap();
        fs::rename(&path, folder.path().join("old")).unwrap();
        file.write(b"b 2 1\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "b 2 1\n");
    }
}
