//! Writes what is remembered into a file below the agent's data folder, every three minutes and at the end, and reads it
//! at the start. A disk that hangs or is full costs the memory of a restart and nothing else.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use tracing::{info, warn};

use crate::clock;
use crate::job::Job;
use crate::pool::Pool;
use crate::remembered::{self, Remembered};

/// How often the file is written: after a kill the first rates are means over up to this time. Making and renaming a file
/// costs what measuring the host costs, so that each minute would be a sixth of that.
const EVERY: Duration = Duration::from_secs(180);

/// No agent remembers more; what is longer was not written by one.
const LONGEST: u64 = 256 << 20;

/// See the module.
#[derive(Debug)]
pub(crate) struct Keeper {
    file: Arc<Target>,
    due: Duration,
    /// What collectors said last that are away now.
    away: HashMap<&'static str, String>,
}

#[derive(Debug)]
struct Target {
    path: PathBuf,
    boot: Option<String>,
    /// Somebody is writing.
    busy: AtomicBool,
    failing: AtomicBool,
}

impl Keeper {
    /// Keeps a file in `folder`, which is made when it is not there.
    pub(crate) fn new(folder: &Path) -> Keeper {
        let (busy, failing) = (AtomicBool::new(false), AtomicBool::new(false));
        let target = Target { path: folder.join("readings"), boot: clock::boot(), busy, failing };
        Keeper { file: Arc::new(target), due: clock::since_boot() + EVERY, away: HashMap::new() }
    }

    /// What an earlier start left; nothing when it left nothing, or nothing that can be used.
    pub(crate) fn load(&self) -> Remembered {
        let path = self.file.path.display();
        let text = match read(&self.file.path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Remembered::default(),
            Err(error) => {
                warn!(%path, %error, "The readings of before cannot be used; rates begin anew.");
                return Remembered::default();
            }
        };
        Remembered::parse(&text, self.file.boot.as_deref()).unwrap_or_else(|fault| {
            warn!(%path, fault, "The readings of before cannot be used; rates begin anew.");
            Remembered::default()
        })
    }

    /// Writes what `jobs` remember when it is time to, on a thread of `pool`; those that are away count with what they
    /// remembered the last time.
    pub(crate) fn tick<'a>(&mut self, jobs: impl Iterator<Item = (&'static str, Option<&'a Job>)>, pool: &Pool) {
        let now = clock::since_boot();
        if now < self.due || self.file.busy.swap(true, Relaxed) {
            return;
        }
        self.due = now + EVERY;
        let text = self.text(jobs);
        let file = Arc::clone(&self.file);
        let begun = pool.run(move || {
            file.write(&text);
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
        move || self.file.write(&text)
    }

    fn text<'a>(&mut self, jobs: impl Iterator<Item = (&'static str, Option<&'a Job>)>) -> String {
        let mut text = String::new();
        remembered::begin(self.file.boot.as_deref(), &mut text);
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
    fn write(&self, text: &str) {
        let path = self.path.display();
        match self.replace(text) {
            Ok(()) => {
                if self.failing.swap(false, Relaxed) {
                    info!(%path, "Readings are kept for the next start again.");
                }
            }
            Err(error) => {
                if !self.failing.swap(true, Relaxed) {
                    warn!(%path, %error, "Readings are not kept; after a restart rates begin anew.");
                }
            }
        }
    }

    /// The old file or the new one is there, never half of one. It is not synced: after a power cut it is of another boot
    /// and of no use.
    fn replace(&self, text: &str) -> io::Result<()> {
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder)?;
        }
        let new = self.path.with_extension("new");
        fs::write(&new, text)?;
        fs::rename(&new, &self.path)
    }
}

fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(LONGEST).read_to_string(&mut text)?;
    Ok(text)
}
