//! Blending of premultiplied words, two channels at a time.

use crate::draw::color::Color;

/// Shades of an edge: enough for the eye, and few enough to keep small pictures within 256 colours.
pub(super) const SHADES: usize = 16;

/// An ink at all its shades, none to full; beyond, so that no look at them needs a check, full again.
pub(super) type Stamps = [Stamp; 2 * SHADES];

/// A colour ready for blending, at any coverage.
#[derive(Clone, Copy)]
pub(super) struct Ink {
    color: Color,
}

/// An ink at one coverage: what it adds, and 256ths of what lies below that it keeps.
#[derive(Clone, Copy)]
pub(super) struct Stamp {
    adds: u32,
    keeps: u32,
}

impl Ink {
    pub(super) fn new(color: Color) -> Ink {
        Ink { color }
    }

    /// `share` of 256.
    #[inline]
    pub(super) fn covering(self, share: u32) -> Stamp {
        let Color { r, g, b, a } = self.color;
        let alpha = u32::from(a) * share; // of 255 * 256
        let channel = |value: u8| (u32::from(value) * alpha / 255 + 128) >> 8;
        let a = (alpha + 128) >> 8;
        Stamp { adds: channel(r) | channel(g) << 8 | channel(b) << 16 | a << 24, keeps: 256 - a - (a >> 7) }
    }

    /// All its stamps, for shapes of many pixels.
    pub(super) fn stamps(self) -> Stamps {
        std::array::from_fn(|shade| self.covering((shade.min(SHADES) * 256 / SHADES) as u32))
    }
}

impl Stamp {
    /// The pixel that it makes of an empty one.
    pub(super) fn alone(self) -> u32 {
        self.adds
    }

    /// Red and blue are multiplied in one go, green and alpha in another.
    #[inline]
    pub(super) fn over(self, below: u32) -> u32 {
        const HALF: u32 = 0x00ff_00ff;
        let even = ((below & HALF) * self.keeps + 0x0080_0080) >> 8 & HALF;
        let odd = ((below >> 8 & HALF) * self.keeps + 0x0080_0080) & !HALF;
        self.adds + (even | odd)
    }

    /// Puts it on a run of pixels.
    pub(super) fn run(self, pixels: &mut [u32]) {
        if self.keeps == 0 {
            pixels.fill(self.adds);
            return;
        }
        pixels.iter_mut().for_each(|pixel| *pixel = self.over(*pixel));
    }
}
