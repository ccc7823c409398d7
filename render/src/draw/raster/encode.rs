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
    match if opaque { indexed(pixels, width, rows) } else { None } {
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

/// The palette of a picture of few colours, whose numbers go into `rows`: a third of the bytes to be packed. For more
/// colours `None`, and `rows` stays empty.
///
/// Beyond 256 colours the most frequent stay, and the others, which are shades where edges cross, become their nearest,
/// if that is near. Colours are numbered as they are met, so the same pixels give the same file.
fn indexed(pixels: &[u32], width: usize, rows: &mut Vec<u8>) -> Option<Vec<u8>> {
    let mut colors = Colors::default();
    let (eights, rest) = pixels.as_chunks::<8>();
    let eight = |at: usize| pixels.get(at..).and_then(|pixels| pixels.first_chunk::<8>());
    // Most of a chart is as it is one row above; where that holds for eight pixels, nothing is looked up or counted.
    let above = |at: usize| at.checked_sub(width).filter(|from| width >= 8 && eight(*from) == eight(at));
    for (index, eight) in eights.iter().enumerate() {
        if above(index * 8).is_none() {
            eight.iter().try_for_each(|color| colors.number(*color).map(|number| colors.known[number].1 += 1))?;
        }
    }
    rest.iter().try_for_each(|color| colors.number(*color).map(|number| colors.known[number].1 += 1))?;
    let (palette, map) = colors.palette()?;
    rows.resize(pixels.len(), 0);
    for (index, eight) in eights.iter().enumerate() {
        let (done, todo) = rows.split_at_mut(index * 8);
        if let Some(from) = above(index * 8) {
            todo[..8].copy_from_slice(&done[from..from + 8]);
        } else {
            for (row, color) in todo.iter_mut().zip(eight) {
                *row = map[colors.number(*color)? % MOST_COLORS];
            }
        }
    }
    for (row, color) in rows.iter_mut().rev().zip(rest.iter().rev()) {
        *row = map[colors.number(*color)? % MOST_COLORS];
    }
    Some(palette)
}

/// Finding the nearest for more than these would take longer than it saves.
const MOST_COLORS: usize = 4096;
/// Open addressing needs room.
const SLOTS: usize = 2 * MOST_COLORS;
const FREE: u16 = u16::MAX;

/// The colours of a picture, and how many pixels have them.
struct Colors {
    slots: Vec<u16>,
    known: Vec<(u32, u32)>,
    /// The colour asked for last, and its number.
    last: Option<(u32, usize)>,
}

impl Default for Colors {
    fn default() -> Colors {
        Colors { slots: vec![FREE; SLOTS], known: Vec::with_capacity(256), last: None }
    }
}

impl Colors {
    /// The number of a colour; `None` once there are too many.
    #[inline]
    fn number(&mut self, color: u32) -> Option<usize> {
        match self.last {
            Some((last, number)) if last == color => Some(number),
            _ => {
                let number = self.find(color)?;
                self.last = Some((color, number));
                Some(number)
            }
        }
    }

    fn find(&mut self, color: u32) -> Option<usize> {
        let mut slot = (color.wrapping_mul(0x9e37_79b1) >> 19) as usize % SLOTS;
        loop {
            let number = self.slots[slot];
            match self.known.get(usize::from(number)) {
                Some((known, _)) if *known == color => return Some(number.into()),
                Some(_) => slot = (slot + 1) % SLOTS,
                None => break,
            }
        }
        let number = self.known.len();
        if number == MOST_COLORS {
            return None;
        }
        self.slots[slot] = number as u16;
        self.known.push((color, 0));
        Some(number)
    }

    /// The colours that stay, and which of them each number becomes; `None` if one would be changed so that it shows.
    fn palette(&self) -> Option<(Vec<u8>, [u8; MOST_COLORS])> {
        /// How many stay because they are frequent; the others because nothing is near them.
        const FREQUENT: usize = 192;
        let mut order: Vec<usize> = (0..self.known.len()).collect();
        order.sort_by_key(|number| std::cmp::Reverse(self.known[*number].1));
        let sure = if order.len() > 256 { FREQUENT } else { order.len() };
        let mut rest = Rest::new(order[sure..].iter().map(|number| self.known[*number].0));
        let mut map = [0_u8; MOST_COLORS];
        let mut palette = Vec::with_capacity(768);
        let mut stays = |index: usize, color: u32, rest: &mut Rest| {
            palette.extend_from_slice(&color.to_le_bytes()[..3]);
            rest.may_become(index as u8, color);
        };
        for (index, number) in order[..sure].iter().enumerate() {
            map[*number] = index as u8;
            stays(index, self.known[*number].0, &mut rest);
        }
        if order.len() > 256 {
            for index in FREQUENT..256 {
                let farthest = rest.farthest();
                stays(index, self.known[order[sure + farthest]].0, &mut rest);
            }
        }
        for (number, becomes) in order[sure..].iter().zip(rest.become_near()?) {
            map[*number] = becomes;
        }
        Some((palette, map))
    }
}

/// Colours that become another one, channel by channel, so that many are compared at once.
struct Rest {
    channels: [Vec<i32>; 3],
    /// Distance to the nearest that stays, times 256, and its index. The distance is the sum over the channels.
    nearest: Vec<i32>,
}

impl Rest {
    fn new(colors: impl Iterator<Item = u32> + Clone) -> Rest {
        let channel = |at: usize| colors.clone().map(|color| color.to_le_bytes()[at].into()).collect();
        let channels: [Vec<i32>; 3] = [channel(0), channel(1), channel(2)];
        Rest { nearest: vec![i32::MAX; channels[0].len()], channels }
    }

    fn may_become(&mut self, index: u8, color: u32) {
        let [red, green, blue, _] = color.to_le_bytes().map(i32::from);
        let [reds, greens, blues] = &self.channels;
        for (((r, g), b), nearest) in reds.iter().zip(greens).zip(blues).zip(&mut self.nearest) {
            let distance = (r - red).abs() + (g - green).abs() + (b - blue).abs();
            *nearest = (*nearest).min(distance << 8 | i32::from(index));
        }
    }

    /// The first of those that are farthest from what stays.
    fn farthest(&self) -> usize {
        let most = self.nearest.iter().fold(0, |most, distance| most.max(distance >> 8));
        self.nearest.iter().position(|distance| distance >> 8 == most).unwrap_or(0)
    }

    /// What each becomes, if all are near.
    fn become_near(&self) -> Option<impl Iterator<Item = u8>> {
        /// A few pixels where edges cross may be off by so much; the eye does not find them.
        const FARTHEST: i32 = 72;
        let all_near = self.nearest.iter().all(|distance| distance >> 8 <= FARTHEST);
        all_near.then(|| self.nearest.iter().map(|distance| *distance as u8))
    }
}
