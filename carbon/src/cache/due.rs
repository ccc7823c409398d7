//! When waiting points are due: how long a series gathers, and who asks for its points before that.

/// What makes a series due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// Seconds of the clock that [`Cache::insert`](super::Cache::insert) was told.
    pub now: u32,
    /// Series that need this journal segment or an older one are due.
    pub press_segment: Option<u32>,
    /// Nobody waits for longer, in seconds. 0 makes everything due, as a stop and a full cache want it.
    pub longest: u32,
}

impl Due {
    /// What has waited as long as it should.
    pub fn at(now: u32) -> Due {
        Due { now, press_segment: None, longest: u32::MAX }
    }

    /// Everything that waits.
    pub fn everything() -> Due {
        Due { longest: 0, ..Due::at(0) }
    }
}

/// Longest wait that can be set, about nine hours.
pub(crate) const LONGEST_WAIT: u16 = 0x7fff;

/// How long a series waits of which nobody has said how long it should.
const UNKNOWN: u32 = 60;

/// Neighbours that share their first wait. Inodes of files made one after another share blocks, 16 at a time, and each
/// block goes to the disk twice; so many are written in the same moment that most blocks go out once for all of them.
const SHARE: u32 = 512;

/// Set until a series' first points were taken: the wait before that is a part of the whole.
const FIRST: u16 = 0x8000;

/// How long the series of a shard gather points, 2 bytes each.
///
/// A fleet that starts at once would come due at once for ever. Its first wait is therefore a part of the whole, told
/// by the place. Neighbours share it, since their files lie together as well.
#[derive(Debug, Default)]
pub(super) struct Waits {
    seconds: Vec<u16>,
    /// Tells shards apart, so that the same place in each is not due at once.
    shard: u32,
    /// Series that began to wait while nobody had said how long.
    unknown: Vec<u32>,
}

impl Waits {
    /// Waits of a shard, all unknown.
    pub(super) fn new(shard: u32) -> Waits {
        Waits { shard, ..Waits::default() }
    }

    /// When a run that began at `since` is due; keeps in mind those of whom that is not known.
    pub(super) fn due(&mut self, place: u32, since: u32) -> u32 {
        let known = self.seconds.get(place as usize).is_some_and(|wait| wait & LONGEST_WAIT != 0);
        if !known && self.unknown.last() != Some(&place) {
            self.unknown.push(place);
        }
        since.saturating_add(self.of(place))
    }

    /// Seconds that the points of `place` wait.
    pub(super) fn of(&self, place: u32) -> u32 {
        let wait = self.seconds.get(place as usize).copied().unwrap_or(0);
        let seconds = u32::from(wait & LONGEST_WAIT);
        match wait {
            _ if seconds == 0 => UNKNOWN,
            _ if wait & FIRST != 0 => part(seconds, (place / SHARE) ^ self.shard.rotate_right(8)),
            _ => seconds,
        }
    }

    /// Says how long points of `place` wait.
    pub(super) fn set(&mut self, place: u32, seconds: u16) {
        let place = place as usize;
        if place >= self.seconds.len() {
            self.seconds.resize(place + 1, 0);
        }
        let wait = &mut self.seconds[place];
        let first = if *wait == 0 { FIRST } else { *wait & FIRST };
        *wait = seconds.clamp(1, LONGEST_WAIT) | first;
    }

    /// Points of `place` were taken: from now on it waits as long as it should.
    pub(super) fn flushed(&mut self, place: u32) {
        if let Some(wait) = self.seconds.get_mut(place as usize) {
            *wait &= !FIRST;
        }
    }

    /// Nobody's wait is known any more, as after a change of the schemas; those in `waiting` are to be told.
    pub(super) fn forget(&mut self, waiting: Vec<u32>) {
        self.seconds.fill(0);
        self.unknown = waiting;
    }

    /// The series asked for since the last call whose wait is unknown.
    pub(super) fn take_unknown(&mut self) -> Vec<u32> {
        std::mem::take(&mut self.unknown)
    }
}

/// `seconds` times a number from 0 to 1 that `key` chooses.
fn part(seconds: u32, key: u32) -> u32 {
    let share = key.wrapping_add(1).wrapping_mul(0x9e37_79b1) >> 16;
    (seconds * share) >> 16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_waits_spread_and_the_later_ones_are_whole() {
        let mut waits = Waits::default();
        assert_eq!(waits.due(7, 100), 100 + UNKNOWN);
        assert_eq!(waits.take_unknown(), [7]);
        let mut counts = [0; 10];
        for place in 0..32_000 * (SHARE / 32) {
            waits.set(place, 1000);
            counts[waits.of(place) as usize / 100] += 1;
        }
        assert!(counts.iter().all(|count| (45_000..57_500).contains(count)), "{counts:?}");
        waits.flushed(7);
        assert_eq!((waits.due(7, 100), waits.take_unknown().len()), (1100, 0));
        waits.set(7, u16::MAX);
        assert_eq!(waits.of(7), 0x7fff);
    }
}
