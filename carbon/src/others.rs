//! Numbers that other parts of the process have reported with carbon's own.

use std::fmt;
use std::sync::{Mutex, PoisonError};

/// Numbers that are asked for at each report.
type Numbers = Box<dyn FnMut() -> Vec<(String, f64)> + Send>;

/// Numbers of other parts of the process.
#[derive(Default)]
pub(crate) struct Others(Mutex<Vec<Numbers>>);

impl Others {
    pub(crate) fn add(&self, numbers: Numbers) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(numbers);
    }

    pub(crate) fn numbers(&self) -> Vec<(String, f64)> {
        let mut others = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        others.iter_mut().flat_map(|numbers| numbers()).collect()
    }
}

impl fmt::Debug for Others {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Others")
    }
}
