//! From the samples of a run to lines as they are sent.

use std::fmt::Write as _;
use std::sync::Arc;

use collectors::{Out, Sample, Style};
use whisper::Timestamp;

use crate::naming::Naming;
use crate::rate::{Outcome, Rates};

/// Longest name with its value that is sent; carbon refuses longer names, too.
const LONGEST: usize = 4096;

/// Names and rates of one collector.
#[derive(Debug)]
pub(crate) struct Teller {
    pub(crate) naming: Arc<Naming>,
    pub(crate) rates: Rates,
    /// What nearly all lines of a run end with.
    end: String,
}

/// One value, ready to be sent.
pub(crate) struct Ready<'a> {
    /// The whole name.
    pub(crate) name: &'a str,
    /// The value as it is printed.
    pub(crate) value: &'a str,
    /// What it was made from.
    pub(crate) sample: &'a Sample,
}

impl Teller {
    pub(crate) fn new(naming: Arc<Naming>) -> Teller {
        Teller { naming, rates: Rates::default(), end: String::new() }
    }

    /// Appends a line to `lines` for every value that the samples in `out` make for `slot`, and shows it to `see`; gives
    /// how many.
    pub(crate) fn tell(
        &mut self,
        out: &Out,
        slot: Timestamp,
        lines: &mut String,
        mut see: impl FnMut(Ready<'_>),
    ) -> usize {
        let Teller { naming, rates, end } = self;
        end.clear();
        Style::Whole.print(slot.secs().into(), end);
        let mut points = 0;
        for (name, sample) in out.samples() {
            let mut value = |suffix: &str, value: f64| {
                let begun = lines.len();
                naming.write(sample.scope, name, lines);
                if !suffix.is_empty() {
                    lines.push_str(suffix);
                }
                let middle = lines.len();
                lines.push(' ');
                sample.style.print(value, lines);
                if lines.len() - begun > LONGEST {
                    lines.truncate(begun);
                    return;
                }
                points += 1;
                see(Ready { name: &lines[begun..middle], value: &lines[middle + 1..], sample });
                lines.push(' ');
                match sample.time {
                    None => lines.push_str(end),
                    // Writing to a String cannot fail.
                    Some(time) => drop(write!(lines, "{time}")),
                }
                lines.push('\n');
            };
            match rates.resolve(name, sample) {
                Outcome::Nothing => {}
                Outcome::Plain(plain) => value("", plain),
                Outcome::Events { rate, avg } => {
                    value(".rate", rate);
                    if let Some(avg) = avg {
                        value(".avg", avg);
                    }
                }
            }
        }
        points
    }
}
