//! How much is kept of pages in all.

use std::collections::HashMap;

use super::Pages;

/// The pages of many files, by the places of their series, within a number of bytes.
#[derive(Debug)]
pub(in super::super) struct Held {
    pages: HashMap<u32, Pages, foldhash::fast::FixedState>,
    bytes: usize,
    most: usize,
}

/// What a file's entry takes beside its pages.
const ENTRY: usize = 64;

/// The part of the room that may be taken by pages of new files, of which it is not known yet whether it helps.
const FOR_NEW: usize = 4;

impl Held {
    /// Takes `most` bytes.
    pub(in super::super) fn new(most: usize) -> Held {
        Held { pages: HashMap::default(), bytes: 0, most }
    }

    /// Gives those of the series at `place` away.
    pub(in super::super) fn take(&mut self, place: u32) -> Option<Pages> {
        let pages = self.pages.remove(&place)?;
        self.bytes -= pages.bytes() + ENTRY;
        Some(pages)
    }

    /// Keeps those of the series at `place`, if there is room.
    pub(in super::super) fn put(&mut self, place: u32, pages: Pages) {
        self.take(place);
        let bytes = pages.bytes() + ENTRY;
        if pages.bytes() > 0 && self.bytes + bytes <= self.most {
            self.bytes += bytes;
            self.pages.insert(place, pages);
        }
    }

    /// Whether there is room enough to keep those of new files.
    pub(in super::super) fn has_much_room(&self) -> bool {
        self.bytes < self.most / FOR_NEW
    }

    pub(in super::super) fn bytes(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::super::PAGE;
    use super::*;

    fn pages(count: u64) -> Pages {
        let mut pages = Pages::default();
        (0..count).for_each(|number| pages.put(number, &[7; PAGE as usize]));
        pages
    }

    #[test]
    fn what_finds_no_room_is_not_kept() {
        let one = pages(1).bytes() + ENTRY;
        let mut held = Held::new(3 * one);
        (0..4).for_each(|place| held.put(place, pages(1)));
        assert_eq!(held.bytes(), 3 * one);
        assert!(held.take(3).is_none());
        assert!(held.take(1).is_some() && held.take(1).is_none());
        held.put(0, pages(1));
        held.put(3, Pages::default());
        assert_eq!((held.bytes(), held.pages.len()), (2 * one, 2));
        held.put(0, pages(4));
        assert!(held.take(0).is_none(), "what was there is gone, too");
        assert_eq!(held.bytes(), one);
    }
}
