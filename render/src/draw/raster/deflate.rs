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
/// No code of a symbol is longer.
const MOST_BITS: u8 = 15;

/// Packs `rows` into `out`; repetitions lie `depth` bytes back or, if they are above, `stride` bytes.
pub(super) fn zlib(rows: &[u8], sequences: &[Sequence], depth: usize, stride: usize, out: &mut Vec<u8>) {
    let counts = count(rows, sequences);
    let lengths = codes::lengths(&counts, MOST_BITS);
    let symbols = codes::codes(&lengths);
    // Deflate, a window of 32 KiB, no dictionary.
    out.extend_from_slice(&[0x78, 0x01]);
    let mut bits = Bits { out, waiting: 0, count: 0 };
    // The last block, with codes of its own.
    bits.put(0b101, 3);
    let backs = [Back::new(depth, 0), Back::new(stride.min(FARTHEST), 1)];
    head(&mut bits, &lengths, &backs);
    let mut at = 0;
    for sequence in sequences {
        let fresh = at + sequence.fresh as usize;
        for byte in &rows[at..fresh] {
            let Code { bits: code, length } = symbols[usize::from(*byte)];
            bits.put(code.into(), length.into());
        }
        at = fresh + sequence.repeated as usize;
        let back = &backs[usize::from(sequence.above)];
        for length in pieces(sequence.repeated as usize) {
            let length = Length::new(length);
            let code = symbols[length.symbol];
            bits.put(code.bits.into(), code.length.into());
            bits.put(length.extra.into(), length.bits);
            bits.put(back.bits, back.length);
        }
    }
    bits.put(symbols[END].bits.into(), symbols[END].length.into());
    bits.end();
    out.extend_from_slice(&simd_adler32::adler32(&rows).to_be_bytes());
}

/// How often each symbol will be written.
fn count(rows: &[u8], sequences: &[Sequence]) -> [u32; SYMBOLS] {
    let mut counts = [0; SYMBOLS];
    let mut at = 0;
    for sequence in sequences {
        let fresh = at + sequence.fresh as usize;
        rows[at..fresh].iter().for_each(|byte| counts[usize::from(*byte)] += 1);
        at = fresh + sequence.repeated as usize;
        pieces(sequence.repeated as usize).for_each(|length| counts[Length::new(length).symbol] += 1);
    }
    counts[END] = 1;
    counts
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
    waiting: u64,
    count: u32,
}

impl Bits<'_> {
    /// At most 32 of them.
    #[inline]
    fn put(&mut self, bits: u64, count: u32) {
        self.waiting |= bits << self.count;
        self.count += count;
        if self.count >= 32 {
            self.out.extend_from_slice(&(self.waiting as u32).to_le_bytes());
            self.waiting >>= 32;
            self.count -= 32;
        }
    }

    fn end(self) {
        let bytes = self.count.div_ceil(8) as usize;
        self.out.extend_from_slice(&self.waiting.to_le_bytes()[..bytes]);
    }
}
