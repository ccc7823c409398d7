//! Which collector runs when: slots aligned to the clock on the wall, each run at a fixed offset into its slot.
//!
//! Owns no clock and never waits: every call is told the time as it is since the Unix epoch.

use std::time::Duration;

use whisper::{Interval, Timestamp};

/// When each of a number of things is due next.
#[derive(Debug, Default)]
pub struct Timetable {
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    interval: Interval,
    offset: Duration,
    /// Start of the next slot, seconds since the epoch.
    next: u64,
}

/// A run that is to begin now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// What is due, by the number that [`Timetable::add`] gave.
    pub row: usize,
    /// The slot that the run's points belong to.
    pub slot: Timestamp,
    /// Slots between the last run and this one that had none: the process was asleep or too busy.
    pub missed: u64,
}

impl Timetable {
    /// Adds something that is due `offset` into each slot of `interval`, for the first time not before `now`. Gives
    /// its number.
    pub fn add(&mut self, interval: Interval, offset: Duration, now: Duration) -> usize {
        let mut row = Row { interval, offset, next: 0 };
        row.align(now);
        self.rows.push(row);
        self.rows.len() - 1
    }

    /// How long nothing is due; zero when something is.
    pub fn wait(&self, now: Duration) -> Option<Duration> {
        self.rows.iter().map(|row| row.start().saturating_sub(now)).min()
    }

    /// Takes what is due. After a jump forwards each thing is due once, for the latest slot, and not once per slot
    /// missed; after a jump back the slots begin anew with the one that `now` lies in.
    pub fn due(&mut self, now: Duration) -> Vec<Due> {
        self.rows.iter_mut().enumerate().filter_map(|(at, row)| row.take(at, now)).collect()
    }
}

impl Row {
    fn start(&self) -> Duration {
        Duration::from_secs(self.next) + self.offset
    }

    /// Makes the first slot whose run begins at `now` or later the next one.
    fn align(&mut self, now: Duration) {
        let step = u64::from(self.interval.secs());
        let since = now.saturating_sub(self.offset);
        let begun = u64::from(since.subsec_nanos() > 0);
        self.next = (since.as_secs() + begun).div_ceil(step) * step;
    }

    fn take(&mut self, row: usize, now: Duration) -> Option<Due> {
        let step = u64::from(self.interval.secs());
        if self.start().saturating_sub(now) > Duration::from_secs(step) {
            // The next run is never further away than one interval, unless somebody set the clock back. The slot that it
            // shows now has begun; without a run it would be a hole.
            self.align(now);
            self.next = self.next.saturating_sub(step);
        }
        let start = self.start();
        if now < start {
            return None;
        }
        let missed = (now - start).as_secs() / step;
        let slot = self.next + missed * step;
        self.next = slot + step;
        Some(Due { row, slot: Timestamp::saturating_from(i64::try_from(slot).unwrap_or(i64::MAX)), missed })
    }
}

/// How far into its slots `host` runs `what`: always the same, spread evenly over hosts, within the first three
/// quarters of the interval so that a run has time to end before the next slot.
pub fn stagger(host: &str, what: &str, interval: Interval) -> Duration {
    let room = u64::from(interval.secs()) * 750;
    let bytes = host.bytes().chain([0]).chain(what.bytes());
    // FNV-1a: the offset has to be the same after an upgrade, which no hash of a library promises.
    let hash =
        bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    Duration::from_millis((hash ^ hash >> 32) % room)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn table(step: u32, offset_ms: u64, now_ms: u64) -> Timetable {
        let mut table = Timetable::default();
        table.add(Interval::from_secs(step).unwrap(), Duration::from_millis(offset_ms), Duration::from_millis(now_ms));
        table
    }

    fn slots(table: &mut Timetable, now_ms: u64) -> Vec<(u32, u64)> {
        table.due(Duration::from_millis(now_ms)).iter().map(|due| (due.slot.secs(), due.missed)).collect()
    }

    #[test]
    fn a_run_belongs_to_the_slot_that_its_offset_leads_into() {
        let mut table = table(10, 3_000, 14_000);
        assert_eq!(table.wait(Duration::from_secs(14)), Some(Duration::from_secs(9)));
        assert_eq!(slots(&mut table, 22_999), []);
        assert_eq!(slots(&mut table, 23_000), [(20, 0)]);
        assert_eq!(slots(&mut table, 23_001), []);
        assert_eq!(slots(&mut table, 33_500), [(30, 0)]);
    }

    #[test]
    fn an_offset_still_ahead_is_used_in_the_slot_that_has_begun() {
        let mut table = table(10, 8_000, 11_000);
        assert_eq!(slots(&mut table, 18_000), [(10, 0)]);
    }

    #[test]
    fn after_a_suspend_the_latest_slot_runs_once() {
        let mut table = table(10, 0, 0);
        assert_eq!(slots(&mut table, 0), [(0, 0)]);
        assert_eq!(slots(&mut table, 3_605_000), [(3_600, 359)]);
        assert_eq!(slots(&mut table, 3_605_000), []);
        assert_eq!(table.wait(Duration::from_secs(3_605)), Some(Duration::from_secs(5)));
    }

    #[test]
    fn after_the_clock_was_set_back_runs_go_on() {
        let mut table = table(10, 0, 1_000_000);
        assert_eq!(slots(&mut table, 1_000_000), [(1_000, 0)]);
        assert_eq!(slots(&mut table, 500_001), [(500, 0)]);
        assert_eq!(slots(&mut table, 500_002), []);
        assert_eq!(slots(&mut table, 510_000), [(510, 0)]);
        assert_eq!(slots(&mut table, 0), [(0, 0)]);
    }

    #[test]
    fn an_hour_back_or_forth_leaves_no_slot_of_the_clock_without_a_run_while_it_is_on() {
        let mut table = table(10, 3_000, 3_600_000_000);
        let (mut now, mut seen) = (3_600_000_000_u64, Vec::new());
        for second in 0..100_u64 {
            match second {
                30 => now -= 3_600_000,
                70 => now += 3_600_000,
                _ => {}
            }
            seen.extend(slots(&mut table, now).into_iter().map(|(slot, _)| slot));
            now += 1_000;
        }
        let (first, hour) = (3_600_000, 3_600);
        let back = [first - hour + 20, first - hour + 30, first - hour + 40, first - hour + 50, first - hour + 60];
        let expected =
            [vec![first, first + 10, first + 20], back.to_vec(), vec![first + 60, first + 70, first + 80, first + 90]];
        assert_eq!(seen, expected.concat());
    }

    #[test]
    fn the_stagger_of_a_host_never_changes() {
        let step = Interval::from_secs(10).unwrap();
        assert_eq!(stagger("web01", "cpu", step), stagger("web01", "cpu", step));
        assert_ne!(stagger("web01", "cpu", step), stagger("web02", "cpu", step));
    }

    #[test]
    fn a_fleet_is_spread_over_its_slots() {
        let step = Interval::from_secs(10).unwrap();
        let mut hosts = [0_usize; 8];
        for host in 0..800 {
            hosts[(stagger(&format!("web{host:03}"), "", step).as_millis() / 938) as usize] += 1;
        }
        assert!(hosts.iter().all(|count| (50..150).contains(count)), "{hosts:?}");
    }

    proptest! {
        #[test]
        fn slots_are_aligned_and_never_repeat(
            step in 1_u32..100, offset in 0_u64..10_000, start in 0_u64..1_000_000,
            leaps in prop::collection::vec(0_u64..500_000, 1..50),
        ) {
            let offset = offset.min(u64::from(step) * 750);
            let mut table = table(step, offset, start);
            let (mut now, mut last) = (start, None);
            for leap in leaps {
                now += leap;
                let found = slots(&mut table, now);
                prop_assert!(found.len() <= 1);
                for (slot, _) in found {
                    prop_assert_eq!(slot % step, 0);
                    let begins = u64::from(slot) * 1_000 + offset;
                    prop_assert!(begins <= now && now < begins + u64::from(step) * 1_000);
                    prop_assert!(last.is_none_or(|last| slot > last));
                    last = Some(slot);
                }
                prop_assert!(table.wait(Duration::from_millis(now)).unwrap() <= Duration::from_secs(step.into()));
            }
        }
    }
}
