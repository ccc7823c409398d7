//! Finds the recorded answers of the reference programs and counts what passes.
//!
//! The answers are read from the folder that `PLUMBAGO_GOLDEN` names; a relative path counts from the workspace root.
//! Left unset it is `../shared/golden`. A test asks for a sub-folder with [`folder`] and is skipped by name when the
//! sub-folder is not there; files that a partial set lacks are taken from the default folder with [`file()`].

pub mod peer;

use std::env;
use std::path::{Path, PathBuf};

const DEFAULT: &str = "../shared/golden";

/// The sub-folder `name` of the recorded answers; prints that the test is skipped and gives `None` when it is absent.
pub fn folder(name: &str) -> Option<PathBuf> {
    let found = chosen().join(name);
    if found.is_dir() {
        return Some(found);
    }
    println!("\ngolden {name}: skipped, {} is not a folder", found.display());
    None
}

/// `path` below `PLUMBAGO_GOLDEN`, or below the default folder when the chosen one lacks it; `None` if neither has it.
pub fn file(path: &str) -> Option<PathBuf> {
    [chosen(), workspace().join(DEFAULT)].into_iter().map(|root| root.join(path)).find(|path| path.exists())
}

/// `path` in `tests/data`, the small set of our own that is always there.
pub fn own(path: &str) -> PathBuf {
    workspace().join("tests/data").join(path)
}

fn chosen() -> PathBuf {
    workspace().join(env::var_os("PLUMBAGO_GOLDEN").unwrap_or_else(|| DEFAULT.into()))
}

fn workspace() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().and_then(Path::parent).unwrap_or(here)
}

/// Counts the cases of one sub-folder and says the result in one line.
#[derive(Debug)]
pub struct Tally {
    name: String,
    kind: &'static str,
    passed: usize,
    failed: usize,
    skipped: usize,
}

impl Tally {
    /// Starts at zero for the sub-folder `name`.
    pub fn new(name: &str) -> Tally {
        Tally { name: name.to_owned(), kind: "golden", passed: 0, failed: 0, skipped: 0 }
    }

    /// Starts at zero for our own cases in `tests/data/NAME`, which are told apart in what is printed.
    pub fn own(name: &str) -> Tally {
        Tally { kind: "own", ..Tally::new(name) }
    }

    /// Counts one case; a failing one is printed as `FAIL NAME ID` with its reason on the line below.
    pub fn check(&mut self, id: &str, outcome: Result<(), String>) {
        match outcome {
            Ok(()) => self.passed += 1,
            Err(reason) => {
                self.failed += 1;
                println!("\nFAIL {} {id}\n    {reason}", self.name);
            }
        }
    }

    /// Counts one case that exercises something not built yet, and says why.
    pub fn skip(&mut self, id: &str, reason: &str) {
        self.skipped += 1;
        println!("\nSKIP {} {id}: {reason}", self.name);
    }

    /// Prints `golden NAME: passed P failed F skipped S`.
    ///
    /// # Panics
    /// When a case failed, or when nothing was tried at all.
    pub fn finish(self) {
        let Tally { name, kind, passed, failed, skipped } = self;
        // The empty line parts us from a test name that the harness may have left without a newline.
        println!("\n{kind} {name}: passed {passed} failed {failed} skipped {skipped}");
        assert!(failed == 0, "{kind} {name}: {failed} cases failed");
        assert!(passed + skipped > 0, "{kind} {name}: no case was found");
    }
}
