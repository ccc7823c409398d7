//! Times as text, for the points of a series.

use super::number::Cell;

/// Texts of times that are evenly spaced: the last digits are added to as a decimal number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Clock {
    time: i64,
    step: i64,
    /// The first two of ten digits, after what stands before a time.
    head: [u8; 4],
    /// The other eight, one a byte, the last in the lowest.
    low: u64,
    /// The step like this, and in each byte what makes it run over into the next at ten.
    add: u64,
    /// Times for which the first two digits stay.
    left: i64,
}

/// How many times the last eight digits count.
const ROUND: i64 = 100_000_000;

/// Times of ten digits: 2001 to 2286.
const TEN_DIGITS: std::ops::Range<i64> = 1_000_000_000..10_000_000_000;

/// One in each byte.
const ONES: u64 = 0x0101_0101_0101_0101;

/// The text `00000000`.
const ZEROS: u64 = ONES * b'0' as u64;

impl Clock {
    pub(super) fn new(start: i64, step: i64) -> Clock {
        Clock { time: start, step, head: *b",   ", low: 0, add: 0, left: 0 }
    }

    /// Sets what follows the value of a point and begins the next, `, 1700000000], [`, and goes on to the next time.
    #[inline(always)]
    pub(super) fn tick(&mut self, cell: &mut Cell<'_>) {
        if self.left > 0 || self.turn() {
            let [a, b, c, d] = self.head;
            let [e, f, g, h, i, j, k, l] = (self.low | ZEROS).to_be_bytes();
            cell.put(&[a, b, c, d, e, f, g, h, i, j, k, l, b']', b',', b' ', b'[']);
        } else {
            cell.put(b", ");
            cell.whole(self.time);
            cell.put(b"], [");
        }
        self.go_on();
    }

    /// On to the next time.
    #[inline(always)]
    pub(super) fn go_on(&mut self) {
        self.time = self.time.saturating_add(self.step);
        self.left -= 1;
        let sum = self.low.wrapping_add(self.add);
        // A byte that did not run over has kept the six and the upper half.
        self.low = (sum & (ONES * 0x0f)) - ((sum >> 4) & ONES) * 6;
    }

    /// Sets all digits anew; whether the time has ten of them.
    #[cold]
    fn turn(&mut self) -> bool {
        if !TEN_DIGITS.contains(&self.time) || !(1..ROUND).contains(&self.step) {
            return false;
        }
        let (high, low) = ((self.time / ROUND) as u8, self.time % ROUND);
        self.head = [b',', b' ', b'0' + high / 10, b'0' + high % 10];
        (self.low, self.add) = (decimal(low), decimal(self.step) + (ONES * 0xf6));
        self.left = (ROUND - 1 - low) / self.step + 1;
        true
    }
}

/// The last eight digits of a number.
fn decimal(number: i64) -> u64 {
    let mut rest = number as u64;
    (0..8).fold(0, |digits, place| {
        let digit = rest % 10;
        rest /= 10;
        digits | digit << (8 * place)
    })
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

    fn text(time: i64) -> String {
        format!(", {time}], [")
    }

    proptest! {
        #[test]
        fn a_clock_shows_every_time(
            start in prop_oneof![any::<i64>(), 0..20_000_000_000_i64],
            step in prop_oneof![1..200_000_i64, 1..2_000_000_000_i64],
            left_out: u8,
        ) {
            let mut clock = Clock::new(start, step);
            for tick in 0..100 {
                let time = start.saturating_add(step * tick);
                if tick % 8 < i64::from(left_out % 8) {
                    clock.go_on();
                } else {
                    prop_assert_eq!(next(&mut clock), text(time));
                }
            }
        }
    }

    #[test]
    fn a_clock_turns_at_every_round_time() {
        for round in [1_000_000_000, 1_100_000_000, 1_800_000_000, 9_900_000_000, 10_000_000_000_i64] {
            let mut clock = Clock::new(round - 10_000, 7);
            for time in (round - 10_000..round + 10_000).step_by(7) {
                assert_eq!(next(&mut clock), text(time));
            }
        }
    }
}
