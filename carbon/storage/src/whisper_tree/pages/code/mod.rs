//! The bytes of a page in few.
//!
//! Slots follow one another by equal steps of time, and values mostly resemble the one before, or are decimal numbers of
//! few digits. So of each slot the time is left out where it goes on as before; of the value stays what differs from the one
//! before, in whole numbers of its last digit, or those of its bytes that do. A run of slots that are all as foretold takes
//! a byte for each 47, and what is empty behind the last slot takes none. Any bytes come back as they were. Some nanoseconds
//! a slot in either direction.

mod coder;
mod decoder;

pub(super) use coder::{append, encode};
pub(super) use decoder::decode;

use super::PAGE;

/// Bytes of a slot: time and value, big-endian.
const SLOT: usize = 12;

/// Where slots begin, in bytes behind a multiple of their size: a header is 16 bytes and as many as a slot for each archive.
const BEGIN: usize = 16 % SLOT;

/// Bytes that values are taken from and put into at once, whatever their length.
const WORD: usize = 8;

/// With the code of a slot: its time follows in four bytes.
const TIME: u8 = 0x80;

/// The codes of decimal numbers begin behind those of bits: 0 for the same, and 8 times 8 for those that differ.
const DECIMAL: u8 = 65;

/// What a value is multiplied with to be a whole number.
const SCALES: [f64; 4] = [1.0, 10.0, 100.0, 1000.0];

/// Added to a number it leaves no room for fractions.
const ROUND: f64 = 6_755_399_441_055_744.0;

/// Bytes of the longest difference of whole numbers.
const DIGITS: usize = 4;

/// The codes of runs begin behind those.
const RUN: u8 = DECIMAL - 1 + (SCALES.len() * DIGITS) as u8;
const LONGEST: u8 = TIME - 1 - RUN;

/// A page of a file, as wide as every system has them; larger ones are made of those.
pub(super) type Bytes = [u8; PAGE as usize];

/// The slot that is expected next, from those before.
#[derive(Clone, Copy)]
struct Foretold {
    time: u32,
    step: u32,
    value: u64,
    /// The value as a whole number, if it was told as one by a scale: so that telling the next one has no division to wait
    /// for.
    whole: i64,
    scale: usize,
}

impl Default for Foretold {
    fn default() -> Foretold {
        Foretold { time: 0, step: 0, value: 0, whole: 0, scale: SCALES.len() }
    }
}

impl Foretold {
    fn next(&self) -> u32 {
        self.time.wrapping_add(self.step)
    }

    fn follow(&mut self, time: u32) {
        (self.step, self.time) = (time.wrapping_sub(self.time), time);
    }

    /// Takes a value that was told by its bits.
    fn take(&mut self, value: u64) {
        (self.value, self.scale) = (value, SCALES.len());
    }

    /// Takes a value that was told as a whole number by `scale`.
    fn take_whole(&mut self, value: u64, whole: i64, scale: usize) {
        (self.value, self.whole, self.scale) = (value, whole, scale);
    }

    /// The value before as a whole number of what `scale` stands for.
    fn whole(&self, scale: usize) -> i64 {
        if scale == self.scale { self.whole } else { (f64::from_bits(self.value) * SCALES[scale]) as i64 }
    }

    /// `value` as a whole number, and how that differs from the one before, where it is one by `scale`.
    fn difference(&self, value: u64, scale: usize) -> Option<(i64, u32)> {
        // Rounds what is below 2^51, and without a call; of what is beyond that shows to be wrong below.
        let whole = (f64::from_bits(value) * SCALES[scale] + ROUND - ROUND) as i64;
        let is_exact = (whole as f64 / SCALES[scale]).to_bits() == value;
        let difference = i32::try_from(whole.wrapping_sub(self.whole(scale))).ok().filter(|_| is_exact)?;
        // Small ones have few bits, whatever their sign.
        Some((whole, (difference << 1 ^ difference >> 31) as u32))
    }

    /// Takes the value that differs so from the one before, as whole numbers by `scale`.
    fn add(&mut self, difference: u32, scale: usize) {
        let difference = (difference >> 1) as i32 ^ -((difference & 1) as i32);
        let whole = self.whole(scale).wrapping_add(difference.into());
        self.take_whole((whole as f64 / SCALES[scale]).to_bits(), whole, scale);
    }
}

/// Where the code of a page ends: how many slots it tells of, and what those after them follow.
#[derive(Clone, Copy, Default)]
pub(super) struct End {
    slots: usize,
    foretold: Foretold,
    /// Slots that its last byte tells of, if that is of a run.
    run: u8,
    /// The scale of the last decimal number.
    scale: usize,
}

/// How many bytes of its first slot lie before page `number`.
fn before(number: u64) -> usize {
    let offset = (number % SLOT as u64 * PAGE % SLOT as u64) as usize;
    (offset + SLOT - BEGIN) % SLOT
}

fn slot_of(time: u32, value: u64) -> [u8; SLOT] {
    let mut slot = [0; SLOT];
    slot[..4].copy_from_slice(&time.to_be_bytes());
    slot[4..].copy_from_slice(&value.to_be_bytes());
    slot
}

#[cfg(test)]
mod tests;
