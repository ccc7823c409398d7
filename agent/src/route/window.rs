//! One value for several: per series the values of a window, which is sent when it is over.
//!
//! The value carries the first second of its window, and windows begin at multiples of their length, so that they fall
//! into the slots of an archive with that step. A window is over when a later value of its series comes, or a slot after
//! its end. A stop sends what it has of the open windows, and a start gives nothing for the window it falls into: so a
//! window that straddles a restart holds what was before, once, and none is sent twice with two values.

use foldhash::fast::RandomState;
use hashbrown::HashMap;
use whisper::Interval;

/// Values of one window that a percentile is made of at most.
pub(crate) const MOST_VALUES: usize = 3600;

/// Values that all percentiles of a route hold at most.
const MOST_HELD: usize = 500_000;

/// What is made of the values of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    Avg,
    Min,
    Max,
    Last,
    Sum,
    /// The smallest value that so many per cent of the values do not exceed.
    Percentile(u8),
}

impl Method {
    pub(crate) fn parse(text: &str) -> Option<Method> {
        Some(match text {
            "avg" => Method::Avg,
            "min" => Method::Min,
            "max" => Method::Max,
            "last" => Method::Last,
            "sum" => Method::Sum,
            _ => {
                let per_cent = text.strip_prefix('p')?.parse().ok()?;
                Method::Percentile((1..=100).contains(&per_cent).then_some(per_cent)?)
            }
        })
    }
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Window {
    method: Method,
    length: u32,
    slot: u32,
    most: usize,
    series: HashMap<Box<str>, Gathered, RandomState>,
    /// Values held for percentiles.
    held: usize,
    /// Windows that begin earlier belong to somebody else.
    first: u32,
    next_look: u32,
}

/// One series' window.
#[derive(Debug, Default)]
struct Gathered {
    start: u32,
    /// It was sent.
    over: bool,
    count: u64,
    value: f64,
    last: u32,
    values: Vec<f64>,
}

impl Window {
    pub(crate) fn new(method: Method, length: Interval, slot: Interval, most: usize, now: u32) -> Window {
        let (length, slot) = (length.secs(), slot.secs());
        let first = now.saturating_add(length - 1) / length * length;
        Window { method, length, slot, most, series: HashMap::default(), held: 0, first, next_look: 0 }
    }

    /// Series that have an open window.
    pub(crate) fn len(&self) -> usize {
        self.series.len()
    }

    /// Enters a value; gives a window to `send` that it ends. `false` when it comes too late, is of the future, or there
    /// is no room for it.
    pub(crate) fn enter(&mut self, name: &str, value: f64, time: u32, now: u32, send: impl FnOnce(u32, f64)) -> bool {
        let start = time - time % self.length;
        if start < self.first || time > now.saturating_add(self.length) {
            return false;
        }
        let Some(gathered) = self.series.get_mut(name) else {
            if self.series.len() >= self.most || self.is_full() {
                return false;
            }
            let mut gathered = Gathered { start, ..Gathered::default() };
            self.held += gathered.add(self.method, value, time);
            self.series.insert(name.into(), gathered);
            return true;
        };
        if start < gathered.start || (start == gathered.start && gathered.over) {
            return false;
        }
        if start > gathered.start {
            self.held -= gathered.end(self.method, send);
            gathered.start = start;
            gathered.over = false;
        }
        let full = self.held >= MOST_HELD || gathered.values.len() >= MOST_VALUES;
        if full && matches!(self.method, Method::Percentile(_)) {
            return false;
        }
        self.held += gathered.add(self.method, value, time);
        true
    }

    fn is_full(&self) -> bool {
        self.held >= MOST_HELD
    }

    /// Gives all windows that ended a slot before `now`, and forgets series that say nothing any more.
    pub(crate) fn look(&mut self, now: u32, mut send: impl FnMut(&str, u32, f64)) {
        if now < self.next_look {
            return;
        }
        let (method, length, over) = (self.method, self.length, now.saturating_sub(self.slot));
        self.next_look = (over - over % length).saturating_add(length).saturating_add(self.slot);
        let mut held = 0;
        self.series.retain(|name, gathered| {
            if gathered.start.saturating_add(length) <= over {
                gathered.end(method, |time, value| send(name, time, value));
                gathered.over = true;
            }
            held += gathered.values.len();
            // Kept for two windows more, so that what comes late does not begin one anew that was sent.
            gathered.start.saturating_add(length.saturating_mul(3)) > over
        });
        self.held = held;
    }

    /// Gives all open windows as they are: nothing more will come.
    pub(crate) fn finish(&mut self, mut send: impl FnMut(&str, u32, f64)) {
        for (name, gathered) in &mut self.series {
            gathered.end(self.method, |time, value| send(name, time, value));
        }
        self.series.clear();
        self.held = 0;
    }
}

impl Gathered {
    /// Gives how many values more are held.
    fn add(&mut self, method: Method, value: f64, time: u32) -> usize {
        self.count += 1;
        if let Method::Percentile(_) = method {
            self.values.push(value);
            return 1;
        }
        self.value = match method {
            _ if self.count == 1 => value,
            Method::Avg | Method::Sum | Method::Percentile(_) => self.value + value,
            Method::Min => self.value.min(value),
            Method::Max => self.value.max(value),
            Method::Last if time >= self.last => value,
            Method::Last => self.value,
        };
        self.last = self.last.max(time);
        0
    }

    /// Gives what was gathered to `send`, if anything, and how many values are held no more.
    fn end(&mut self, method: Method, send: impl FnOnce(u32, f64)) -> usize {
        if self.count == 0 {
            return 0;
        }
        let value = match method {
            Method::Avg => self.value / self.count as f64,
            Method::Percentile(per_cent) => percentile(&mut self.values, per_cent),
            _ => self.value,
        };
        let held = self.values.len();
        send(self.start, value);
        self.count = 0;
        self.values.clear();
        held
    }
}

/// The nearest rank; `values` are not empty.
fn percentile(values: &mut [f64], per_cent: u8) -> f64 {
    let rank = (values.len() * usize::from(per_cent)).div_ceil(100).max(1) - 1;
    *values.select_nth_unstable_by(rank, f64::total_cmp).1
}
