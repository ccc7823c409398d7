//! Rows with their repetitions as a zlib stream (RFC 1950, 1951): one block, in codes made for it.
//!
//! A general packer looks for anything anywhere. In a chart what repeats is the pixel before or the row above, which
//! [`super::repeats`] has found already while colours were counted.

use super::codes::{self, Code};
use super::repeats::{FARTHEST, Sequence};

/// Literals, the end of the block, lengths.
const SYMBOLS: usize = 286;
const END: usize = 256;
const LONGEST: usize = 258;
const SHORTEST: usize = 3;
/// No code of a symbol is longer: four of them, and less than a byte that waits, are a word.
const MOST_BITS: u8 = 14;

/// Packs `rows` into `out`, in place of what it holds.
///
/// `literals` says how often each byte is fresh; repetitions lie `backs[0]` bytes back or, if they are above, `backs[1]`.
pub(super) fn zlib(rows: &[u8], sequences: &[Sequence], literals: [u32; 256], backs: [usize; 2], out: &mut Vec<u8>) {
    let lengths = codes::lengths(&count(sequences, literals), MOST_BITS);
    let symbols = codes::codes(&lengths);
    let repetitions = repetitions(&symbols);
    let mut bits = Bits::new(out);
    // Deflate, a window of 32 KiB, no dictionary.
    bits.put(0x0178, 16);
    // The last block, with codes of its own.
    bits.put(0b101, 3);
    let backs = [Back::new(backs[0], 0), Back::new(backs[1].min(FARTHEST), 1)];
    head(&mut bits, &lengths, &backs);
    let mut at = 0;
    for sequence in sequences {
        let fresh = at + sequence.fresh as usize;
        let (fours, rest) = rows[at..fresh].as_chunks::<4>();
        for four in fours {
            four.iter().for_each(|byte| bits.add_code(symbols[usize::from(*byte)]));
            bits.flush();
        }
        rest.iter().for_each(|byte| bits.add_code(symbols[usize::from(*byte)]));
        bits.flush();
        at = fresh + sequence.repeated as usize;
        let back = &backs[usize::from(sequence.above)];
        for length in pieces(sequence.repeated as usize) {
            let (code, count) = repetitions[length - SHORTEST];
            bits.add(code, count);
            bits.put(back.bits, back.length);
        }
    }
    let Code { bits: code, length } = symbols[END];
    bits.put(code.into(), length.into());
    bits.end();
    out.extend_from_slice(&simd_adler32::adler32(&rows).to_be_bytes());
}

/// How often each symbol will be written.
fn count(sequences: &[Sequence], literals: [u32; 256]) -> [u32; SYMBOLS] {
    let mut lengths = [0_u32; LONGEST - SHORTEST + 1];
    for sequence in sequences {
        pieces(sequence.repeated as usize).for_each(|length| lengths[length - SHORTEST] += 1);
    }
    let mut counts = [0; SYMBOLS];
    counts[..256].copy_from_slice(&literals);
    counts[END] = 1;
    for (over, count) in lengths.into_iter().enumerate() {
        counts[Length::new(SHORTEST + over).symbol] += count;
    }
    counts
}

/// The bits of each length, from the shortest on, and how many they are.
fn repetitions(symbols: &[Code; SYMBOLS]) -> [(u64, u32); LONGEST - SHORTEST + 1] {
    std::array::from_fn(|over| {
        let Length { symbol, extra, bits } = Length::new(SHORTEST + over);
        let code = symbols[symbol];
        (u64::from(code.bits) | u64::from(extra) << code.length, u32::from(code.length) + bits)
    })
}

/// A long repetition in lengths that can be written; `total` is 0 or can be.
fn pieces(total: usize) -> impl Iterator<Item = usize> {
    let mut left = total;
    std::iter::from_fn(move || {
        let piece = if left > LONGEST { LONGEST.min(left - SHORTEST) } else { left };
        left -= piece;
        (piece > 0).then_some(piece)
    })
}

/// A length of a repetition as it is written.
struct Length {
    symbol: usize,
    extra: u16,
    bits: u32,
}

impl Length {
    /// From four lengths on, each doubling has four symbols.
    fn new(length: usize) -> Length {
        let over = (length - SHORTEST) as u16;
        match over {
            0..8 => Length { symbol: 257 + usize::from(over), extra: 0, bits: 0 },
            255 => Length { symbol: 285, extra: 0, bits: 0 },
            _ => {
                let bits = over.ilog2() - 2;
                let symbol = 257 + 4 * bits as usize + usize::from(over >> bits);
                Length { symbol, extra: over & ((1 << bits) - 1), bits }
            }
        }
    }
}

/// A distance as it is written: there are two of them, so its code has one bit.
struct Back {
    symbol: usize,
    bits: u64,
    length: u32,
}

impl Back {
    /// `code` is 0 for the nearer one, 1 for the farther.
    fn new(distance: usize, code: u64) -> Back {
        let over = (distance - 1) as u64;
        let (symbol, bits) = match over {
            0..4 => (over as usize, 0),
            _ => {
                let bits = over.ilog2() - 1;
                (2 * bits as usize + (over >> bits) as usize, bits)
            }
        };
        Back { symbol, bits: (over & ((1 << bits) - 1)) << 1 | code, length: bits + 1 }
    }
}

/// The codes, told by their lengths, which are written in codes, too.
fn head(bits: &mut Bits<'_>, lengths: &[u8; SYMBOLS], [near, far]: &[Back; 2]) {
    /// The order in which those are told.
    const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
    let mut all = lengths.to_vec();
    all.resize(SYMBOLS + far.symbol + 1, 0);
    all[SYMBOLS + near.symbol] = 1;
    all[SYMBOLS + far.symbol] = 1;
    let told = shorten(&all);
    let mut counts = [0; 19];
    told.iter().for_each(|(symbol, ..)| counts[*symbol] += 1);
    let lengths = codes::lengths(&counts, 7);
    let codes = codes::codes(&lengths);
    bits.put((SYMBOLS - 257) as u64, 5);
    bits.put(far.symbol as u64, 5);
    bits.put((ORDER.len() - 4) as u64, 4);
    ORDER.iter().for_each(|symbol| bits.put(lengths[*symbol].into(), 3));
    for (symbol, extra, width) in told {
        bits.put(codes[symbol].bits.into(), codes[symbol].length.into());
        bits.put(extra, width);
    }
}

/// Lengths with their repetitions: a symbol, what follows it, and in how many bits.
fn shorten(lengths: &[u8]) -> Vec<(usize, u64, u32)> {
    let mut told = Vec::new();
    let mut rest = lengths;
    while let Some(first) = rest.first() {
        let same = rest.iter().take_while(|length| *length == first).count();
        let taken = match (first, same) {
            (0, 11..) => {
                told.push((18, same.min(138) as u64 - 11, 7));
                same.min(138)
            }
            (0, 3..) => {
                told.push((17, same as u64 - 3, 3));
                same
            }
            (_, 4..) => {
                told.extend([(usize::from(*first), 0, 0), (16, (same - 1).min(6) as u64 - 3, 2)]);
                1 + (same - 1).min(6)
            }
            _ => {
                told.push((usize::from(*first), 0, 0));
                1
            }
        };
        rest = &rest[taken..];
    }
    told
}

/// Bits on their way into bytes.
struct Bits<'a> {
    out: &'a mut Vec<u8>,
    /// Bytes that are finished; `out` is longer.
    at: usize,
    waiting: u64,
    count: u32,
}

impl Bits<'_> {
    /// Begins at the beginning of `out`, whatever is there.
    fn new(out: &mut Vec<u8>) -> Bits<'_> {
        Bits { out, at: 0, waiting: 0, count: 0 }
    }

    #[inline]
    fn add(&mut self, bits: u64, count: u32) {
        self.waiting |= bits << self.count;
        self.count += count;
    }

    #[inline]
    fn add_code(&mut self, code: Code) {
        self.add(code.bits.into(), code.length.into());
    }

    /// Makes room for 56 bits more: without a branch, a whole word is written of which the finished bytes stay.
    #[inline]
    fn flush(&mut self) {
        if self.out.len() < self.at + 8 {
            self.out.resize(2 * self.at + 4096, 0);
        }
        self.out[self.at..self.at + 8].copy_from_slice(&self.waiting.to_le_bytes());
        self.at += self.count as usize / 8;
        self.waiting >>= self.count & !7;
        self.count &= 7;
    }

    #[inline]
    fn put(&mut self, bits: u64, count: u32) {
        self.add(bits, count);
        self.flush();
    }

    /// The last byte is filled up.
    fn end(mut self) {
        self.flush();
        self.out.truncate(self.at + usize::from(self.count > 0));
    }
}
