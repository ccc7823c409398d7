//! The colours of a picture, and the 256 that it is written with.
//!
//! Beyond 256 the most frequent stay, which are those of areas, letters and lines. The others are shades where edges
//! cross: each becomes its nearest, which the eye does not find. Colours are numbered as they are met, so the same pixels
//! give the same file.

use super::repeats::Witness;

/// Colours with how often they were met, and those of single pixels in their order.
pub(super) struct Colors {
    /// Number and colour side by side, so that a look costs one line of the cache; [`FREE`] where there is none.
    slots: Box<[u64; SLOTS]>,
    known: Vec<u32>,
    /// How many pixels of areas each of them fills.
    areas: Vec<u32>,
    /// What stands for the pixels that repeat nothing: the number of a colour, or [`BOXED`] and its box.
    pub(super) fresh: Vec<u16>,
    /// How often each of those was met.
    met: Vec<u32>,
    /// The boxes among them, in the order in which they were met.
    boxes: Vec<u16>,
}

/// The half that stands for a colour is of none: nothing that is not there shines.
const FREE: u64 = 0xffff_ffff_00ff_ffff;
const SLOTS: usize = 4096;
/// Colours of single pixels that are kept apart, as many as the nearest cache holds. The first of them are enough to
/// choose from; of later ones only the box is kept, unless they fill an area.
const APART: usize = 1024;
/// With those of areas, half of the slots.
const MOST: usize = SLOTS / 2;
/// From here on they are boxes.
const BOXED: u16 = MOST as u16;
const BOXES: usize = 1 << 15;

impl Witness for Colors {
    #[inline]
    fn fresh(&mut self, colors: &[u32]) {
        let mut fresh = std::mem::take(&mut self.fresh);
        if self.known.len() < APART {
            fresh.extend(colors.iter().map(|color| self.meet(*color)));
        } else {
            fresh.extend(colors.iter().map(|color| self.meet_again(*color)));
        }
        self.fresh = fresh;
    }

    fn level(&mut self, color: u32, length: usize) {
        if let Some(number) = self.number(color, MOST) {
            self.areas[usize::from(number)] += length as u32;
        }
    }
}

impl Default for Colors {
    fn default() -> Colors {
        Colors {
            slots: Box::new([FREE; SLOTS]),
            known: Vec::new(),
            areas: Vec::new(),
            fresh: Vec::new(),
            met: vec![0; MOST + BOXES],
            boxes: Vec::new(),
        }
    }
}

impl Colors {
    /// Begins anew, in the memory it has.
    pub(super) fn clear(&mut self) {
        self.slots.fill(FREE);
        self.met[..self.known.len()].fill(0);
        self.boxes.iter().for_each(|place| self.met[usize::from(BOXED + place)] = 0);
        self.known.clear();
        self.areas.clear();
        self.fresh.clear();
        self.boxes.clear();
    }

    /// What stands for a colour, which may be a new one.
    #[inline]
    fn meet(&mut self, color: u32) -> u16 {
        let slot = self.slots[spread(color) % SLOTS];
        let known = if slot as u32 == color { Some((slot >> 32) as u16) } else { self.number(color, APART) };
        let number = known.unwrap_or(BOXED + box_of(color));
        self.count(number);
        number
    }

    /// The same once no more are kept apart: half of them are known then, so what asks whether they are must be no
    /// branch. A colour that is farther than one slot from where it belongs counts by its box.
    #[inline]
    fn meet_again(&mut self, color: u32) -> u16 {
        let slot = spread(color) % SLOTS;
        let (one, other) = (self.slots[slot], self.slots[(slot + 1) % SLOTS]);
        let number = if other as u32 == color { (other >> 32) as u16 } else { BOXED + box_of(color) };
        let number = if one as u32 == color { (one >> 32) as u16 } else { number };
        self.count(number);
        number
    }

    #[inline]
    fn count(&mut self, number: u16) {
        let met = &mut self.met[usize::from(number)];
        *met += 1;
        if *met == 1 {
            self.meet_first(number);
        }
    }

    /// Not inlined, so that whether it is a box is asked only here.
    #[cold]
    #[inline(never)]
    fn meet_first(&mut self, number: u16) {
        if let Some(place) = number.checked_sub(BOXED) {
            self.boxes.push(place);
        }
    }

    /// The number of a colour, a new one while there are fewer than `most`.
    #[inline]
    fn number(&mut self, color: u32, most: usize) -> Option<u16> {
        let mut slot = spread(color) % SLOTS;
        loop {
            match self.slots[slot] {
                FREE if self.known.len() < most => return Some(self.add(color, slot)),
                FREE => return None,
                taken if taken as u32 == color => return Some((taken >> 32) as u16),
                _ => slot = (slot + 1) % SLOTS,
            }
        }
    }

    #[cold]
    fn add(&mut self, color: u32, slot: usize) -> u16 {
        let number = self.known.len() as u16;
        self.slots[slot] = u64::from(number) << 32 | u64::from(color);
        self.known.push(color);
        self.areas.push(0);
        number
    }

    /// How often each index comes among the fresh ones.
    pub(super) fn counts(&self, map: &[u8]) -> [u32; 256] {
        let mut counts = [0; 256];
        let numbers = 0..self.known.len();
        for number in numbers.chain(self.boxes.iter().map(|place| usize::from(BOXED + place))) {
            counts[usize::from(map[number])] += self.met[number];
        }
        counts
    }

    /// The palette, three bytes a colour, and the index that each number and each box becomes.
    pub(super) fn palette(&self) -> (Vec<u8>, Vec<u8>) {
        /// How many stay because they are frequent; the others because nothing is near them.
        const FREQUENT: usize = 192;
        let mut palette = Vec::with_capacity(768);
        if self.known.len() <= 256 {
            self.known.iter().for_each(|color| palette.extend_from_slice(&color.to_le_bytes()[..3]));
            return (palette, (0..=255).take(self.known.len()).collect());
        }
        let mut rest = Rest::default();
        self.boxes.iter().for_each(|place| rest.add(*place));
        let counts = self.areas.iter().zip(&self.met).map(|(area, met)| area + met);
        // Ties go to the one met first.
        let order = |(number, count): (u32, u32)| u64::from(!count) << 32 | u64::from(number);
        let mut order: Vec<u64> = (0..).zip(counts).map(order).collect();
        order.sort_unstable();
        let color = |one: &u64| self.known[*one as u32 as usize];
        let (frequent, rare) = order.split_at(FREQUENT);
        rare.iter().for_each(|one| rest.add(box_of(color(one))));
        let mut map = vec![0; MOST + BOXES];
        for (index, one) in frequent.iter().enumerate() {
            palette.extend_from_slice(&color(one).to_le_bytes()[..3]);
            rest.may_become(index as u8, color(one));
            map[*one as u32 as usize] = index as u8;
        }
        for index in FREQUENT..256 {
            let farthest = rest.farthest();
            palette.extend_from_slice(&farthest.to_le_bytes()[..3]);
            rest.may_become(index as u8, farthest);
        }
        for (place, index) in rest.found() {
            map[MOST + place] = index;
        }
        for one in rare {
            map[*one as u32 as usize] = map[MOST + usize::from(box_of(color(one)))];
        }
        (palette, map)
    }
}

/// A colour's place among slots: few of the bits of neighbouring shades differ.
#[inline]
fn spread(color: u32) -> usize {
    (color.wrapping_mul(0x9e37_79b1) >> 8) as usize
}

/// The box of a colour: eight shades of each channel.
#[inline]
fn box_of(color: u32) -> u16 {
    let [red, green, blue, _] = color.to_le_bytes().map(|value| u16::from(value >> 3));
    red << 10 | green << 5 | blue
}

/// Colours that become another one, by their boxes, since there may be as many colours as pixels.
///
/// A channel is a list of bytes, so that many are compared at once.
struct Rest {
    /// Where each box is in the lists, 0 for those that are not, and otherwise one more than the place.
    places: Vec<u16>,
    boxes: Vec<u16>,
    channels: [Vec<u8>; 3],
    /// The sum over the channels of what lies between a box and the nearest colour that stays, 255 at most; 0 for one that
    /// such a colour lies in.
    distances: Vec<u8>,
    indices: Vec<u8>,
}

impl Default for Rest {
    fn default() -> Rest {
        let channels = [Vec::new(), Vec::new(), Vec::new()];
        Rest { places: vec![0; BOXES], boxes: Vec::new(), channels, distances: Vec::new(), indices: Vec::new() }
    }
}

impl Rest {
    fn add(&mut self, place: u16) {
        let known = &mut self.places[usize::from(place)];
        if *known == 0 {
            self.boxes.push(place);
            *known = self.boxes.len() as u16;
            for (channel, shift) in self.channels.iter_mut().zip([10, 5, 0]) {
                channel.push(((place >> shift & 31) << 3 | 4) as u8);
            }
            self.distances.push(u8::MAX);
            self.indices.push(0);
        }
    }

    /// Each box with the index that it has become.
    fn found(&self) -> impl Iterator<Item = (usize, u8)> {
        self.boxes.iter().zip(&self.indices).map(|(place, index)| (usize::from(*place), *index))
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
        // The first of its box, which is the most frequent one, is what all of it becomes.
        if let Some(place) = usize::from(self.places[usize::from(box_of(color))]).checked_sub(1)
            && self.distances[place] > 0
        {
            (self.distances[place], self.indices[place]) = (0, index);
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
