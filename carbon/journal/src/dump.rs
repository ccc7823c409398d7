//! Reads one segment without a journal around it: for an operator who wants to know what waits there, and for fuzzing.

use std::io::{self, Read};

use carbon_line::MetricName;
use carbon_storage::NameTable;
use whisper::Point;

use crate::generation::Generation;
use crate::layout::{Head, Kind};
use crate::points::Decoder;
use crate::records::{Found, Records};
use crate::replay::Replayed;

/// Hands over the points of a segment, `points.NUMBER`, in order, given the names file of its generation,
/// `names.GENERATION`. Nothing is written, and no lock is taken; a running journal may be read up to what it has written.
///
/// Damage is skipped and counted as at a start; a file of another kind, or of a newer layout, is all damage.
///
/// # Errors
/// When a file's first bytes cannot be read.
pub fn dump(names: impl Read, points: impl Read, mut each: impl FnMut(&MetricName, Point)) -> io::Result<Replayed> {
    let mut report = Replayed::default();
    let table = NameTable::new();
    let mut generation = match Records::open(names)? {
        (Head::Known(head), records) if head.kind == Kind::Names => {
            let (generation, found) = Generation::read(records);
            report.count(found);
            generation
        }
        _ => {
            report.damaged += 1;
            Generation::default()
        }
    };
    let (head, mut records) = Records::open(points)?;
    if !matches!(head, Head::Known(head) if head.kind == Kind::Points) {
        report.damaged += 1;
        return Ok(report);
    }
    while let Ok(Some(payload)) = records.next() {
        for point in Decoder::new(payload) {
            let Ok((id, point)) = point else {
                report.damaged += 1;
                break;
            };
            match generation.series(id, &table) {
                Some(series) => each(&table.name(series), point),
                None => report.nameless += 1,
            }
            report.points += 1;
        }
    }
    let found: Found = records.found();
    report.count(found);
    (report.segments, report.bytes, report.points) = (1, found.length, report.points - report.nameless);
    Ok(report)
}
