//! Writes what is remembered below the agent's data folder, every four minutes and at the end, and reads it at the
//! start. A disk that hangs or is full costs the memory of a restart and nothing else.
//!
//! Two files take turns, each written over in place, so that of a write that was cut off the one before is left. A new
//! file that is renamed would be as safe and costs four times the processor's time: ext4 hands it to the disk at once.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tracing::{info, warn};

use crate::clock;
use crate::job::Job;
use crate::pool::Pool;
use crate::remembered::{self, Remembered};

/// How often: after a kill the first rates are means over up to this time. Short of the five minutes after which readings
/// are void, so that a restart has time.
const EVERY: Duration = Duration::from_secs(240);

/// No agent remembers more; what is longer was not written by one.
const LONGEST: u64 = 256 << 20;

/// See the module.
#[derive(Debug)]
pub(crate) struct Keeper {
    file: Arc<Target>,
    /// That of the latest text.
    number: u64,
    due: Duration,
    /// What collectors said last that are away now.
    away: HashMap<&'static str, String>,
}

#[derive(Debug)]
struct Target {
    /// Texts of even numbers go to the first.
    paths: [PathBuf; 2],
    boot: Option<String>,
    /// Somebody is writing.
    busy: AtomicBool,
    failing: AtomicBool,
    /// Memory for the next text; to map new one and give it back costs more than to write.
    spare: Mutex<String>,
}

impl Keeper {
    /// Keeps a file in `folder`, which is made when it is not there.
    pub(crate) fn new(folder: &Path) -> Keeper {
        let paths = ["readings.0", "readings.1"].map(|name| folder.join(name));
        let target = Target {
            paths,
            boot: clock::boot(),
            busy: AtomicBool::new(false),
            failing: AtomicBool::new(false),
            spare: Mutex::default(),
        };
        Keeper { file: Arc::new(target), number: 0, due: clock::since_boot() + EVERY, away: HashMap::new() }
    }

    /// What an earlier start left; nothing when it left nothing, or nothing that can be used.
    pub(crate) fn load(&mut self) -> Remembered {
        let mut latest = Remembered::default();
        let mut faults = Vec::new();
        for path in &self.file.paths {
            match found(path, self.file.boot.as_deref()) {
                Ok(Some(found)) if found.number > latest.number => latest = found,
                Ok(_) => {}
                Err(fault) => faults.push((path, fault)),
            }
        }
        // A write that was cut off is no fault while the one before is there.
        for (path, fault) in faults.into_iter().filter(|_| latest.number == 0) {
            warn!(path = %path.display(), fault, "The readings of before cannot be used; rates begin anew.");
        }
        self.number = latest.number;
        latest
    }

    /// Writes what `jobs` remember when it is time to, on a thread of `pool`; those that are away count with what they
    /// remembered the last time.
    pub(crate) fn tick<'a>(&mut self, jobs: impl Iterator<Item = (&'static str, Option<&'a Job>)>, pool: &Pool) {
        let now = clock::since_boot();
        if now < self.due || self.file.busy.swap(true, Relaxed) {
            return;
        }
        self.due = now + EVERY;
        let (text, number) = (self.text(jobs), self.number);
        let file = Arc::clone(&self.file);
        let begun = pool.run(move || {
            file.write(text, number);
            file.busy.store(false, Relaxed);
        });
        if begun.is_err() {
            self.file.busy.store(false, Relaxed);
        }
    }

    /// As [`tick`](Keeper::tick), now, and gives what does the writing, for the end.
    pub(crate) fn last<'a>(
        mut self,
        jobs: impl Iterator<Item = (&'static str, Option<&'a Job>)>,
    ) -> impl FnOnce() + Send + 'static {
        let text = self.text(jobs);
        move || self.file.write(text, self.number)
    }

    fn text<'a>(&mut self, jobs: impl Iterator<Item = (&'static str, Option<&'a Job>)>) -> String {
        let mut text = std::mem::take(&mut *self.file.spare());
        self.number = self.number.saturating_add(1);
        remembered::begin(self.file.boot.as_deref(), self.number, &mut text);
        for (name, job) in jobs {
            let begun = text.len();
            match job {
                Some(job) => {
                    remembered::append(job, &mut text);
                    if job.spec().class == collectors::Class::Slow {
                        self.away.insert(name, text[begun..].to_owned());
                    }
                }
                None => text.push_str(self.away.get(name).map_or("", String::as_str)),
            }
        }
        remembered::end(&mut text);
        text
    }
}

impl Target {
    fn spare(&self) -> MutexGuard<'_, String> {
        // A text is begun anew before it is used.
        self.spare.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, text: String, number: u64) {
        let path = &self.paths[(number % 2) as usize];
        let written = overwrite(path, &text);
        *self.spare() = text;
        match written {
            Ok(()) => {
                if self.failing.swap(false, Relaxed) {
                    info!(path = %path.display(), "Readings are kept for the next start again.");
                }
            }
            Err(error) => {
                if !self.failing.swap(true, Relaxed) {
                    warn!(path = %path.display(), %error, "Readings are not kept; after a restart rates begin anew.");
                }
            }
        }
    }
}

/// Is not synced: after a power cut rates are of another boot and of no use, and of what holds for longer the text before
/// is on disk by then.
fn overwrite(path: &Path, text: &str) -> io::Result<()> {
    let open = || File::options().write(true).create(true).truncate(false).open(path);
    let file = match (open(), path.parent()) {
        (Err(error), Some(folder)) if error.kind() == io::ErrorKind::NotFound => {
            fs::create_dir_all(folder)?;
            open()?
        }
        (file, _) => file?,
    };
    file.write_all_at(text.as_bytes(), 0)?;
    let length = text.len() as u64;
    // Mostly it has grown, and to cut nothing off costs as much as to write.
    if file.metadata()?.len() > length { file.set_len(length) } else { Ok(()) }
}

/// What a file holds; `None` when there is none.
fn found(path: &Path, boot: Option<&str>) -> Result<Option<Remembered>, String> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file.map_err(|error| error.to_string())?,
    };
    let mut text = String::new();
    file.take(LONGEST).read_to_string(&mut text).map_err(|error| error.to_string())?;
    Ok(Some(Remembered::parse(&text, boot)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is found after these texts were written, the last one in part.
    fn number_found(numbers: &[u64], cut: usize) -> u64 {
        let folder = tempfile::tempdir().unwrap();
        let mut keeper = Keeper::new(folder.path());
        for number in numbers {
            keeper.number = number - 1;
            let text = keeper.text(std::iter::empty());
            let cut = if Some(number) == numbers.last() { cut } else { 0 };
            let path = &keeper.file.paths[(number % 2) as usize];
            let before = fs::read_to_string(path).unwrap_or_default();
            keeper.file.write(text.clone(), keeper.number);
            let begun = text.len() - cut;
            let torn = format!("{}{}", &text[..begun], before.get(begun..).unwrap_or_default());
            fs::write(path, torn).unwrap();
        }
        Keeper::new(folder.path()).load().number
    }

    #[test]
    fn of_two_files_the_later_whole_one_is_used() {
        assert_eq!(number_found(&[1], 0), 1);
        assert_eq!(number_found(&[1, 2], 0), 2);
        assert_eq!(number_found(&[8, 9, 10], 0), 10);
        for cut in 2..40 {
            assert_eq!(number_found(&[8, 9, 10], cut), 9, "{cut}");
            assert_eq!(number_found(&[1], cut), 0);
        }
    }

    #[test]
    fn a_shorter_text_leaves_nothing_of_a_longer_one_and_a_removed_file_is_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let keeper = Keeper::new(folder.path());
        let path = folder.path().join("readings.1");
        for (number, text) in [(1, "a longer text"), (3, "a text"), (5, "another text")] {
            keeper.file.write(text.to_owned(), number);
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        fs::remove_dir_all(folder.path()).unwrap();
        keeper.file.write("a text".to_owned(), 7);
        assert_eq!(fs::read_to_string(&path).unwrap(), "a text");
    }

    #[test]
    fn a_number_goes_on_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        for expected in [0, 1, 2, 3] {
            let mut keeper = Keeper::new(folder.path());
            assert_eq!(keeper.load().number, expected);
            keeper.last(std::iter::empty())();
        }
    }
}
