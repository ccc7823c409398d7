//! Enters what a plugin says into an [`Out`]: values below the plugin's name, by the types and units it has declared.

use std::time::Duration;

use collectors::{Bits, Kept, Out, Scope, Slot, Unit};
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use whisper::Timestamp;

use super::notes::Notes;
use super::voice::Voice;
use super::word::{self, Kind, Reading, Word};

/// What a declared path costs beside its letters, which lie here and, when it is a counter, once more beside its last
/// reading: two rows of maps that are half full, and what the allocator adds.
const DECLARED: usize = 200;
/// A longer path is none.
const LONGEST_PATH: usize = 1024;
/// Digits of a rate.
const DIGITS: u8 = 6;

/// What is remembered of a plugin between its runs.
#[derive(Debug)]
pub(super) struct Book {
    name: String,
    most: usize,
    declared: HashMap<Box<str>, (Kind, Unit), RandomState>,
    /// Memory for what it declares and keeps, and how much of it what it declares takes.
    room: usize,
    declared_bytes: usize,
    /// What it wants to know again at its next start.
    pub(super) kept: Notes,
    /// Counts of this run.
    lines: usize,
    points: usize,
    bad: usize,
    /// The first bad line since there was a run without any, so that the same trouble has the same words.
    trouble: Option<String>,
}

/// What a line was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entered {
    /// A value, a declaration, a bad line.
    Line,
    /// The end of an answer.
    End,
    /// More lines than one run may have.
    TooMany,
}

/// When a line belongs to, if it does not say so.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    /// The slot.
    pub(super) time: Timestamp,
    /// When it was measured.
    pub(super) at: Duration,
}

impl From<Slot> for Moment {
    fn from(slot: Slot) -> Moment {
        Moment { time: slot.time, at: slot.monotonic }
    }
}

impl Book {
    /// For the plugin `name`, of which at most `most` lines are taken each run, and which may declare and keep what fits
    /// into `room` bytes.
    pub(super) fn new(name: &str, most: usize, room: usize) -> Book {
        Book {
            name: name.to_owned(),
            most,
            declared: HashMap::default(),
            room,
            declared_bytes: 0,
            kept: Notes::default(),
            lines: 0,
            points: 0,
            bad: 0,
            trouble: None,
        }
    }

    /// Takes back, before the first run, what an earlier start has kept.
    pub(super) fn recall(&mut self, kept: &Kept) {
        self.kept.recall(kept, self.room);
    }

    /// Begins a run.
    pub(super) fn begin(&mut self) {
        (self.lines, self.points, self.bad) = (0, 0, 0);
    }

    /// Values of this run.
    pub(super) fn points(&self) -> usize {
        self.points
    }

    /// Bad lines of this run.
    pub(super) fn bad(&self) -> usize {
        self.bad
    }

    /// What is wrong with the lines, in the same words for as long as some are; ends a run.
    pub(super) fn trouble(&mut self) -> Option<&str> {
        if self.bad == 0 {
            self.trouble = None;
        }
        self.trouble.as_deref()
    }

    /// Enters one line.
    pub(super) fn enter(&mut self, line: &[u8], moment: Moment, out: &mut Out, voice: &mut Voice) -> Entered {
        if self.lines >= self.most {
            return Entered::TooMany;
        }
        self.lines += 1;
        match word::read(line) {
            Ok(Word::End) => return Entered::End,
            Ok(Word::Nothing) => {}
            Ok(Word::Log(level, text)) => voice.say(level, text.as_bytes()),
            Ok(Word::Value(reading)) if reading.path.len() > LONGEST_PATH => self.refuse(line, "has too long a path"),
            Ok(Word::Value(reading)) => self.enter_value(reading, moment, out),
            Ok(Word::Keep(name, numbers)) => {
                let room = self.room.saturating_sub(self.declared_bytes);
                if let Err(fault) = self.kept.take(name, numbers, moment.at, room) {
                    self.refuse(line, fault);
                }
            }
            Ok(Word::Type(path, kind)) => self.declare(line, path, |declared| declared.0 = kind),
            Ok(Word::Unit(path, unit)) => self.declare(line, path, |declared| declared.1 = unit),
            Err(fault) => self.refuse(line, fault),
        }
        Entered::Line
    }

    /// Counts a line that was too long to be kept.
    pub(super) fn too_long(&mut self) -> Entered {
        if self.lines >= self.most {
            return Entered::TooMany;
        }
        self.lines += 1;
        self.refuse(b"", "is too long");
        Entered::Line
    }

    fn refuse(&mut self, line: &[u8], fault: &str) {
        self.bad += 1;
        self.trouble.get_or_insert_with(|| match line {
            b"" => format!("a line {fault}"),
            _ => format!("the line `{}` {fault}", super::voice::escaped(line, 80)),
        });
    }

    fn declare(&mut self, line: &[u8], path: &str, change: impl FnOnce(&mut (Kind, Unit))) {
        if !self.declared.contains_key(path) {
            let bytes = 2 * path.len() + DECLARED;
            if path.len() > LONGEST_PATH || self.declared_bytes + self.kept.bytes() + bytes > self.room {
                self.refuse(line, "declares one path too many");
                return;
            }
            self.declared_bytes += bytes;
            self.declared.insert(path.into(), (Kind::Gauge, Unit::None));
        }
        if let Some(declared) = self.declared.get_mut(path) {
            change(declared);
        }
    }

    fn enter_value(&mut self, reading: Reading<'_>, moment: Moment, out: &mut Out) {
        let (kind, unit) = self.declared.get(reading.path).copied().unwrap_or((Kind::Gauge, Unit::None));
        let whole = reading.path.strip_prefix('=');
        let mut parts = Vec::with_capacity(8);
        if whole.is_none() {
            parts.push(self.name.as_str());
        }
        parts.extend(whole.unwrap_or(reading.path).split('.').filter(|part| !part.is_empty()));
        out.scope(if whole.is_some() { Scope::World } else { Scope::Host });
        let (at, time) = match reading.time {
            None => (moment.at, moment.time),
            Some(time) => (shifted(moment, time), Timestamp::from_secs(time)),
        };
        out.measured_at(at);
        let added = match kind {
            Kind::Gauge => match decimals(reading.text) {
                Some(digits) => out.gauge(&parts, reading.value).decimals(digits),
                None => out.gauge(&parts, reading.value).significant(17),
            },
            Kind::Counter | Kind::Counter32 => {
                let bits = if kind == Kind::Counter { Bits::B64 } else { Bits::B32 };
                match reading.text.parse() {
                    Ok(raw) => out.counter(&parts, raw, bits).significant(DIGITS),
                    Err(_) => out.total(&parts, reading.value).significant(DIGITS),
                }
            }
        };
        added.unit(unit).time(time);
        self.points += 1;
    }
}

/// Where a timestamp lies on the clock that never jumps, so that the rate between two of them is over their distance.
fn shifted(moment: Moment, time: u32) -> Duration {
    let (slot, time) = (u64::from(moment.time.secs()), u64::from(time));
    match time.checked_sub(slot) {
        Some(later) => moment.at + Duration::from_secs(later),
        None => moment.at.saturating_sub(Duration::from_secs(slot - time)),
    }
}

/// How many decimals `text` has, so that it is sent as it was printed; nothing for `1e9`.
fn decimals(text: &str) -> Option<u8> {
    if text.contains(['e', 'E']) {
        return None;
    }
    let decimals = text.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    u8::try_from(decimals).ok().filter(|decimals| *decimals <= 17)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: usize = 256 << 10;

    fn run(book: &mut Book, secs: u32, lines: &[&str]) -> Vec<String> {
        let slot =
            Slot { time: Timestamp::from_secs(1000 + secs), monotonic: Duration::from_secs(u64::from(secs) + 100) };
        let (mut out, mut voice) = (Out::default(), Voice::new("p"));
        out.begin(slot);
        book.begin();
        for line in lines {
            book.enter(line.as_bytes(), slot.into(), &mut out, &mut voice);
        }
        out.samples()
            .map(|(name, sample)| {
                let time = sample.time.unwrap_or(slot.time);
                format!("{:?} {name} {:?} {:?} {time} {}", sample.scope, sample.value, sample.unit, sample.at.as_secs())
            })
            .collect()
    }

    #[test]
    fn a_path_stands_below_the_plugin_or_by_itself() {
        let found = run(&mut Book::new("p", 10, 4096), 0, &["a.b 1.5", "=x..y/z 2", "a.c 3 990"]);
        assert_eq!(
            found,
            [
                "Host p.a.b Gauge(1.5) None 1000 100",
                "World x.y_z Gauge(2.0) None 1000 100",
                "Host p.a.c Gauge(3.0) None 990 90",
            ]
        );
    }

    #[test]
    fn a_declared_counter_stays_one() {
        let mut book = Book::new("p", 10, 4096);
        run(&mut book, 0, &["#type a counter", "#unit a bytes", "a 1"]);
        assert_eq!(
            run(&mut book, 10, &["a 18446744073709551615", "a 1.5"]),
            [
                "Host p.a Counter { raw: 18446744073709551615, bits: B64 } Bytes 1010 110",
                "Host p.a Total(1.5) Bytes 1010 110",
            ]
        );
    }

    #[test]
    fn the_first_bad_line_speaks_for_all_until_there_are_none() {
        let mut book = Book::new("p", 10, 4096);
        run(&mut book, 0, &["a", "b", "c 1"]);
        assert_eq!((book.points(), book.bad()), (1, 2));
        let first = book.trouble().map(str::to_owned);
        assert_eq!(first.as_deref(), Some("the line `a` is no `path value [timestamp]`"));
        run(&mut book, 10, &["d"]);
        assert_eq!(book.trouble().map(str::to_owned), first);
        run(&mut book, 20, &["c 1"]);
        assert_eq!(book.trouble(), None);
    }

    #[test]
    fn lines_and_declarations_have_a_limit() {
        let mut book = Book::new("p", 3, 4096);
        let (mut out, mut voice) = (Out::default(), Voice::new("p"));
        let moment = Moment { time: Timestamp::from_secs(0), at: Duration::ZERO };
        let entered: Vec<_> = (0..4).map(|_| book.enter(b"a 1", moment, &mut out, &mut voice)).collect();
        assert_eq!(entered, [Entered::Line, Entered::Line, Entered::Line, Entered::TooMany]);
        book = Book::new("p", usize::MAX, ROOM);
        for number in 0..10_000 {
            book.enter(format!("#type {number}.{} counter", "x".repeat(500)).as_bytes(), moment, &mut out, &mut voice);
            book.enter(format!("#keep {number} 1 2").as_bytes(), moment, &mut out, &mut voice);
        }
        assert!(book.declared_bytes + book.kept.bytes() <= ROOM && book.bad() > 9_000);
        assert!(book.declared.len() > 50);
    }

    #[test]
    fn a_value_keeps_its_decimals() {
        assert_eq!(
            (decimals("1"), decimals("1.50"), decimals("-0.001"), decimals("1e5")),
            (Some(0), Some(2), Some(3), None)
        );
    }
}
