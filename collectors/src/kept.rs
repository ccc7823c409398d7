//! What a collector has to know again after a restart, beside the readings that it puts into an [`Out`](crate::Out):
//! rows of numbers by name. The agent keeps them in a file and knows nothing of their meaning.

use std::time::Duration;

/// Rows of one collector.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    rows: Vec<KeptRow>,
}

/// One thing to be remembered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptRow {
    /// What it is about: a device, a file.
    pub name: String,
    /// When the numbers were read, on the clock of [`Slot::monotonic`](crate::Slot::monotonic); a row of an earlier
    /// boot, or of long ago, is not given back. `None` for what holds for good, such as a place in a file.
    pub at: Option<Duration>,
    /// Whatever its collector has put there.
    pub numbers: Vec<u64>,
}

impl Kept {
    /// Adds a row. One whose name cannot stand in a line is left out.
    pub fn add(&mut self, name: &str, at: Option<Duration>, numbers: Vec<u64>) {
        if !name.is_empty() && !name.contains(char::is_control) {
            self.rows.push(KeptRow { name: name.to_owned(), at, numbers });
        }
    }

    /// All rows, in the order they were added.
    pub fn rows(&self) -> &[KeptRow] {
        &self.rows
    }
}
