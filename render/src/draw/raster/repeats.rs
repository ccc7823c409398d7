//! Where a picture is as it was one pixel before, or one row above: most of a chart is.

use super::deflate;

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

/// Fewer bytes cannot be repeated in the format.
const LEAST: usize = 3;

/// Finds what repeats in `pixels`, which become rows of a byte for the filter and `depth` bytes a pixel.
pub(super) fn find(pixels: &[u32], width: usize, depth: usize, found: &mut Vec<Sequence>, witness: &mut impl Witness) {
    found.clear();
    let least = LEAST.div_ceil(depth);
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
        while let Some(rest) = row.get(at..).filter(|rest| !rest.is_empty()) {
            let color = rest[0];
            let above = match before.get(at..) {
                Some(before) if before.first() == Some(&color) => common(rest, before),
                _ => 0,
            };
            let level =
                if above < rest.len() && at > 0 && row[at - 1] == color { common(rest, &row[at - 1..]) } else { 0 };
            let length = above.max(level);
            if length < least {
                close(&mut open, found);
                open.fresh += depth as u32;
                witness.fresh(color);
                at += 1;
                continue;
            }
            let is_above = above >= level;
            if !is_above {
                witness.level(color, length);
            }
            if open.repeated > 0 && open.above != is_above {
                close(&mut open, found);
            }
            open.above = is_above;
            open.repeated += (length * depth) as u32;
            at += length;
        }
        if width * depth < deflate::FARTHEST {
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

/// How many pixels at the beginning are the same.
#[inline]
fn common(one: &[u32], other: &[u32]) -> usize {
    let length = one.len().min(other.len());
    let (one, other) = (&one[..length], &other[..length]);
    let mut same = 0;
    for (a, b) in one.as_chunks::<8>().0.iter().zip(other.as_chunks::<8>().0) {
        // Without a branch for each, so that all are compared at once.
        if a.iter().zip(b).fold(0, |differs, (a, b)| differs | a ^ b) != 0 {
            break;
        }
        same += 8;
    }
    same + one[same..].iter().zip(&other[same..]).take_while(|(a, b)| a == b).count()
}
