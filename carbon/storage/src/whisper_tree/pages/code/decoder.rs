//! From the code of a page back to the page.

use super::{Bytes, DECIMAL, DIGITS, End, RUN, SCALES, SLOT, TIME, WORD, before, slot_of};

/// Makes the page that `code` was made of, and says where that ends; nothing if it was made of none.
pub(in super::super) fn decode(number: u64, code: &[u8], page: &mut Bytes) -> Option<End> {
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
