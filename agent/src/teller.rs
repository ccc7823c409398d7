//! From the samples of a run to names and values as they are sent.

use std::sync::Arc;

use collectors::{Out, Sample};

use crate::naming::Naming;
use crate::rate::{Outcome, Rates};

/// Longest line that is sent; carbon refuses longer names, too.
const LONGEST_LINE: usize = 4096;

/// Names and rates of one collector.
#[derive(Debug)]
pub(crate) struct Teller {
    pub(crate) naming: Arc<Naming>,
    pub(crate) rates: Rates,
    text: String,
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
        Teller { naming, rates: Rates::default(), text: String::new() }
    }

    /// Hands every value that the samples in `out` make to `emit`; gives how many.
    pub(crate) fn tell(&mut self, out: &Out, mut emit: impl FnMut(Ready<'_>)) -> usize {
        let Teller { naming, rates, text } = self;
        let mut points = 0;
        for (name, sample) in out.samples() {
            let mut value = |suffix: &str, value: f64| {
                text.clear();
                naming.write(sample.scope, name, text);
                text.push_str(suffix);
                let end = text.len();
                sample.style.print(value, text);
                if text.len() < LONGEST_LINE {
                    points += 1;
                    emit(Ready { name: &text[..end], value: &text[end..], sample });
                }
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
