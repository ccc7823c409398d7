//! The colours of a picture, and the 256 that it is written with.
//!
//! Beyond 256 the most frequent stay, which are those of areas, letters and lines. The others are shades where edges
//! cross: each becomes its nearest, which the eye does not find. Colours are numbered as they are met, so the same pixels
//! give the same file.

use super::repeats::Witness;

/// Colours with how often they were met, and those of single pixels in their order.
pub(super) struct Colors {
    /// Numbers by colour, by open addressing; [`FREE`] where there is none.
    slots: Vec<u32>,
    /// Half of the slots at most are taken.
    known: Vec<(u32, u32)>,
    /// Numbers of the pixels that repeat nothing.
    pub(super) fresh: Vec<u32>,
}

const FREE: u32 = u32::MAX;
/// As many as a chart of a few series has; there is more room when it is needed.
const FIRST_SLOTS: usize = 16_384;

impl Witness for Colors {
    #[inline]
    fn fresh(&mut self, color: u32) {
        let number = self.number(color);
        self.known[number as usize].1 += 1;
        self.fresh.push(number);
    }

    fn level(&mut self, color: u32, length: usize) {
        let number = self.number(color);
        self.known[number as usize].1 += length as u32;
    }
}

impl Default for Colors {
    fn default() -> Colors {
        Colors { slots: vec![FREE; FIRST_SLOTS], known: Vec::new(), fresh: Vec::new() }
    }
}

impl Colors {
    /// Begins anew, in the memory it has.
    pub(super) fn clear(&mut self) {
        self.slots.truncate(FIRST_SLOTS);
        self.slots.fill(FREE);
        self.known.clear();
        self.fresh.clear();
    }

    #[inline]
    fn number(&mut self, color: u32) -> u32 {
        let mut slot = spread(color) & (self.slots.len() - 1);
        loop {
            let number = self.slots[slot];
            match self.known.get(number as usize) {
                Some((known, _)) if *known == color => return number,
                Some(_) => slot = (slot + 1) & (self.slots.len() - 1),
                None => return self.add(color, slot),
            }
        }
    }

    #[cold]
    fn add(&mut self, color: u32, slot: usize) -> u32 {
        let number = self.known.len() as u32;
        self.slots[slot] = number;
        self.known.push((color, 0));
        if self.known.len() * 2 > self.slots.len() {
            let size = self.slots.len() * 4;
            self.slots.clear();
            self.slots.resize(size, FREE);
            for (number, (color, _)) in (0..).zip(&self.known) {
                let mut slot = spread(*color) & (size - 1);
                while self.slots[slot] != FREE {
                    slot = (slot + 1) & (size - 1);
                }
                self.slots[slot] = number;
            }
        }
        number
    }

    /// The palette, three bytes a colour, and the index that each number becomes.
    pub(super) fn palette(&self) -> (Vec<u8>, Vec<u8>) {
        /// How many stay because they are frequent; the others because nothing is near them.
        const FREQUENT: usize = 192;
        let mut palette = Vec::with_capacity(768);
        if self.known.len() <= 256 {
            self.known.iter().for_each(|(color, _)| palette.extend_from_slice(&color.to_le_bytes()[..3]));
            return (palette, (0..=255).take(self.known.len()).collect());
        }
        // Ties go to the one met first.
        let order = |(number, (_, count)): (u32, &(u32, u32))| u64::from(!count) << 32 | u64::from(number);
        let mut order: Vec<u64> = (0..).zip(&self.known).map(order).collect();
        let mut frequent: Vec<u32> = order.select_nth_unstable(FREQUENT).0.iter().map(|one| *one as u32).collect();
        frequent.sort_unstable();
        let mut stay = frequent.iter().copied().peekable();
        let rare: Vec<u32> = (0..self.known.len() as u32).filter(|number| stay.next_if_eq(number).is_none()).collect();
        let color = |number: &u32| self.known[*number as usize].0;
        let (mut rest, boxes) = Rest::new(rare.iter().map(color));
        let mut stays = |index: usize, color: u32, rest: &mut Rest| {
            palette.extend_from_slice(&color.to_le_bytes()[..3]);
            rest.may_become(index as u8, color);
        };
        let mut map = vec![0; self.known.len()];
        for (index, number) in frequent.iter().enumerate() {
            map[*number as usize] = index as u8;
            stays(index, color(number), &mut rest);
        }
        for index in FREQUENT..256 {
            let farthest = rest.farthest();
            stays(index, farthest, &mut rest);
        }
        for (number, place) in rare.iter().zip(boxes) {
            map[*number as usize] = rest.indices[place as usize];
        }
        (palette, map)
    }
}

/// A colour's place among slots: few of the bits of neighbouring shades differ.
#[inline]
fn spread(color: u32) -> usize {
    (color.wrapping_mul(0x9e37_79b1) >> 8) as usize
}

/// Colours that become another one: boxes of eight shades a channel, since there may be as many colours as pixels.
///
/// A channel is a list of bytes, so that many are compared at once.
struct Rest {
    channels: [Vec<u8>; 3],
    /// The sum over the channels of what lies between a box and the nearest colour that stays, 255 at most.
    distances: Vec<u8>,
    indices: Vec<u8>,
}

impl Rest {
    /// The boxes of `colors`, and the one of each.
    fn new(colors: impl ExactSizeIterator<Item = u32>) -> (Rest, Vec<u16>) {
        const NONE: u16 = u16::MAX;
        let mut known = vec![NONE; 1 << 15];
        let mut channels = [Vec::new(), Vec::new(), Vec::new()];
        let mut places = Vec::with_capacity(colors.len());
        for color in colors {
            let [red, green, blue, _] = color.to_le_bytes();
            let fifth = |value: u8| usize::from(value >> 3);
            let place = &mut known[fifth(red) << 10 | fifth(green) << 5 | fifth(blue)];
            if *place == NONE {
                *place = channels[0].len() as u16;
                for (channel, value) in channels.iter_mut().zip([red, green, blue]) {
                    channel.push(value & !7 | 4);
                }
            }
            places.push(*place);
        }
        let count = channels[0].len();
        (Rest { channels, distances: vec![u8::MAX; count], indices: vec![0; count] }, places)
    }

    fn may_become(&mut self, index: u8, color: u32) {
        let [red, green, blue, _] = color.to_le_bytes();
        let [reds, greens, blues] = &self.channels;
        let channels = reds.iter().zip(greens).zip(blues);
        // Not `abs_diff`, which widens the bytes and takes four times as long.
        let apart = |a: u8, b: u8| a.max(b) - a.min(b);
        for (((r, g), b), (best, at)) in channels.zip(self.distances.iter_mut().zip(&mut self.indices)) {
            let distance = apart(*r, red).saturating_add(apart(*g, green)).saturating_add(apart(*b, blue));
            *at = if distance < *best { index } else { *at };
            *best = distance.min(*best);
        }
    }

    /// The first of those that are farthest from what stays.
    fn farthest(&self) -> u32 {
        let most = self.distances.iter().fold(0, |most, distance| most.max(*distance));
        let place = self.distances.iter().position(|distance| *distance == most).unwrap_or(0);
        let [red, green, blue] =
            [0, 1, 2].map(|channel: usize| self.channels[channel].get(place).copied().unwrap_or(0));
        u32::from_le_bytes([red, green, blue, u8::MAX])
    }
}
