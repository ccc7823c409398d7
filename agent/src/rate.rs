//! From raw readings to what is sent: rates over the time that really passed between two readings.
//!
//! Nothing is sent for a first reading, nor after a reset: an honest gap instead of a zero or a spike.

use std::time::Duration;

use collectors::{Sample, Value, moved};
use foldhash::fast::RandomState;
use hashbrown::HashMap;

/// Runs that a name may be missing from before its last reading is forgotten; bounds the memory of names that come and
/// go.
const REMEMBERED: u32 = 10;

/// The last readings of one collector, by name.
#[derive(Debug, Default)]
pub(crate) struct Rates {
    last: HashMap<Box<str>, Reading, RandomState>,
    run: u32,
    /// The seconds that Diamond divides by, where it is followed.
    diamond: Option<f64>,
    /// There, what became of the samples of this run, for those that are sums of others.
    sent: Vec<f64>,
}

#[derive(Debug)]
struct Reading {
    value: Value,
    at: Duration,
    run: u32,
}

/// What comes out of one sample: a value for the name itself, or two for names below it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Outcome {
    /// A first reading, a reset, or no number.
    Nothing,
    /// `NAME value`.
    Plain(f64),
    /// `NAME.rate value`, and `NAME.avg value` when there were events.
    Events { rate: f64, avg: Option<f64> },
}

impl Rates {
    /// Rates as Diamond has them for a collector that runs each `interval`: over that and not the time measured, and 0 for
    /// a first reading and after a reset.
    pub(crate) fn like_diamond(interval: Duration) -> Rates {
        Rates { diamond: Some(interval.as_secs_f64()), ..Rates::default() }
    }

    /// Goes on from the readings of `before`.
    pub(crate) fn inherit(&mut self, before: Rates) {
        (self.last, self.run) = (before.last, before.run);
    }

    /// What is to be sent for `sample` under `name`; its reading is kept for the next run.
    pub(crate) fn resolve(&mut self, name: &str, sample: &Sample) -> Outcome {
        let outcome = match sample.value {
            Value::SumOf(count) => {
                let from = self.sent.len().saturating_sub(count.into());
                plain(self.sent[from..].iter().map(|value| value.trunc()).sum())
            }
            _ => self.made_of(name, sample),
        };
        if self.diamond.is_some()
            && let Outcome::Plain(value) = outcome
        {
            self.sent.push(value);
        }
        outcome
    }

    fn made_of(&mut self, name: &str, sample: &Sample) -> Outcome {
        let scale = sample.scale;
        if let Value::Gauge(value) = sample.value {
            return plain(value * scale);
        }
        let reading = Reading { value: sample.value, at: sample.at, run: self.run };
        let Some(last) = self.last.get_mut(name) else {
            self.last.insert(name.into(), reading);
            return self.unknown(sample.value);
        };
        let last = std::mem::replace(last, reading);
        let elapsed = sample.at.saturating_sub(last.at).as_secs_f64();
        if elapsed == 0.0 {
            return Outcome::Nothing;
        }
        let elapsed = self.diamond.unwrap_or(elapsed);
        match (last.value, sample.value) {
            (Value::Counter { raw: old, .. }, Value::Counter { raw, bits }) => match moved(old, raw, bits) {
                Some(steps) => plain(steps as f64 * scale / elapsed),
                None => self.unknown(sample.value),
            },
            (Value::Total(old), Value::Total(sum)) if sum >= old => plain((sum - old) * scale / elapsed),
            (Value::Avg { sum: old, count: before }, Value::Avg { sum, count }) if sum >= old && count >= before => {
                let events = (count - before) as f64;
                let avg = Some((sum - old) * scale / events).filter(|avg| avg.is_finite());
                Outcome::Events { rate: events / elapsed, avg }
            }
            (Value::Growth(old), Value::Growth(sum)) => plain((sum - old).max(0.0) * scale / elapsed),
            (Value::Mean { sum: old, count: before }, Value::Mean { sum, count }) if sum >= old && count >= before => {
                let events = (count - before) as f64;
                plain(if events == 0.0 { 0.0 } else { (sum - old) * scale / events })
            }
            _ => self.unknown(sample.value),
        }
    }

    /// What is sent when nothing can be said.
    fn unknown(&self, value: Value) -> Outcome {
        let one = matches!(value, Value::Counter { .. } | Value::Total(_) | Value::Growth(_));
        if self.diamond.is_some() && one { Outcome::Plain(0.0) } else { Outcome::Nothing }
    }

    /// All readings with their names, for the file that outlives us.
    pub(crate) fn readings(&self) -> impl Iterator<Item = (&str, Value, Duration)> {
        self.last.iter().map(|(name, reading)| (&**name, reading.value, reading.at))
    }

    /// Takes a reading back that was made at `at`, before the first run.
    pub(crate) fn recall(&mut self, name: &str, value: Value, at: Duration) {
        self.last.insert(name.into(), Reading { value, at, run: self.run });
    }

    /// Ends a run: names that were missing for some runs are forgotten.
    pub(crate) fn end(&mut self) {
        self.sent.clear();
        if self.run.is_multiple_of(REMEMBERED) {
            let run = self.run;
            self.last.retain(|_, reading| run.wrapping_sub(reading.run) < REMEMBERED);
        }
        self.run = self.run.wrapping_add(1);
    }
}

fn plain(value: f64) -> Outcome {
    if value.is_finite() { Outcome::Plain(value) } else { Outcome::Nothing }
}

#[cfg(test)]
mod tests {
    use collectors::{Bits, Out, Slot};
    use whisper::Timestamp;

    use super::*;

    fn outcome(rates: &mut Rates, secs: f64, add: impl FnOnce(&mut Out)) -> Outcome {
        let slot = Slot { time: Timestamp::from_secs(0), monotonic: Duration::from_secs_f64(secs) };
        let mut out = Out::default();
        out.begin(slot);
        add(&mut out);
        let (name, sample) = out.samples().next().unwrap();
        rates.resolve(name, sample)
    }

    fn counter(rates: &mut Rates, secs: f64, raw: u64) -> Outcome {
        outcome(rates, secs, |out| {
            out.counter(&["c"], raw, Bits::B64);
        })
    }

    fn avg(rates: &mut Rates, secs: f64, sum: f64, count: u64) -> Outcome {
        outcome(rates, secs, |out| {
            out.avg(&["a"], sum, count);
        })
    }

    #[test]
    fn a_rate_is_per_second_of_measured_time() {
        let mut rates = Rates::default();
        assert_eq!(counter(&mut rates, 0.0, 100), Outcome::Nothing);
        assert_eq!(counter(&mut rates, 8.0, 180), Outcome::Plain(10.0));
        assert_eq!(counter(&mut rates, 10.0, 180), Outcome::Plain(0.0));
    }

    #[test]
    fn a_reset_gives_nothing_and_the_rate_goes_on_from_there() {
        let mut rates = Rates::default();
        counter(&mut rates, 0.0, 1000);
        assert_eq!(counter(&mut rates, 10.0, 5), Outcome::Nothing);
        assert_eq!(counter(&mut rates, 20.0, 25), Outcome::Plain(2.0));
    }

    #[test]
    fn no_time_between_two_readings_gives_nothing() {
        let mut rates = Rates::default();
        counter(&mut rates, 1.0, 1);
        assert_eq!(counter(&mut rates, 1.0, 5), Outcome::Nothing);
    }

    #[test]
    fn an_average_is_that_of_the_interval() {
        let mut rates = Rates::default();
        assert_eq!(avg(&mut rates, 0.0, 900.0, 9), Outcome::Nothing);
        assert_eq!(avg(&mut rates, 10.0, 901.0, 13), Outcome::Events { rate: 0.4, avg: Some(0.25) });
        assert_eq!(avg(&mut rates, 20.0, 901.0, 13), Outcome::Events { rate: 0.0, avg: None });
        assert_eq!(avg(&mut rates, 30.0, 1.0, 1), Outcome::Nothing);
    }

    #[test]
    fn a_mean_is_zero_when_nothing_happened() {
        let mut rates = Rates::default();
        let mut mean = |secs, sum, count| {
            outcome(&mut rates, secs, |out| {
                out.value(&["m"], Value::Mean { sum, count });
            })
        };
        assert_eq!(mean(0.0, 900.0, 9), Outcome::Nothing);
        assert_eq!(mean(10.0, 901.0, 13), Outcome::Plain(0.25));
        assert_eq!(mean(20.0, 901.0, 13), Outcome::Plain(0.0));
        assert_eq!(mean(30.0, 1.0, 1), Outcome::Nothing);
    }

    #[test]
    fn as_diamond_has_it_a_rate_is_over_the_interval_and_never_unknown() {
        let mut rates = Rates::like_diamond(Duration::from_secs(10));
        assert_eq!(counter(&mut rates, 0.0, 100), Outcome::Plain(0.0));
        assert_eq!(counter(&mut rates, 12.5, 150), Outcome::Plain(5.0));
        assert_eq!(counter(&mut rates, 20.0, 7), Outcome::Plain(0.0));
        assert_eq!(avg(&mut rates, 30.0, 1.0, 1), Outcome::Nothing, "Diamond has no such thing");
    }

    #[test]
    fn a_total_of_diamonds_is_that_of_the_whole_numbers_before_it() {
        let mut rates = Rates::like_diamond(Duration::from_secs(10));
        let mut run = |secs, counts: [u64; 3]| {
            for raw in counts {
                outcome(&mut rates, secs, |out| {
                    out.counter(&["c", &(raw % 10).to_string()], raw, Bits::B64);
                });
            }
            let total = outcome(&mut rates, secs, |out| {
                out.value(&["total"], Value::SumOf(2));
            });
            rates.end();
            total
        };
        assert_eq!(run(0.0, [1, 12, 23]), Outcome::Plain(0.0));
        assert_eq!(run(10.0, [991, 32, 43]), Outcome::Plain(4.0));
        assert_eq!(run(20.0, [991, 51_002, 72]), Outcome::Plain(5097.0));
    }

    #[test]
    fn what_is_no_number_is_not_sent() {
        let nan = outcome(&mut Rates::default(), 0.0, |out| {
            out.gauge(&["g"], f64::NAN);
        });
        assert_eq!(nan, Outcome::Nothing);
    }

    #[test]
    fn names_that_went_away_are_forgotten() {
        let mut rates = Rates::default();
        for run in 0..1000 {
            outcome(&mut rates, 0.0, |out| {
                out.counter(&["veth", &run.to_string()], 1, Bits::B64);
            });
            rates.end();
            assert!(rates.last.len() <= 2 * REMEMBERED as usize);
        }
    }
}
