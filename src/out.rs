//! Words on standard output. Whoever reads them may leave at any time (`| head -1`, a supervisor that closes the pipe);
//! that is no reason to stop, least of all for a daemon that holds points.

use std::fmt::Arguments;
use std::io::{Write, stdout};

/// Prints a line, if anybody still reads.
pub(crate) fn line(words: Arguments<'_>) {
    let _ = writeln!(stdout(), "{words}");
}
