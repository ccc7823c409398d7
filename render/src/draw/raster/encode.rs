//! Pixels as a PNG file, in the least work: readers wait for it, and gzip would not make it smaller.

use png::{ColorType, Compression, Encoder, EncodingError, Filter};

/// `pixels` are premultiplied, `aabbggrr`; if they are `opaque`, few colours make an indexed picture, many an RGB one.
/// `rows` is memory for what the encoder reads.
pub(super) fn png(
    pixels: &[u32],
    width: usize,
    height: usize,
    opaque: bool,
    rows: &mut Vec<u8>,
) -> Result<Vec<u8>, EncodingError> {
    let mut file = Vec::with_capacity(pixels.len() / 4);
    let mut encoder = Encoder::new(&mut file, width as u32, height as u32);
    // The fastest setting; without a filter it would store the rows as they are.
    encoder.set_compression(Compression::Fast);
    encoder.set_filter(Filter::Up);
    rows.clear();
    match if opaque { indexed(pixels, rows) } else { None } {
        Some(palette) => {
            encoder.set_color(ColorType::Indexed);
            encoder.set_palette(palette);
        }
        None if opaque => {
            encoder.set_color(ColorType::Rgb);
            rgb(pixels, rows);
        }
        None => {
            encoder.set_color(ColorType::Rgba);
            rgba(pixels, rows);
        }
    }
    encoder.write_header()?.write_image_data(rows)?;
    Ok(file)
}

/// Four pixels become three words, which is several times as fast as copying three bytes each.
fn rgb(pixels: &[u32], rows: &mut Vec<u8>) {
    rows.resize(pixels.len() * 3, 0);
    let (fours, rest) = pixels.as_chunks::<4>();
    let (twelves, end) = rows.as_chunks_mut::<12>();
    for ([a, b, c, d], out) in fours.iter().zip(twelves) {
        let low = u64::from(a & 0x00ff_ffff) | u64::from(b & 0x00ff_ffff) << 24 | u64::from(*c) << 48;
        out[..8].copy_from_slice(&low.to_le_bytes());
        out[8..].copy_from_slice(&(c >> 16 & 0xff | d << 8).to_le_bytes());
    }
    for (pixel, out) in rest.iter().zip(end.chunks_exact_mut(3)) {
        out.copy_from_slice(&pixel.to_le_bytes()[..3]);
    }
}

fn rgba(pixels: &[u32], rows: &mut Vec<u8>) {
    rows.reserve(pixels.len() * 4);
    for pixel in pixels {
        let [r, g, b, a] = pixel.to_le_bytes();
        let straight = |value: u8| (u32::from(value) * 255 / u32::from(a.max(1))).min(255) as u8;
        rows.extend_from_slice(&[straight(r), straight(g), straight(b), a]);
    }
}

/// The palette of a picture of at most 256 colours, whose numbers go into `rows`: a third of the bytes to be packed. For
/// more colours `None`, and `rows` stays empty.
///
/// Colours are numbered as they are met, so the same pixels give the same file.
fn indexed(pixels: &[u32], rows: &mut Vec<u8>) -> Option<Vec<u8>> {
    /// Open addressing needs room: four times the colours.
    const SLOTS: usize = 1024;
    const FREE: u16 = u16::MAX;
    let mut slots = [(0_u32, FREE); SLOTS];
    let mut palette = Vec::new();
    rows.reserve(pixels.len());
    let (mut last, mut index) = (!*pixels.first()?, 0);
    for &pixel in pixels {
        if pixel != last {
            last = pixel;
            let mut slot = (pixel.wrapping_mul(0x9e37_79b1) >> 22) as usize;
            while slots[slot].1 != FREE && slots[slot].0 != pixel {
                slot = (slot + 1) % SLOTS;
            }
            if slots[slot].1 == FREE {
                let number = palette.len() / 3;
                if number == 256 {
                    rows.clear();
                    return None;
                }
                slots[slot] = (pixel, number as u16);
                palette.extend_from_slice(&pixel.to_le_bytes()[..3]);
            }
            index = slots[slot].1 as u8;
        }
        rows.push(index);
    }
    Some(palette)
}
