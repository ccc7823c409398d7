//! The form of the kernel's pressure files, those of the host and those of a control group:
//!
//! ```text
//! some avg10=19.77 avg60=9.88 avg300=5.30 total=64225492      total in microseconds
//! full avg10=0.84 avg60=0.25 avg300=0.09 total=3332506
//! ```

use std::path::Path;

use crate::proc::{fields, lines, number, text};
use crate::{Bits, Fail, Out, Unit};

/// The kernel's own means that can be asked for.
const MEANS: [&str; 3] = ["avg10", "avg60", "avg300"];

/// Publishes `PATH.some.percent` and `PATH.full.percent`, the share of the interval in which some or all who had work
/// were stalled; with `means` the kernel's means beside them.
///
/// # Errors
/// [`Fail::Parse`] at the first line without a total, or with one that is no number.
pub(crate) fn publish(path: &Path, pressure: &[u8], name: &[&str], means: bool, out: &mut Out) -> Result<(), Fail> {
    // No name of ours has as many parts; the end of a longer one would be left out.
    let mut parts = [""; 16];
    let depth = name.len().min(parts.len() - 2);
    parts[..depth].copy_from_slice(&name[..depth]);
    for (at, line) in lines(pressure) {
        let mut columns = fields(line);
        let Some(kind) = columns.next().and_then(text).filter(|kind| matches!(*kind, "some" | "full")) else {
            continue;
        };
        parts[depth] = kind;
        let mut total = None;
        for column in columns {
            let Some((key, value)) = text(column).and_then(|column| column.split_once('=')) else { continue };
            if key == "total" {
                total = number(value.as_bytes());
            }
            let mean = MEANS.iter().find(|mean| means && **mean == key).copied();
            if let (Some(mean), Ok(percent)) = (mean, value.parse()) {
                parts[depth + 1] = mean;
                out.gauge(&parts[..depth + 2], percent).decimals(2).unit(Unit::Percent);
            }
        }
        let total = total.ok_or_else(|| Fail::parse(path, at, "`total=` with a number of microseconds", line))?;
        parts[depth + 1] = "percent";
        // Microseconds a second, of a million.
        out.counter(&parts[..depth + 2], total, Bits::B64).scale(1e-4).decimals(2).unit(Unit::Percent);
    }
    Ok(())
}
