//! Times as text, for the points of a series.

use super::number::{Cell, PAIRS};

/// Texts of times that are evenly spaced: only their last digits are set anew.
pub(super) struct Clock {
    time: i64,
    step: i64,
    /// The text of `time`, if it has ten digits.
    text: [u8; 10],
    /// The time whose text ends in `0000` where `text` does not; nothing while there is no text.
    round: Option<i64>,
}

/// What the last four digits of a time count.
const ROUND: i64 = 10_000;

impl Clock {
    pub(super) fn new(start: i64, step: i64) -> Clock {
        Clock { time: start, step, text: [0; 10], round: None }
    }

    /// Sets the time into a cell and goes on to the next.
    #[inline]
    pub(super) fn tick(&mut self, cell: &mut Cell<'_>) {
        let rest = match self.round {
            Some(round) if (0..ROUND).contains(&(self.time - round)) => (self.time - round) as usize,
            _ => match self.turn() {
                Some(rest) => rest,
                None => {
                    cell.whole(self.time);
                    return self.go_on();
                }
            },
        };
        ([self.text[6], self.text[7]], [self.text[8], self.text[9]]) = (PAIRS[rest / 100 % 100], PAIRS[rest % 100]);
        cell.put(&self.text);
        self.go_on();
    }

    /// On to the next time.
    pub(super) fn go_on(&mut self) {
        self.time = self.time.saturating_add(self.step);
    }

    /// Sets the first digits anew; the last four are the answer.
    fn turn(&mut self) -> Option<usize> {
        self.round = None;
        if !(1_000_000_000..10_000_000_000).contains(&self.time) {
            return None;
        }
        let (high, rest) = ((self.time / ROUND) as usize, (self.time % ROUND) as usize);
        for (place, pair) in [high / 10_000, high / 100 % 100, high % 100].into_iter().enumerate() {
            self.text[2 * place..2 * place + 2].copy_from_slice(&PAIRS[pair]);
        }
        self.round = Some(self.time - rest as i64);
        Some(rest)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::format::number::ROOM;

    fn next(clock: &mut Clock) -> String {
        let mut room = [0; ROOM];
        let mut cell = Cell::of(&mut room);
        clock.tick(&mut cell);
        let length = cell.length();
        String::from_utf8(room[..length].to_vec()).unwrap()
    }

    proptest! {
        #[test]
        fn a_clock_shows_every_time(start in prop_oneof![any::<i64>(), 0..20_000_000_000_i64], step in 1..200_000_i64) {
            let mut clock = Clock::new(start, step);
            for tick in 0..100 {
                let time = start.saturating_add(step * tick);
                prop_assert_eq!(next(&mut clock), time.to_string());
            }
        }
    }

    #[test]
    fn a_clock_turns_at_every_round_time() {
        let mut clock = Clock::new(999_999_990, 5);
        for time in (999_999_990..1_000_020_000).step_by(5) {
            assert_eq!(next(&mut clock), time.to_string());
        }
    }
}
