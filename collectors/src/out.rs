//! Where a collector puts what it measured: one growing text of names and one list of values, both kept between runs,
//! so that a steady collector allocates nothing per value.

use std::fmt::Write as _;
use std::time::Duration;

use whisper::Timestamp;

use crate::{Bits, Change, Slot};

/// The raw values of one run.
#[derive(Debug, Default)]
pub struct Out {
    names: String,
    samples: Vec<Sample>,
    scope: Scope,
    at: Duration,
    changes: Vec<Change>,
    /// Names are those that Diamond's points ended up under.
    diamond: bool,
}

/// One value with all that the agent needs to know about it. Its name is asked from the [`Out`].
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    start: usize,
    end: usize,
    /// What was measured.
    pub value: Value,
    /// What the result is multiplied with.
    pub scale: f64,
    /// How the result is printed.
    pub style: Style,
    /// What the result counts.
    pub unit: Unit,
    /// Whether the name is this host's or the same everywhere.
    pub scope: Scope,
    /// When it was measured, on the clock of [`Slot::monotonic`].
    pub at: Duration,
    /// The timestamp that its source gave it, if it is another than the slot's.
    pub time: Option<Timestamp>,
}

/// A raw value by its kind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// Is sent as it is.
    Gauge(f64),
    /// Grows; its rate per second is sent.
    Counter {
        /// The reading.
        raw: u64,
        /// Where it wraps.
        bits: Bits,
    },
    /// A sum with a fraction that grows, such as seconds spent; its rate per second is sent.
    Total(f64),
    /// A sum over events; `NAME.rate` (events per second) and `NAME.avg` (sum per event of the interval) are sent.
    Avg {
        /// Sum over all events since the source began.
        sum: f64,
        /// Number of those events.
        count: u64,
    },
    /// As [`Value::Total`], of which 0 is sent when it fell.
    Growth(f64),
    /// As [`Value::Avg`], of which the sum per event of the interval is sent as `NAME`, and 0 when there were none.
    Mean {
        /// Sum over all events since the source began.
        sum: f64,
        /// Number of those events.
        count: u64,
    },
    /// The sum of what is sent for so many samples right before it, each cut to a whole number first: how Diamond makes
    /// some of its totals. Only where Diamond is followed.
    SumOf(u16),
}

/// How a value is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Fixed decimals, as Diamond's `precision` gives.
    Decimals(u8),
    /// A whole number, cut towards zero: some collectors of Diamond's publish the `int()` of a rate.
    Whole,
    /// This many significant digits, as C's `%g`: trailing zeros cut, an exponent where it is shorter.
    Significant(u8),
}

/// What a value counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the unit it says")]
#[non_exhaustive]
pub enum Unit {
    #[default]
    None,
    Bits,
    Bytes,
    Percent,
    Seconds,
    Milliseconds,
}

/// Under which root a name stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// `PREFIX.HOST.` goes before the name.
    #[default]
    Host,
    /// The name is whole as it is, because the thing is the same wherever it runs: a Ceph daemon that moves.
    World,
}

/// A sample just added, to be described further.
#[derive(Debug)]
pub struct Added<'a>(&'a mut Sample);

/// A place in an [`Out`] to fall back to.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    names: usize,
    samples: usize,
}

impl Out {
    /// One whose names are not cleaned as ours are: see [`clean_as_diamond`].
    pub fn like_diamond() -> Out {
        Out { diamond: true, ..Out::default() }
    }

    /// Empty, for the run of `slot`; the memory of the last run is kept.
    pub fn begin(&mut self, slot: Slot) {
        self.names.clear();
        self.samples.clear();
        self.changes.clear();
        self.scope = Scope::Host;
        self.at = slot.monotonic;
    }

    /// Says under which root the names that follow stand; a run begins with [`Scope::Host`].
    pub fn scope(&mut self, scope: Scope) {
        self.scope = scope;
    }

    /// Says when the values that follow were measured, for a run that takes its time; it begins with the slot's.
    pub fn measured_at(&mut self, monotonic: Duration) {
        self.at = monotonic;
    }

    /// Adds a value that is sent as it is. A value that is no number is left out.
    ///
    /// `path` is the name by its parts, each of which may hold anything: see [`clean`].
    pub fn gauge(&mut self, path: &[&str], value: f64) -> Added<'_> {
        self.add(path, Value::Gauge(value))
    }

    /// Adds the reading of a counter, of which the rate per second is sent.
    pub fn counter(&mut self, path: &[&str], raw: u64, bits: Bits) -> Added<'_> {
        self.add(path, Value::Counter { raw, bits })
    }

    /// Adds the reading of a growing sum with a fraction, of which the rate per second is sent.
    pub fn total(&mut self, path: &[&str], sum: f64) -> Added<'_> {
        self.add(path, Value::Total(sum))
    }

    /// Adds a sum over events: `PATH.rate` and, when there were events in the interval, `PATH.avg` are sent.
    pub fn avg(&mut self, path: &[&str], sum: f64, count: u64) -> Added<'_> {
        self.add(path, Value::Avg { sum, count })
    }

    /// Adds the sum of what is sent for the `count` samples before it, see [`Value::SumOf`].
    pub fn sum_of(&mut self, path: &[&str], count: u16) -> Added<'_> {
        self.add(path, Value::SumOf(count))
    }

    /// Adds a value under a name that needs no cleaning: `parts` follow each other with dots between them, and those
    /// that are empty are left out.
    pub fn value(&mut self, parts: &[&str], value: Value) -> Added<'_> {
        let start = self.names.len();
        for part in parts.iter().filter(|part| !part.is_empty()) {
            if self.names.len() > start {
                self.names.push('.');
            }
            self.names.push_str(part);
        }
        self.push(start, value)
    }

    /// Tells that something changed at the source; see [`Change`].
    pub fn change(&mut self, change: Change) {
        self.changes.push(change);
    }

    /// The changes of this run, which are taken out.
    pub fn take_changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.changes)
    }

    fn add(&mut self, path: &[&str], value: Value) -> Added<'_> {
        let start = self.names.len();
        for part in path {
            if self.diamond {
                clean_as_diamond(part, start, &mut self.names);
                continue;
            }
            if self.names.len() > start {
                self.names.push('.');
            }
            clean(part, &mut self.names);
        }
        self.push(start, value)
    }

    fn push(&mut self, start: usize, value: Value) -> Added<'_> {
        self.samples.push(Sample {
            start,
            end: self.names.len(),
            value,
            scale: 1.0,
            style: Style::Decimals(0),
            unit: Unit::None,
            scope: self.scope,
            at: self.at,
            time: None,
        });
        let last = self.samples.len() - 1;
        Added(&mut self.samples[last])
    }

    /// The state of now, for [`rewind`](Out::rewind).
    pub fn mark(&self) -> Mark {
        Mark { names: self.names.len(), samples: self.samples.len() }
    }

    /// Forgets what was added since `mark`: half an answer is no answer.
    pub fn rewind(&mut self, mark: Mark) {
        self.names.truncate(mark.names);
        self.samples.truncate(mark.samples);
    }

    /// All samples with their names below the scope's root, in the order they were added.
    pub fn samples(&self) -> impl Iterator<Item = (&str, &Sample)> {
        self.samples.iter().map(|sample| (&self.names[sample.start..sample.end], sample))
    }

    /// How many samples there are.
    pub fn len(&self) -> usize {
        self.samples.len()
    }

    /// Whether nothing was measured.
    pub fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }
}

impl Added<'_> {
    /// Prints the value with `digits` decimals. Without it there are none.
    pub fn decimals(self, digits: u8) -> Self {
        self.0.style = Style::Decimals(digits);
        self
    }

    /// Prints the value without decimals, cut and not rounded.
    pub fn whole(self) -> Self {
        self.0.style = Style::Whole;
        self
    }

    /// Prints the value with up to `digits` significant digits.
    pub fn significant(self, digits: u8) -> Self {
        self.0.style = Style::Significant(digits);
        self
    }

    /// Prints the value in `style`.
    pub fn style(self, style: Style) -> Self {
        self.0.style = style;
        self
    }

    /// Multiplies what is sent with `factor`.
    pub fn scale(self, factor: f64) -> Self {
        self.0.scale = factor;
        self
    }

    /// Says which timestamp the value carries instead of the slot's.
    pub fn time(self, time: Timestamp) -> Self {
        self.0.time = Some(time);
        self
    }

    /// Says what is counted.
    pub fn unit(self, unit: Unit) -> Self {
        self.0.unit = unit;
        self
    }
}

impl Style {
    /// Appends `value` as text.
    pub fn print(self, value: f64, text: &mut String) {
        if self.print_easy(value, text).is_some() {
            return;
        }
        // Writing to a String cannot fail.
        let _ = match self {
            Style::Decimals(digits) => write!(text, "{value:.*}", usize::from(digits)),
            // Adding zero takes the sign from what was cut to a negative zero.
            Style::Whole => write!(text, "{:.0}", value.trunc() + 0.0),
            Style::Significant(digits) => print_significant(value, digits.max(1).into(), text),
        };
    }

    /// Prints what whole numbers suffice for, in a quarter of the time: nearly all that is measured.
    fn print_easy(self, value: f64, text: &mut String) -> Option<()> {
        // Up to here neighbouring numbers are a thousandth apart or closer.
        const LARGEST: f64 = (1_u64 << 43) as f64;
        if !(0.0..LARGEST).contains(&value) || value.is_sign_negative() {
            return None;
        }
        let power = match self {
            Style::Decimals(digits) => 10_u64.checked_pow(digits.into()).filter(|power| *power <= 10_000)?,
            Style::Whole => 1,
            Style::Significant(digits) => {
                let room = 10_u64.checked_pow(digits.min(18).into())?;
                ((value as u64) as f64 == value && (value as u64) < room).then_some(1)?
            }
        };
        let whole = value as u64;
        let parts = (value - whole as f64) * power as f64;
        let rounded = match self {
            Style::Whole => 0,
            // In the middle the last bit decides, and the multiplication may have lost it.
            _ if (parts.fract() - 0.5).abs() < 1e-6 => return None,
            _ => (parts + 0.5) as u64,
        };
        let (whole, rounded) = (whole + rounded / power, rounded % power);
        push_number(whole, 1, text);
        if let Style::Decimals(digits @ 1..) = self {
            text.push('.');
            push_number(rounded, digits.into(), text);
        }
        Some(())
    }
}

/// Appends `number` with at least `least` digits.
fn push_number(mut number: u64, least: usize, text: &mut String) {
    let mut digits = [b'0'; 20];
    let mut at = digits.len();
    while number > 0 || digits.len() - at < least.min(20) {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
    }
    text.extend(digits[at..].iter().map(|digit| char::from(*digit)));
}

/// C's `%.{digits}g`: plain when the exponent is at least -4 and below `digits`, else with an exponent of two digits.
fn print_significant(value: f64, digits: usize, text: &mut String) -> std::fmt::Result {
    if !value.is_finite() || value == 0.0 {
        return write!(text, "{value}");
    }
    let start = text.len();
    write!(text, "{value:.*e}", digits - 1)?;
    let Some(e) = text[start..].find('e').map(|at| start + at) else { return Ok(()) };
    let exponent: i32 = text[e + 1..].parse().unwrap_or(0);
    if (-4..digits as i32).contains(&exponent) {
        text.truncate(start);
        let decimals = digits as i32 - 1 - exponent;
        write!(text, "{value:.*}", decimals.max(0) as usize)?;
        cut_zeros(start, text);
        return Ok(());
    }
    text.truncate(e);
    cut_zeros(start, text);
    write!(text, "e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
}

fn cut_zeros(start: usize, text: &mut String) {
    if text[start..].contains('.') {
        let kept = text.trim_end_matches('0').trim_end_matches('.').len();
        text.truncate(kept);
    }
}

/// Appends `part` as one part of a metric name: what would end the part, the line or the field, or leave a directory
/// (dots, slashes, spaces, control characters), becomes `_`. An empty part becomes `_`, too.
pub fn clean(part: &str, name: &mut String) {
    if part.is_empty() {
        name.push('_');
    }
    if part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')) {
        name.push_str(part);
        return;
    }
    for c in part.chars() {
        let bad = matches!(c, '.' | '/' | '\\' | ';') || c.is_whitespace() || c.is_control();
        name.push(if bad { '_' } else { c });
    }
}

/// Appends `part` to the name that begins at `start`, as the series was called that Diamond's points went to: dots and
/// slashes part it further, because a slash led carbon into a folder. What no series could be made of becomes `_`.
pub fn clean_as_diamond(part: &str, start: usize, name: &mut String) {
    for piece in part.split(['.', '/']).filter(|piece| !piece.is_empty()) {
        if name.len() > start {
            name.push('.');
        }
        name.extend(piece.chars().map(|c| if c == ';' || c.is_whitespace() || c.is_control() { '_' } else { c }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn prints(style: Style, value: f64, expected: &str) {
        let mut text = String::from("name ");
        style.print(value, &mut text);
        assert_eq!(text, format!("name {expected}"));
    }

    #[test]
    fn significant_digits_print_as_c_does() {
        let style = Style::Significant(6);
        prints(style, 0.0, "0");
        prints(style, 1485.3, "1485.3");
        prints(style, 0.6996232, "0.699623");
        prints(style, 5.073_170_4e-6, "5.07317e-06");
        prints(style, 1_280_330.0, "1.28033e+06");
        prints(style, 999_999.7, "1e+06");
        prints(style, 100.0, "100");
        prints(style, -0.000_123_4, "-0.0001234");
        prints(style, 1e-320, "9.99989e-321");
    }

    #[test]
    fn decimals_are_fixed() {
        prints(Style::Decimals(2), 2.0, "2.00");
        prints(Style::Decimals(0), 0.5, "0");
    }

    #[test]
    fn what_is_easy_to_print_is_printed_as_the_library_does() {
        let mut bits = 0x9e37_79b9_7f4a_7c15_u64;
        for _ in 0..2_000 {
            bits ^= bits << 13;
            bits ^= bits >> 7;
            bits ^= bits << 17;
            let whole = bits >> (bits % 64);
            // Hundredths and halves of them, whose last digit is a matter of the last bit, and anything else.
            for value in
                [whole as f64 / 200.0, whole as f64 / 8.0, whole as f64, bits as f64 / 1e7, f64::from_bits(bits)]
            {
                for digits in 0..6 {
                    prints(Style::Decimals(digits), value, &format!("{value:.*}", usize::from(digits)));
                }
                prints(Style::Whole, value, &format!("{:.0}", value.trunc() + 0.0));
                let (mut significant, mut expected) = (String::new(), String::new());
                Style::Significant(6).print(value, &mut significant);
                print_significant(value, 6, &mut expected).unwrap();
                assert_eq!(significant, expected);
            }
        }
    }

    #[test]
    fn a_whole_number_is_cut() {
        prints(Style::Whole, 1167.6, "1167");
        prints(Style::Whole, -0.4, "0");
    }

    #[test]
    fn a_part_of_a_name_stays_one_part() {
        let mut out = Out::default();
        out.gauge(&["diskspace", "my disk/a.b", ""], 1.0);
        let names: Vec<&str> = out.samples().map(|(name, _)| name).collect();
        assert_eq!(names, ["diskspace.my_disk_a_b._"]);
    }

    #[test]
    fn as_diamond_has_it_dots_and_slashes_part_a_name() {
        let mut out = Out::like_diamond();
        out.gauge(&["diskspace", "/my disk/../a.b", "", "c;d"], 1.0);
        let names: Vec<&str> = out.samples().map(|(name, _)| name).collect();
        assert_eq!(names, ["diskspace.my_disk.a.b.c_d"]);
    }

    #[test]
    fn a_rewound_answer_leaves_nothing() {
        let mut out = Out::default();
        out.gauge(&["a"], 1.0);
        let mark = out.mark();
        out.gauge(&["b"], 2.0);
        out.rewind(mark);
        out.gauge(&["c"], 3.0);
        let names: Vec<&str> = out.samples().map(|(name, _)| name).collect();
        assert_eq!(names, ["a", "c"]);
    }
}
