//! Huffman codes as deflate wants them: by their lengths, in the order of the symbols, lowest bit first.

/// The bits of a symbol.
#[derive(Clone, Copy, Default)]
pub(super) struct Code {
    pub(super) bits: u16,
    pub(super) length: u8,
}

/// Lengths for symbols that come so often, none above `most` bits; 0 for those that never come.
pub(super) fn lengths<const N: usize>(counts: &[u32; N], most: u8) -> [u8; N] {
    let mut counts = *counts;
    loop {
        let lengths = best(&counts);
        if lengths.iter().all(|length| *length <= most) {
            return lengths;
        }
        // Counts that differ less make a flatter tree. At the end they are all 1 or 2, which is flat enough.
        counts.iter_mut().filter(|count| **count > 0).for_each(|count| *count = *count / 2 + 1);
    }
}

/// Huffman's lengths. Nodes are made in the order of their weights, so the two lightest are at the front of the leaves or
/// of the nodes.
fn best<const N: usize>(counts: &[u32; N]) -> [u8; N] {
    let mut leaves: Vec<(u32, usize)> =
        (0..N).map(|symbol| (counts[symbol], symbol)).filter(|leaf| leaf.0 > 0).collect();
    leaves.sort_unstable();
    let count = leaves.len();
    let mut weights: Vec<u32> = leaves.iter().map(|leaf| leaf.0).collect();
    let mut parents = vec![0; 2 * count];
    let (mut leaf, mut node) = (0, count);
    for made in count..2 * count.max(1) - 1 {
        let mut weight = 0;
        for _ in 0..2 {
            let is_leaf = leaf < count && (node >= made || weights[leaf] <= weights[node]);
            let lightest = if is_leaf { &mut leaf } else { &mut node };
            parents[*lightest] = made;
            weight += weights[*lightest];
            *lightest += 1;
        }
        weights.push(weight);
    }
    let mut depths = vec![0_u8; weights.len()];
    for child in (0..weights.len().saturating_sub(1)).rev() {
        depths[child] = depths[parents[child]].saturating_add(1);
    }
    let mut lengths = [0; N];
    leaves.iter().zip(depths).for_each(|((_, symbol), depth)| lengths[*symbol] = depth);
    lengths
}

/// The codes of these lengths.
pub(super) fn codes<const N: usize>(lengths: &[u8; N]) -> [Code; N] {
    let mut codes = [Code::default(); N];
    let mut next = 0_u16;
    for length in 1..=15_u8 {
        for (code, _) in codes.iter_mut().zip(lengths).filter(|(_, one)| **one == length) {
            *code = Code { bits: next.reverse_bits() >> (16 - length), length };
            next = next.wrapping_add(1);
        }
        next <<= 1;
    }
    codes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_often_has_short_codes_and_none_begins_another() {
        let mut counts = [0; 40];
        for (symbol, count) in counts.iter_mut().enumerate().skip(3) {
            *count = 1 << (symbol / 2);
        }
        for most in [15, 7] {
            let lengths = lengths(&counts, most);
            assert!(lengths[..3].iter().all(|length| *length == 0) && lengths.iter().all(|length| *length <= most));
            assert!(lengths[3..].is_sorted_by(|a, b| a >= b));
            // Kraft's sum: every string of bits is one of codes.
            let sum: u32 = lengths[3..].iter().map(|length| 1 << (most - length)).sum();
            assert_eq!(sum, 1 << most);
        }
    }

    #[test]
    fn codes_count_up_from_short_to_long() {
        // The example of RFC 1951, whose codes are written highest bit first.
        let codes = codes(&[3, 3, 3, 3, 3, 2, 4, 4]);
        let read = codes.map(|code| code.bits.reverse_bits() >> (16 - code.length));
        assert_eq!(read, [0b010, 0b011, 0b100, 0b101, 0b110, 0b00, 0b1110, 0b1111]);
    }
}
