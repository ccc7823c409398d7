//! The bytes of a page in few.
//!
//! Slots follow one another by equal steps of time, and values mostly resemble the one before, or are decimal numbers of
//! few digits. So of each slot the time is left out where it goes on as before; of the value stays what differs from the one
//! before, in whole numbers of its last digit, or those of its bytes that do. A run of slots that are all as foretold takes
//! a byte for each 47, and what is empty behind the last slot takes none. Any bytes come back as they were. Some nanoseconds
//! a slot in either direction.

use super::PAGE;

/// Bytes of a slot: time and value, big-endian.
const SLOT: usize = 12;

/// Where slots begin, in bytes behind a multiple of their size: a header is 16 bytes and as many as a slot for each archive.
const BEGIN: usize = 16 % SLOT;

/// Slots that a page has a part of, at most.
const SLOTS: usize = (PAGE as usize).div_ceil(SLOT) + 1;

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

/// How often scales are tried for the values of a page: what fits none is not tried again and again.
const TRIALS: u32 = 8;

/// The codes of runs begin behind those.
const RUN: u8 = DECIMAL - 1 + (SCALES.len() * DIGITS) as u8;
const LONGEST: u8 = TIME - 1 - RUN;

/// A page of a file, as wide as every system has them; larger ones are made of those.
pub(super) type Bytes = [u8; PAGE as usize];

/// A page with the rest of the slots that lie on it in part.
type Slots = [[u8; SLOT]; SLOTS];

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

/// How many bytes of its first slot lie before page `number`.
fn before(number: u64) -> usize {
    let offset = (number % SLOT as u64 * PAGE % SLOT as u64) as usize;
    (offset + SLOT - BEGIN) % SLOT
}

/// Bytes of the longest code, and those that are put behind it for nothing.
const LONGEST_CODE: usize = SLOTS * (SLOT + 1) + WORD;

/// Writes the code of a page, slot by slot.
struct Coder {
    code: [u8; LONGEST_CODE],
    len: usize,
    end: End,
    trials: u32,
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

impl Coder {
    /// Goes on where `code` ends.
    fn behind(code: &[u8], end: &End) -> Coder {
        let mut coder = Coder { code: [0; LONGEST_CODE], len: code.len(), end: *end, trials: TRIALS };
        coder.code[..code.len()].copy_from_slice(code);
        coder
    }

    fn add(&mut self, slot: &[u8; SLOT]) {
        let (time, value) = parts(slot);
        let on_time = time == self.end.foretold.next();
        self.end.foretold.follow(time);
        if on_time && value == self.end.foretold.value {
            // A run that goes on is told by its last byte alone.
            let begins = self.end.run == 0 || self.end.run == LONGEST;
            self.len += usize::from(begins);
            self.end.run = if begins { 1 } else { self.end.run + 1 };
            self.code[self.len - 1] = RUN + self.end.run;
            return;
        }
        self.end.run = 0;
        let (what, word, bytes) = self.code_of(value);
        self.code[self.len] = what | if on_time { 0 } else { TIME };
        self.len += 1;
        if !on_time {
            self.code[self.len..][..4].copy_from_slice(&time.to_be_bytes());
            self.len += 4;
        }
        self.code[self.len..][..WORD].copy_from_slice(&word.to_be_bytes());
        self.len += bytes;
    }

    /// How `value` is told: its code, and what follows that in the first so many bytes of a word.
    fn code_of(&mut self, value: u64) -> (u8, u64, usize) {
        let changed = value ^ self.end.foretold.value;
        if changed == 0 {
            return (0, 0, 0);
        }
        let (lead, trail) = (changed.leading_zeros() / 8, changed.trailing_zeros() / 8);
        let bytes = WORD - (lead + trail) as usize;
        // What differs in one byte is told as well by that.
        if bytes > 1
            && let Some((whole, difference)) = self.difference(value)
        {
            let digits = ((u32::BITS - difference.leading_zeros()) as usize).div_ceil(8).max(1);
            if digits < bytes {
                let scale = self.end.scale;
                self.end.foretold.take_whole(value, whole, scale);
                let what = DECIMAL as usize + scale * DIGITS + digits - 1;
                return (what as u8, u64::from(difference) << (8 * (WORD - digits)), digits);
            }
        }
        self.end.foretold.take(value);
        ((1 + lead * 8 + trail) as u8, changed << (8 * lead), bytes)
    }

    /// As [`Foretold::difference`] by the scale that fits the values of the page, as far as one does.
    fn difference(&mut self, value: u64) -> Option<(i64, u32)> {
        let before = &self.end.foretold;
        if let Some(difference) = before.difference(value, self.end.scale) {
            return Some(difference);
        }
        self.trials = self.trials.checked_sub(1)?;
        let tried = |scale| Some((scale, before.difference(value, scale)?));
        let (scale, difference) = (0..SCALES.len()).find_map(tried)?;
        self.end.scale = scale;
        Some(difference)
    }

    fn finish(&self) -> Box<[u8]> {
        self.code[..self.len].into()
    }
}

/// Page `number` of a file in few bytes.
pub(super) fn encode(number: u64, page: &Bytes) -> Box<[u8]> {
    let mut slots: Slots = [[0; SLOT]; SLOTS];
    slots.as_flattened_mut()[before(number)..][..page.len()].copy_from_slice(page);
    let mut coder = Coder::behind(&[], &End::default());
    filled(&slots).iter().for_each(|slot| coder.add(slot));
    coder.finish()
}

/// The code of page `number` with `bytes` written to it at `offset` in the file, from the `code` before and its `end`; only
/// for whole slots behind all that it tells of, and without a look at those.
pub(super) fn append(number: u64, code: &[u8], end: &End, bytes: &[u8], offset: u64) -> Option<Box<[u8]>> {
    let place = usize::try_from(offset.checked_sub(number * PAGE)?).ok()?;
    let (slots, rest) = bytes.as_chunks::<SLOT>();
    let from = place + before(number);
    let free = (from / SLOT).checked_sub(end.slots)?;
    let is_whole = rest.is_empty() && from.is_multiple_of(SLOT) && place + bytes.len() <= PAGE as usize;
    let mut coder = is_whole.then(|| Coder::behind(code, end))?;
    (0..free).for_each(|_| coder.add(&[0; SLOT]));
    slots.iter().for_each(|slot| coder.add(slot));
    Some(coder.finish())
}

/// Without those at the end that are empty.
fn filled(slots: &Slots) -> &[[u8; SLOT]] {
    // Many at once: a page of a coarse archive is mostly empty.
    const EMPTY: [[u8; SLOT]; 16] = [[0; SLOT]; 16];
    let blocks = slots.chunks(EMPTY.len()).rev();
    let empty = blocks.take_while(|block| block.as_flattened() == EMPTY[..block.len()].as_flattened());
    let some = &slots[..slots.len() - empty.map(<[_]>::len).sum::<usize>()];
    let last = some.iter().rposition(|slot| *slot != [0; SLOT]);
    &some[..last.map_or(0, |last| last + 1)]
}

/// Makes the page that `code` was made of, and says where that ends; nothing if it was made of none.
pub(super) fn decode(number: u64, code: &[u8], page: &mut Bytes) -> Option<End> {
    let mut decoder = Decoder { code, left: 0, end: End::default() };
    page.fill(0);
    let before = before(number);
    let (first, rest) = page.split_at_mut((SLOT - before) % SLOT);
    let (places, last) = rest.as_chunks_mut::<SLOT>();
    if !first.is_empty() && !decoder.is_done() {
        let slot = decoder.slot()?;
        first.copy_from_slice(slot[..before].iter().all(|byte| *byte == 0).then(|| &slot[before..])?);
    }
    for place in places {
        if decoder.is_done() {
            return Some(decoder.end);
        }
        *place = decoder.slot()?;
    }
    if !last.is_empty() && !decoder.is_done() {
        let slot = decoder.slot()?;
        let (bytes, none) = slot.split_at(last.len());
        last.copy_from_slice(none.iter().all(|byte| *byte == 0).then_some(bytes)?);
    }
    decoder.is_done().then_some(decoder.end)
}

/// Reads the code of a page, slot by slot.
struct Decoder<'a> {
    code: &'a [u8],
    /// How many of a run's slots are still to come.
    left: u8,
    end: End,
}

impl Decoder<'_> {
    fn is_done(&self) -> bool {
        self.left == 0 && self.code.is_empty()
    }

    /// The next one; nothing if this is no code.
    #[inline]
    fn slot(&mut self) -> Option<[u8; SLOT]> {
        let mut time = self.end.foretold.next();
        if self.left > 0 {
            self.left -= 1;
        } else {
            let what = *self.code.split_off_first()?;
            self.end.run = 0;
            if what & TIME != 0 {
                time = u32::from_be_bytes(*self.code.split_off(..4)?.first_chunk()?);
                self.take_value(what & !TIME)?;
            } else if what > RUN {
                self.end.run = what - RUN;
                self.left = self.end.run - 1;
            } else {
                self.take_value(what)?;
            }
        }
        self.end.foretold.follow(time);
        self.end.slots += 1;
        Some(slot_of(time, self.end.foretold.value))
    }

    /// Takes the value of a slot by its code, and what follows that.
    #[inline]
    fn take_value(&mut self, what: u8) -> Option<()> {
        let what = usize::from(what);
        if what == 0 {
            return Some(());
        }
        if let Some(decimal) = what.checked_sub(DECIMAL.into()) {
            let (scale, digits) = (decimal / DIGITS, decimal % DIGITS + 1);
            self.end.scale = Some(scale).filter(|scale| *scale < SCALES.len())?;
            let difference = self.word(digits)? as u32;
            self.end.foretold.add(difference, scale);
            return Some(());
        }
        let (lead, trail) = ((what - 1) / 8, (what - 1) % 8);
        let bytes = WORD.checked_sub(lead + trail).filter(|bytes| *bytes > 0)?;
        let changed = self.word(bytes)? << (8 * trail);
        self.end.foretold.take(self.end.foretold.value ^ changed);
        Some(())
    }

    /// The number in the next bytes, one to eight.
    #[inline]
    fn word(&mut self, bytes: usize) -> Option<u64> {
        let mut word = [0; WORD];
        match self.code.first_chunk() {
            Some(eight) => word = *eight,
            None => word[..self.code.len()].copy_from_slice(self.code),
        }
        self.code.split_off(..bytes)?;
        Some(u64::from_be_bytes(word) >> (8 * (WORD - bytes)))
    }
}

fn parts(slot: &[u8; SLOT]) -> (u32, u64) {
    let (words, _) = slot.as_chunks();
    let word = |place: usize| u32::from_be_bytes(words[place]);
    (word(0), u64::from(word(1)) << 32 | u64::from(word(2)))
}

fn slot_of(time: u32, value: u64) -> [u8; SLOT] {
    let mut slot = [0; SLOT];
    slot[..4].copy_from_slice(&time.to_be_bytes());
    slot[4..].copy_from_slice(&value.to_be_bytes());
    slot
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const VALUES: [f64; 14] = [
        0.0,
        -0.0,
        1.0,
        0.25,
        -7.3,
        1e300,
        f64::NAN,
        f64::INFINITY,
        f64::MIN,
        12345.678,
        9e15,
        -9.3e18,
        1e-300,
        4294967.295,
    ];

    fn page_of(number: u64, slots: impl Iterator<Item = (u32, f64)>) -> Bytes {
        let mut page = [0; PAGE as usize];
        let (places, _) = page[(SLOT - before(number)) % SLOT..].as_chunks_mut::<SLOT>();
        places.iter_mut().zip(slots).for_each(|(place, (time, value))| *place = slot_of(time, value.to_bits()));
        page
    }

    fn minutes(count: u32, value: impl Fn(u32) -> f64) -> impl Iterator<Item = (u32, f64)> {
        (0..count).map(move |minute| (1_750_000_020 + minute * 60, value(minute)))
    }

    /// How many bytes a page takes, which has to come back.
    fn size(number: u64, page: &Bytes) -> usize {
        let (code, mut decoded) = (encode(number, page), [1; PAGE as usize]);
        assert!(decode(number, &code, &mut decoded).is_some() && decoded == *page);
        code.len()
    }

    #[test]
    fn slots_begin_where_a_file_has_them() {
        for number in 0..100 {
            assert_eq!(
                (12 + number * PAGE - before(number) as u64) % 12,
                4,
                "the offset of every slot behind 16 bytes"
            );
        }
    }

    #[test]
    fn a_page_takes_what_is_new_in_it() {
        for number in 0..3 {
            assert_eq!(size(number, &[0; PAGE as usize]), 0);
            assert!(size(number, &page_of(number, minutes(341, |_| 0.25))) < 48);
            let (flags, whole) = (|minute| f64::from(minute % 7 / 6), f64::from);
            assert!(size(number, &page_of(number, minutes(300, flags))) < 450);
            assert!(size(number, &page_of(number, minutes(340, whole))) < 2 * 340 + 64);
            let price = |minute| f64::from(minute * 7_919 % 100_003) / 100.0;
            assert!(size(number, &page_of(number, minutes(340, price))) < 4 * 340 + 64);
            assert!(size(number, &page_of(number, minutes(100, |minute| f64::from(minute).sqrt()))) < 9 * 100 + 64);
        }
    }

    #[test]
    fn only_whole_slots_behind_the_last_are_appended() {
        for number in 0..3 {
            let first = number * PAGE + ((SLOT - before(number)) % SLOT) as u64;
            let code = encode(number, &page_of(number, minutes(100, f64::from)));
            let end = decode(number, &code, &mut [0; PAGE as usize]).unwrap();
            let appended = |bytes: &[u8], offset| append(number, &code, &end, bytes, offset).is_some();
            let (at, last) = (first + 1200, (number + 1) * PAGE - 1);
            assert!(appended(&[1; 24], at) && appended(&[1; 24], at + 120), "{number}");
            assert!(!appended(&[1; 23], at) && !appended(&[1; 24], at + 1) && !appended(&[1; 24], at - 12));
            assert!(!appended(&[1; 24], last) && !appended(&[1; 24], number * PAGE + PAGE));
        }
    }

    proptest! {
        #[test]
        fn any_bytes_come_back(
            number in 0u64..1000,
            mut bytes in prop::collection::vec(any::<u8>(), PAGE as usize),
            quiet in prop::collection::vec((0..PAGE as usize, 0..2000usize, any::<u8>()), 0..8),
        ) {
            for (from, count, byte) in quiet {
                bytes.iter_mut().skip(from).take(count).for_each(|each| *each = byte);
            }
            size(number, bytes.first_chunk().unwrap());
        }

        #[test]
        fn slots_of_all_kinds_come_back(
            number in 0u64..3,
            slots in prop::collection::vec((0u32..4, prop::sample::select(VALUES.to_vec())), 341),
        ) {
            let mut time = 1_750_000_000;
            let slots = slots.into_iter().map(|(steps, value)| {
                time += steps * 60;
                if steps == 3 { (0, value) } else { (time, value) }
            });
            size(number, &page_of(number, slots));
        }

        #[test]
        fn what_is_appended_comes_back(
            number in 0u64..3,
            writes in prop::collection::vec((1usize..60, 0usize..3, 0u32..4, prop::sample::select(VALUES.to_vec())), 1..12),
        ) {
            let (mut page, mut code) = ([0; PAGE as usize], encode(number, &[0; PAGE as usize]));
            let mut from = (SLOT - before(number)) % SLOT;
            for (count, skipped, steps, value) in writes {
                let slot = |index| slot_of(1_750_000_000 + index * steps, (value + f64::from(index / 5)).to_bits());
                let bytes: Vec<u8> = (0..count as u32).flat_map(slot).collect();
                from += skipped * SLOT;
                let Some(place) = page.get_mut(from..).and_then(|page| page.get_mut(..bytes.len())) else { break };
                place.copy_from_slice(&bytes);
                let end = decode(number, &code, &mut [0; PAGE as usize]).unwrap();
                code = append(number, &code, &end, &bytes, number * PAGE + from as u64).unwrap();
                let mut decoded = [1; PAGE as usize];
                prop_assert!(decode(number, &code, &mut decoded).is_some() && decoded == page);
                prop_assert!(code.len() <= encode(number, &page).len() + 16, "{} {}", code.len(), encode(number, &page).len());
                from += bytes.len();
            }
        }

        #[test]
        fn what_is_decoded_is_a_page(number in 0u64..3, code in prop::collection::vec(any::<u8>(), 0..300)) {
            let mut page = [0; PAGE as usize];
            if decode(number, &code, &mut page).is_some() {
                size(number, &page);
            }
        }
    }

    #[test]
    fn what_is_no_code_is_refused() {
        let refused = |code: &[u8]| decode(0, code, &mut [0; PAGE as usize]).is_none();
        assert!(refused(&[TIME]) && refused(&[TIME, 0, 0, 1]) && refused(&[DECIMAL + 1, 1]) && refused(&[64, 1]));
        assert!(refused(&[RUN + LONGEST; 8]), "more slots than a page has");
        assert!(!refused(&[RUN + LONGEST; 7]) && !refused(&[]));
    }
}
