//! One value of a run with what has to be known to send it.

use std::time::Duration;

use whisper::Timestamp;

use crate::{Bits, Style};

/// One value with all that the agent needs to know about it. Its name is asked from the [`Out`](crate::Out).
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// Where its name lies in the text of names.
    pub(crate) start: usize,
    pub(crate) end: usize,
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
    /// When it was measured, on the clock of [`Slot::monotonic`](crate::Slot::monotonic).
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
pub struct Added<'a>(pub(crate) &'a mut Sample);

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
