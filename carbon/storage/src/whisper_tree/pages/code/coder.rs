//! From a page to its code.

use super::super::PAGE;
use super::{Bytes, DECIMAL, DIGITS, End, LONGEST, RUN, SCALES, SLOT, TIME, WORD, before};

/// Slots that a page has a part of, at most.
const SLOTS: usize = (PAGE as usize).div_ceil(SLOT) + 1;

/// A page with the rest of the slots that lie on it in part.
type Slots = [[u8; SLOT]; SLOTS];

/// How often scales are tried for the values of a page: what fits none is not tried again and again.
const TRIALS: u32 = 8;

/// Bytes of the longest code, and those that are put behind it for nothing.
const LONGEST_CODE: usize = SLOTS * (SLOT + 1) + WORD;

/// Writes the code of a page, slot by slot.
struct Coder {
    code: [u8; LONGEST_CODE],
    len: usize,
    end: End,
    trials: u32,
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
pub(in super::super) fn encode(number: u64, page: &Bytes) -> Box<[u8]> {
    let mut slots: Slots = [[0; SLOT]; SLOTS];
    slots.as_flattened_mut()[before(number)..][..page.len()].copy_from_slice(page);
    let mut coder = Coder::behind(&[], &End::default());
    filled(&slots).iter().for_each(|slot| coder.add(slot));
    coder.finish()
}

/// The code of page `number` with `bytes` written to it at `offset` in the file, from the `code` before and its `end`; only
/// for whole slots behind all that it tells of, and without a look at those.
pub(in super::super) fn append(number: u64, code: &[u8], end: &End, bytes: &[u8], offset: u64) -> Option<Box<[u8]>> {
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

fn parts(slot: &[u8; SLOT]) -> (u32, u64) {
    let (words, _) = slot.as_chunks();
    let word = |place: usize| u32::from_be_bytes(words[place]);
    (word(0), u64::from(word(1)) << 32 | u64::from(word(2)))
}
