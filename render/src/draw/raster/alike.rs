//! Which pixels of a row are as others, a bit for each.

/// Pixels that are worth a repetition; the format knows none of fewer than three bytes.
pub(super) const LEAST: usize = 4;

/// Pixels that a word has bits for.
const WORD: usize = u64::BITS as usize;

/// What a comparison has found.
pub(super) struct Alike {
    /// A bit for each pixel that is as the other; an empty word at the end.
    bits: Vec<u64>,
    /// Those of them that at least as many follow as make a repetition.
    starts: Vec<u64>,
}

impl Alike {
    /// For rows of `width` pixels, of which none is like another yet.
    pub(super) fn new(width: usize) -> Alike {
        let words = width.div_ceil(WORD) + 1;
        Alike { bits: vec![0; words], starts: vec![0; words] }
    }

    /// Compares two rows, but for the first `skipped` pixels, fewer than [`WORD`].
    pub(super) fn compare(&mut self, one: &[u32], other: &[u32], skipped: usize) {
        for ((one, other), word) in one.chunks(WORD).zip(other.chunks(WORD)).zip(&mut self.bits) {
            *word = if one == other { u64::MAX >> (WORD - one.len()) } else { alike(one, other) };
        }
        if let Some(first) = self.bits.first_mut() {
            *first &= u64::MAX << skipped;
        }
        for (pair, starts) in self.bits.windows(2).zip(&mut self.starts) {
            let ahead = |pixels: usize| pair[0] >> pixels | pair[1] << (WORD - pixels);
            *starts = (1..LEAST).fold(pair[0], |all, pixels| all & ahead(pixels));
        }
    }

    /// Where the next repetition can begin, from pixel `at` on; far away if nowhere.
    #[inline]
    pub(super) fn next(&self, at: usize) -> usize {
        let mut mask = u64::MAX << (at % WORD);
        for (word, starts) in self.starts.iter().enumerate().skip(at / WORD) {
            if starts & mask != 0 {
                return word * WORD + (starts & mask).trailing_zeros() as usize;
            }
            mask = u64::MAX;
        }
        usize::MAX
    }

    /// A repetition can begin at pixel `at`.
    #[inline]
    pub(super) fn starts(&self, at: usize) -> bool {
        self.starts.get(at / WORD).is_some_and(|word| word >> (at % WORD) & 1 != 0)
    }

    /// How many pixels from `at` on are alike.
    #[inline]
    pub(super) fn length(&self, at: usize) -> usize {
        let (mut length, mut shift) = (0, at % WORD);
        for word in self.bits.iter().skip(at / WORD) {
            let ones = (word >> shift).trailing_ones() as usize;
            length += ones;
            if ones < WORD - shift {
                break;
            }
            shift = 0;
        }
        length
    }
}

/// The bits of up to [`WORD`] pixels.
#[inline]
fn alike(one: &[u32], other: &[u32]) -> u64 {
    // Bytes first, which the compiler makes of many pixels at once.
    let mut bytes = [0; WORD];
    for (byte, (one, other)) in bytes.iter_mut().zip(one.iter().zip(other)) {
        *byte = u8::from(one == other);
    }
    // Of ones and zeros in bytes the factor makes bits in the highest one, and no two of its products meet.
    let bits = |bytes: &[u8; 8]| u64::from_le_bytes(*bytes).wrapping_mul(0x0102_0408_1020_4080) >> 56;
    bytes.as_chunks().0.iter().rev().fold(0, |word, bytes| word << 8 | bits(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repetitions_begin_and_end_where_pixels_say_across_words() {
        let one: Vec<u32> = (0..200).collect();
        let mut other = one.clone();
        [0, 7, 10, 130, 131, 197].iter().for_each(|place: &usize| other[*place] = 999);
        let mut alike = Alike::new(200);
        alike.compare(&one, &other, 0);
        let runs = [(0, 1, 6), (7, 11, 119), (130, 132, 65), (194, usize::MAX, 0)];
        for (at, next, length) in runs {
            assert_eq!(alike.next(at), next);
            assert!(next > 200 || alike.starts(next) && alike.length(next) == length);
        }
        alike.compare(&one, &one, 1);
        assert!(!alike.starts(0) && alike.next(0) == 1 && alike.length(1) == 199);
    }
}
