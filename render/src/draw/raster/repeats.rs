//! Where a picture is as it was one pixel before, or one row above: most of a chart is.

use super::alike::{Alike, LEAST};
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
    /// Pixels that repeat nothing.
    fn fresh(&mut self, colors: &[u32]);
    /// So many pixels of one colour, the first of which was fresh or like one above.
    fn level(&mut self, color: u32, length: usize);
}

impl Witness for () {
    fn fresh(&mut self, _: &[u32]) {}
    fn level(&mut self, _: u32, _: usize) {}
}

/// Reaching back further is not possible in deflate.
pub(super) const FARTHEST: usize = 32_768;

/// Finds what repeats in `pixels`, which become rows of a byte for the filter and `depth` bytes a pixel.
///
/// Where lines cross, hardly any two pixels are alike: asking each is a branch that no processor foresees. So a row is
/// compared first, which gives a bit for each pixel, and then only the beginnings of repetitions are looked at.
pub(super) fn find(pixels: &[u32], width: usize, depth: usize, found: &mut Vec<Sequence>, witness: &mut impl Witness) {
    found.clear();
    let mut open = Sequence { fresh: 0, repeated: 0, above: false };
    let (mut above, mut level) = (Alike::new(width), Alike::new(width));
    let reaches_above = width * depth < FARTHEST;
    // What lies one pixel back in the first row; before its first pixel is nothing, so that one does not count.
    let lead: Vec<u32> = pixels.iter().take(1).chain(pixels).take(width).copied().collect();
    for (index, row) in pixels.chunks_exact(width).enumerate() {
        let start = index * width;
        // The filter of all rows is the same.
        if open.repeated > 0 && open.above {
            open.repeated += 1;
        } else {
            close(&mut open, found);
            open.fresh += 1;
        }
        if index > 0 && reaches_above {
            let before = &pixels[start - width..start];
            if row == before && width >= LEAST {
                open.above = true;
                open.repeated += (width * depth) as u32;
                continue;
            }
            above.compare(row, before, 0);
        }
        let one_back = start.checked_sub(1).map_or(&lead[..], |back| &pixels[back..back + width]);
        level.compare(row, one_back, 1);
        let mut at = 0;
        while at < width {
            let next = above.next(at).min(level.next(at)).min(width);
            if next > at {
                close(&mut open, found);
                open.fresh += ((next - at) * depth) as u32;
                witness.fresh(&row[at..next]);
            }
            at = next;
            if at < width {
                let is_above = above.starts(at);
                let length = if is_above { above.length(at) } else { level.length(at) };
                if !is_above {
                    witness.level(row[at], length);
                }
                if open.repeated > 0 && open.above != is_above {
                    close(&mut open, found);
                }
                open.above = is_above;
                open.repeated += (length * depth) as u32;
                at += length;
            }
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
