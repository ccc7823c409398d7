//! The last readings of all collectors as a text, so that a restart makes no gap, no zero and no spike. One thing a line,
//! its name last:
//!
//! ```text
//! plumbago-readings 2 BOOT NUMBER  of two texts that with the higher number is the later one
//! collector NAME                whose the lines below are
//! c BITS READING AT NAME        a counter of 32 or 64 bits, read AT nanoseconds after the boot
//! t SUM AT NAME                 a growing sum, by the bits of its double
//! a SUM COUNT AT NAME           a sum over events
//! k AT N,N,.. NAME              what the collector keeps itself; AT is `-` when it holds over a reboot
//! end CRC                       of all above, in hexadecimal; another one says that the file was written in part
//! ```

use std::collections::HashMap;
use std::fmt::Write as _;
use std::time::Duration;

use collectors::{Bits, Kept, Value};

use crate::job::Job;
use crate::rate::Rates;

const HEAD: &str = "plumbago-readings 2 ";

/// A reading is used again for this long, or for ten runs of its collector where that is longer.
const LONGEST: Duration = Duration::from_secs(300);

/// What an earlier start left, by collector.
#[derive(Debug, Default)]
pub(crate) struct Remembered {
    /// That of the text.
    pub(crate) number: u64,
    collectors: HashMap<String, Past>,
}

#[derive(Debug, Default)]
struct Past {
    readings: Vec<(String, Value, Duration)>,
    kept: Kept,
}

impl Remembered {
    /// Reads `text`. Of another boot than `boot` only what holds for good is taken.
    ///
    /// # Errors
    /// What is wrong with it; nothing of a damaged file is used.
    pub(crate) fn parse(text: &str, boot: Option<&str>) -> Result<Remembered, &'static str> {
        let (body, end) = text.trim_end_matches('\n').rsplit_once('\n').ok_or("it has no lines")?;
        let mut lines = body.lines();
        let head = lines.next().and_then(|head| head.strip_prefix(HEAD)).ok_or("it is of another version")?;
        if end.strip_prefix("end ") != Some(&*check(body)) {
            return Err("it was written in part");
        }
        let (written, number) = head.split_once(' ').ok_or("its first line cannot be read")?;
        let number = number.parse().map_err(|_| "its first line cannot be read")?;
        let same_boot = boot == Some(written);
        let mut collectors = HashMap::<String, Past>::new();
        let mut past = &mut Past::default();
        for line in lines {
            if let Some(name) = line.strip_prefix("collector ") {
                past = collectors.entry(name.to_owned()).or_default();
            } else {
                past.take(line, same_boot).ok_or("a line of it cannot be read")?;
            }
        }
        Ok(Remembered { number, collectors })
    }

    /// Gives `job`, which runs each `interval`, what was remembered for it and is not too old at `now`.
    pub(crate) fn give(&mut self, job: &mut Job, interval: Duration, now: Duration) {
        let Some(past) = self.collectors.remove(job.spec().name) else { return };
        let longest = LONGEST.max(interval.saturating_mul(10));
        let fresh = |at: Duration| now.checked_sub(at).is_some_and(|age| age <= longest);
        let mut rates = Rates::default();
        for (name, value, at) in past.readings.iter().filter(|(_, _, at)| fresh(*at)) {
            rates.recall(name, *value, *at);
        }
        let mut kept = Kept::default();
        for row in past.kept.rows().iter().filter(|row| row.at.is_none_or(fresh)) {
            kept.add(&row.name, row.at, row.numbers.clone());
        }
        job.recall(rates, &kept);
    }
}

impl Past {
    fn take(&mut self, line: &str, same_boot: bool) -> Option<()> {
        let (kind, rest) = line.split_once(' ')?;
        let (value, rest) = match kind {
            "c" => {
                let (bits, rest) = rest.split_once(' ')?;
                let (raw, rest) = rest.split_once(' ')?;
                let bits = if bits == "32" { Bits::B32 } else { Bits::B64 };
                (Value::Counter { raw: raw.parse().ok()?, bits }, rest)
            }
            "t" => {
                let (sum, rest) = rest.split_once(' ')?;
                (Value::Total(double(sum)?), rest)
            }
            "g" => {
                let (sum, rest) = rest.split_once(' ')?;
                (Value::Growth(double(sum)?), rest)
            }
            "a" | "m" => {
                let (sum, rest) = rest.split_once(' ')?;
                let (count, rest) = rest.split_once(' ')?;
                let (sum, count) = (double(sum)?, count.parse().ok()?);
                (if kind == "a" { Value::Avg { sum, count } } else { Value::Mean { sum, count } }, rest)
            }
            "k" => return self.keep(rest, same_boot),
            _ => return None,
        };
        let (at, name) = rest.split_once(' ')?;
        if same_boot {
            self.readings.push((name.to_owned(), value, nanoseconds(at)?));
        }
        Some(())
    }

    fn keep(&mut self, rest: &str, same_boot: bool) -> Option<()> {
        let (at, rest) = rest.split_once(' ')?;
        let (numbers, name) = rest.split_once(' ')?;
        let at = if at == "-" { None } else { Some(nanoseconds(at)?) };
        let numbers = numbers.split(',').filter(|number| !number.is_empty()).map(|number| number.parse().ok());
        let numbers = numbers.collect::<Option<Vec<u64>>>()?;
        if same_boot || at.is_none() {
            self.kept.add(name, at, numbers);
        }
        Some(())
    }
}

fn double(bits: &str) -> Option<f64> {
    u64::from_str_radix(bits, 16).ok().map(f64::from_bits).filter(|sum| sum.is_finite())
}

fn nanoseconds(text: &str) -> Option<Duration> {
    text.parse().ok().map(Duration::from_nanos)
}

/// Since the boot, which is not centuries ago.
fn nanoseconds_of(at: Duration) -> u64 {
    at.as_nanos().try_into().unwrap_or(u64::MAX)
}

/// What the last line says of the lines above it.
fn check(body: &str) -> String {
    format!("{:08x}", crc32fast::hash(body.trim_end_matches('\n').as_bytes()))
}

/// Begins the text `number`, of this `boot`.
pub(crate) fn begin(boot: Option<&str>, number: u64, text: &mut String) {
    text.clear();
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{HEAD}{} {number}", boot.unwrap_or("-"));
}

/// Appends what `job` remembers.
pub(crate) fn append(job: &Job, text: &mut String) {
    let (rates, kept) = job.memory();
    let begun = text.len();
    // Writing to a String cannot fail.
    let _ = writeln!(text, "collector {}", job.spec().name);
    let empty = text.len();
    for (name, value, at) in rates.readings() {
        let at = nanoseconds_of(at);
        let _ = match value {
            Value::Counter { raw, bits } => {
                writeln!(text, "c {} {raw} {at} {name}", if bits == Bits::B32 { 32 } else { 64 })
            }
            Value::Total(sum) => writeln!(text, "t {:x} {at} {name}", sum.to_bits()),
            Value::Growth(sum) => writeln!(text, "g {:x} {at} {name}", sum.to_bits()),
            Value::Avg { sum, count } => writeln!(text, "a {:x} {count} {at} {name}", sum.to_bits()),
            Value::Mean { sum, count } => writeln!(text, "m {:x} {count} {at} {name}", sum.to_bits()),
            Value::Gauge(_) | Value::SumOf(_) => Ok(()),
        };
    }
    for row in kept.rows() {
        let _ = match row.at {
            Some(at) => write!(text, "k {} ", nanoseconds_of(at)),
            None => write!(text, "k - "),
        };
        for (nth, number) in row.numbers.iter().enumerate() {
            let _ = write!(text, "{}{number}", if nth > 0 { "," } else { "" });
        }
        let _ = writeln!(text, " {}", row.name);
    }
    if text.len() == empty {
        text.truncate(begun);
    }
}

/// Ends a text.
pub(crate) fn end(text: &mut String) {
    let _ = writeln!(text, "end {}", check(text));
}

#[cfg(test)]
mod tests;
