//! Where a picture is as it was one pixel before, or one row above: most of a chart is.

/// Fresh bytes, and then bytes that repeat others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sequence {
    /// Bytes that are like nothing near.
    pub(super) fresh: u32,
    /// Bytes that follow them and are repeated; none at the end of a picture.
    pub(super) repeated: u32,
    /// They are those of the row above; otherwise those of the pixel before.
    pub(super) above: bool,
}

/// Who wants to know the colours of what is found.
pub(super) trait Witness {
    /// A pixel that repeats nothing.
    fn fresh(&mut self, color: u32);
    /// So many pixels of one colour, the first of which was fresh or like one above.
    fn level(&mut self, color: u32, length: usize);
}

impl Witness for () {
    fn fresh(&mut self, _: u32) {}
    fn level(&mut self, _: u32, _: usize) {}
}

/// Reaching back further is not possible in deflate.
pub(super) const FARTHEST: usize = 32_768;

/// Pixels that are worth a repetition; the format knows none of fewer than three bytes.
const LEAST: usize = 4;

/// Finds what repeats in `pixels`, which become rows of a byte for the filter and `depth` bytes a pixel.
pub(super) fn find(pixels: &[u32], width: usize, depth: usize, found: &mut Vec<Sequence>, witness: &mut impl Witness) {
    found.clear();
    let mut open = Sequence { fresh: 0, repeated: 0, above: false };
    let mut before: &[u32] = &[];
    for row in pixels.chunks_exact(width) {
        // The filter of all rows is the same.
        if open.repeated > 0 && open.above {
            open.repeated += 1;
        } else {
            close(&mut open, found);
            open.fresh += 1;
        }
        let mut at = 0;
        while at < width {
            let color = row[at];
            let above = alike(row, at, before, at);
            let level = if above == 0 && at > 0 { alike(row, at, row, at - 1) } else { 0 };
            let length = above + level;
            if length == 0 {
                close(&mut open, found);
                open.fresh += depth as u32;
                witness.fresh(color);
                at += 1;
                continue;
            }
            if level > 0 {
                witness.level(color, length);
            }
            if open.repeated > 0 && open.above != (above > 0) {
                close(&mut open, found);
            }
            open.above = above > 0;
            open.repeated += (length * depth) as u32;
            at += length;
        }
        if width * depth < FARTHEST {
            before = row;
        }
    }
    found.push(open);
}

/// Ends a sequence that has come to its repetition.
fn close(open: &mut Sequence, found: &mut Vec<Sequence>) {
    if open.repeated > 0 {
        found.push(*open);
        *open = Sequence { fresh: 0, repeated: 0, above: false };
    }
}

/// How many pixels of `one` from `at` on are as those of `other` from `from` on; none if they are fewer than [`LEAST`].
///
/// Where lines cross, hardly any two pixels are alike, and in a chart's ground nearly all: comparing some at once is a
/// branch that the processor foresees, comparing each is not.
#[inline]
fn alike(one: &[u32], at: usize, other: &[u32], from: usize) -> usize {
    let (one, other) = (one.get(at..).unwrap_or_default(), other.get(from..).unwrap_or_default());
    match (one.first_chunk::<LEAST>(), other.first_chunk::<LEAST>()) {
        (Some(a), Some(b)) if a == b => LEAST + common(&one[LEAST..], &other[LEAST..]),
        _ => 0,
    }
}

/// How many pixels at the beginning are the same.
fn common(one: &[u32], other: &[u32]) -> usize {
    let length = one.len().min(other.len());
    let (one, other) = (&one[..length], &other[..length]);
    let mut same = 0;
    for (a, b) in one.as_chunks::<8>().0.iter().zip(other.as_chunks::<8>().0) {
        if a.iter().zip(b).fold(0, |differs, (a, b)| differs | a ^ b) != 0 {
            let bits = a.iter().zip(b).rev().fold(0_u32, |bits, (a, b)| bits << 1 | u32::from(a != b));
            return same + bits.trailing_zeros() as usize;
        }
        same += 8;
    }
    same + one[same..].iter().zip(&other[same..]).take_while(|(a, b)| a == b).count()
}
