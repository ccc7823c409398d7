//! What may enter the cache. Stands after the decoders and is the same for every protocol; each refusal has a reason.

use whisper::{Point, Timestamp};

use crate::{Datapoint, Numbers, Reject};

/// Rules about time. Names have theirs in [`crate::MetricName`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rules {
    /// Timestamps are rounded down to a multiple of this many seconds; 0 leaves them as they are.
    pub min_resolution: u32,
    /// How far ahead of our clock a timestamp may be, in seconds. A point from the future would overwrite a current
    /// one, since the slots of an archive go round.
    pub future_limit: u32,
}

impl Rules {
    /// The point to store, at `now` (seconds since the epoch, with fractions).
    ///
    /// # Errors
    /// When the instant is none that Whisper has a slot for, or lies ahead by more than the limit. A clock that counts
    /// in smaller units is named as such.
    pub fn admit(&self, datapoint: &Datapoint<'_>, now: f64) -> Result<Point, Reject> {
        self.point(Numbers { value: datapoint.value, time: datapoint.time }, now)
    }

    /// As [`Rules::admit`], for a datapoint whose name is known already.
    ///
    /// # Errors
    /// As [`Rules::admit`].
    #[inline]
    pub fn point(&self, numbers: Numbers, now: f64) -> Result<Point, Reject> {
        let time = stamp(numbers.time, now, self.min_resolution);
        if time < 0.0 {
            return Err(Reject::TimeTooOld);
        }
        if time > now + f64::from(self.future_limit) || time > f64::from(u32::MAX) {
            return Err(ahead(time, now));
        }
        Ok(Point { time: Timestamp::from_secs(time as u32), value: numbers.value })
    }
}

/// Carbon's two rules: -1 (to just above -2) means now, and `min_resolution` rounds down after cutting the fraction off.
#[inline]
pub fn stamp(time: f64, now: f64, min_resolution: u32) -> f64 {
    // Written without `trunc`, which is a call into the C library on most builds.
    let time = if time > -2.0 && time <= -1.0 { now } else { time };
    match min_resolution {
        0 => time,
        step => time.trunc() - time.trunc().rem_euclid(f64::from(step)),
    }
}

/// Why an instant lies ahead: within ten years of now in a smaller unit, or just wrong.
#[cold]
fn ahead(time: f64, now: f64) -> Reject {
    const TEN_YEARS: f64 = 10.0 * 365.25 * 86_400.0;
    let units = [(1e3, Reject::Milliseconds), (1e6, Reject::Microseconds), (1e9, Reject::Nanoseconds)];
    let near = |unit: f64| (time / unit - now).abs() < TEN_YEARS;
    units.into_iter().find(|(unit, _)| near(*unit)).map_or(Reject::Future, |(_, reason)| reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: f64 = 1_700_000_000.25;

    #[track_caller]
    fn check(time: f64, expected: Result<u32, Reject>) {
        let rules = Rules { min_resolution: 0, future_limit: 600 };
        let admitted = rules.admit(&Datapoint { name: "a", value: 1.0, time }, NOW);
        assert_eq!(admitted.map(|point| point.time.secs()), expected);
    }

    #[test]
    fn minus_one_means_now() {
        check(-1.0, Ok(1_700_000_000));
        check(-1.9, Ok(1_700_000_000));
        check(-2.0, Err(Reject::TimeTooOld));
    }

    #[test]
    fn a_wrong_clock_is_refused_by_name() {
        check(NOW + 600.0, Ok(1_700_000_600));
        check(NOW + 601.0, Err(Reject::Future));
        check(NOW * 1e3, Err(Reject::Milliseconds));
        check(NOW * 1e6, Err(Reject::Microseconds));
        check(NOW * 1e9, Err(Reject::Nanoseconds));
        check(f64::MAX, Err(Reject::Future));
        check(4_294_967_296.0 + NOW, Err(Reject::Future));
    }

    #[test]
    fn resolution_rounds_towards_the_past() {
        assert_eq!(stamp(1_700_000_007.9, NOW, 10), 1_700_000_000.0);
        assert_eq!(stamp(-5.0, NOW, 10), -10.0);
        assert_eq!(stamp(-0.5, NOW, 0), -0.5);
    }
}
