//! Pixels as a PNG file, in the least work: readers wait for it, and gzip would not make it smaller.

use png::{ColorType, Encoder, EncodingError};

use super::deflate;
use super::palette::Colors;
use super::repeats::{self, Sequence};

/// Memory for encoding, kept from one picture to the next.
#[derive(Default)]
pub(super) struct Press {
    colors: Colors,
    sequences: Vec<Sequence>,
    /// What is packed: each row has a byte for its filter, which is none, and its pixels.
    rows: Vec<u8>,
    packed: Vec<u8>,
}

impl Press {
    /// `pixels` are premultiplied, `aabbggrr`; if they are `opaque`, they become indices of a palette.
    pub(super) fn png(
        &mut self,
        pixels: &[u32],
        width: usize,
        height: usize,
        opaque: bool,
    ) -> Result<Vec<u8>, EncodingError> {
        let mut file = Vec::with_capacity(pixels.len() / 8);
        let mut encoder = Encoder::new(&mut file, width as u32, height as u32);
        let (depth, literals) = if opaque {
            encoder.set_color(ColorType::Indexed);
            let (palette, literals) = self.indexed(pixels, width);
            encoder.set_palette(palette);
            (1, literals)
        } else {
            encoder.set_color(ColorType::Rgba);
            (4, self.straight(pixels, width))
        };
        let Press { sequences, rows, packed, .. } = self;
        deflate::zlib(rows, sequences, literals, [depth, width * depth + 1], packed);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header()?;
        writer.write_chunk(png::chunk::IDAT, packed)?;
        writer.finish()?;
        Ok(file)
    }

    /// Rows of four bytes a pixel; how often each byte is fresh.
    fn straight(&mut self, pixels: &[u32], width: usize) -> [u32; 256] {
        let Press { sequences, rows, .. } = self;
        rows.clear();
        for row in pixels.chunks_exact(width) {
            rows.push(0);
            rows.extend(row.iter().flat_map(|pixel| straight(*pixel)));
        }
        repeats::find(pixels, width, 4, sequences, &mut ());
        let (mut at, mut counts) = (0, [0; 256]);
        for Sequence { fresh, repeated, .. } in sequences {
            let end = at + *fresh as usize;
            rows[at..end].iter().for_each(|byte| counts[usize::from(*byte)] += 1);
            at = end + *repeated as usize;
        }
        counts
    }

    /// Rows of numbers in the palette that is given back; how often each number is fresh.
    fn indexed(&mut self, pixels: &[u32], width: usize) -> (Vec<u8>, [u32; 256]) {
        let Press { colors, sequences, rows, .. } = self;
        colors.clear();
        repeats::find(pixels, width, 1, sequences, colors);
        let (palette, map) = colors.palette();
        let (mut fresh, mut counts) = (&colors.fresh[..], colors.counts(&map));
        // What is fresh and no pixel is a filter.
        counts[0] += sequences.iter().map(|sequence| sequence.fresh).sum::<u32>() - fresh.len() as u32;
        let stride = width + 1;
        rows.resize(pixels.len() / width * stride, 0);
        // Each row begins as a copy of the one above, so nothing is left to do for what is alike.
        let (mut at, mut next_row) = (0, 0);
        let begin = |rows: &mut [u8], next_row: &mut usize| {
            match next_row.checked_sub(stride) {
                Some(above) => rows.copy_within(above..*next_row, *next_row),
                None => rows[0] = 0,
            }
            *next_row += stride;
        };
        for sequence in sequences {
            let end = at + sequence.fresh as usize;
            while at < end {
                if at == next_row {
                    begin(rows, &mut next_row);
                    at += 1;
                }
                let piece = &mut rows[at..end.min(next_row).max(at)];
                at += piece.len();
                let numbers;
                (numbers, fresh) = fresh.split_at(piece.len());
                for (byte, number) in piece.iter_mut().zip(numbers) {
                    *byte = map[usize::from(*number)];
                }
            }
            let end = at + sequence.repeated as usize;
            if !sequence.above && at < end {
                let before = rows[at - 1];
                rows[at..end].fill(before);
            }
            at = end;
            while next_row < at {
                begin(rows, &mut next_row);
            }
        }
        (palette, counts)
    }
}

/// A pixel that is not premultiplied any more.
fn straight(pixel: u32) -> [u8; 4] {
    let [r, g, b, a] = pixel.to_le_bytes();
    let straight = |value: u8| (u32::from(value) * 255 / u32::from(a.max(1))).min(255) as u8;
    [straight(r), straight(g), straight(b), a]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a decoder that is not ours makes of the file.
    fn decoded(file: &[u8]) -> (ColorType, Vec<u8>) {
        let mut decoder = png::Decoder::new(std::io::Cursor::new(file));
        let color = decoder.read_header_info().unwrap().color_type;
        decoder.set_transformations(png::Transformations::EXPAND);
        let mut reader = decoder.read_info().unwrap();
        let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut bytes).unwrap();
        (color, bytes)
    }

    #[track_caller]
    fn check(pixels: &[u32], width: usize, color: ColorType, off_by: u8) {
        let mut press = Press::default();
        for _ in 0..2 {
            let file = press.png(pixels, width, pixels.len() / width, color != ColorType::Rgba).unwrap();
            let (found, bytes) = decoded(&file);
            assert_eq!(found, color);
            let expected = pixels.iter().flat_map(|pixel| match color {
                ColorType::Rgba => straight(*pixel).to_vec(),
                _ => pixel.to_le_bytes()[..3].to_vec(),
            });
            let far = bytes.iter().zip(expected).map(|(byte, expected)| byte.abs_diff(expected)).max();
            assert!(far.unwrap() <= off_by, "{far:?}");
        }
    }

    /// Runs of all lengths, rows like the one above, and others.
    fn pattern(width: usize, height: usize, colors: u32) -> Vec<u32> {
        let mut state = 7_u32;
        let mut next = |most: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) % most
        };
        let mut pixels: Vec<u32> = Vec::new();
        while pixels.len() < width * height {
            let (kind, length) = (next(5), (1 << next(12)) as usize + next(5) as usize);
            for _ in 0..length {
                let above = pixels.len().checked_sub(width).map(|at| pixels[at]);
                let fresh = 0xff00_0000 | (next(colors).wrapping_mul(0x00fe_dcb1) & 0x00ff_ffff);
                let color = if kind < 3 { above } else { pixels.last().copied().filter(|_| kind == 3) };
                pixels.push(color.unwrap_or(fresh));
            }
        }
        pixels.truncate(width * height);
        pixels
    }

    #[test]
    fn pixels_come_back_as_they_were() {
        for (width, height) in [(1, 1), (2, 3), (7, 300), (300, 7), (803, 90), (5, 2000)] {
            check(&pattern(width, height, 200), width, ColorType::Indexed, 0);
            check(&pattern(width, height, 90_000), width, ColorType::Rgba, 0);
        }
        // Too wide to reach back for the row above.
        check(&pattern(40_000, 3, 9), 40_000, ColorType::Indexed, 0);
        check(&pattern(20_000, 3, 9), 20_000, ColorType::Rgba, 0);
    }

    #[test]
    fn shades_beyond_a_palette_become_their_nearest() {
        let ramp: Vec<u32> = (0..4000).map(|at| 0xff00_0000 | (at / 16) | (at / 20) << 8).collect();
        check(&ramp, 50, ColorType::Indexed, 16);
        // As many colours as pixels, everywhere.
        let noise: Vec<u32> = (0..40_000_u32).map(|at| 0xff00_0000 | (at.wrapping_mul(0x9e37_79b1) >> 8)).collect();
        check(&noise, 200, ColorType::Indexed, 72);
    }
}
