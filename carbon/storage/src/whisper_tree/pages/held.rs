//! How much is kept of pages in all.

use std::collections::{HashMap, VecDeque};

use super::Pages;

/// The pages of many files, by the places of their series, within a number of bytes.
#[derive(Debug)]
pub(in super::super) struct Held {
    entries: HashMap<u32, Entry, foldhash::fast::FixedState>,
    /// Places in the order of their writes, with when that was. What was written again since is here once more.
    order: VecDeque<(u32, u64)>,
    bytes: usize,
    most: usize,
}

#[derive(Debug)]
struct Entry {
    pages: Pages,
    /// When they were written, in milliseconds since the epoch.
    written: u64,
}

/// What a file's entry takes beside its pages, and its places in the order.
const ENTRY: usize = 160;

/// The part of the room that may be taken by pages of new files, of which it is not known yet whether it helps.
const FOR_NEW: usize = 4;

impl Held {
    /// Takes `most` bytes.
    pub(in super::super) fn new(most: usize) -> Held {
        Held { entries: HashMap::default(), order: VecDeque::new(), bytes: 0, most }
    }

    /// Gives those of the series at `place` away.
    pub(in super::super) fn take(&mut self, place: u32) -> Option<Pages> {
        let pages = self.entries.remove(&place)?.pages;
        self.bytes -= pages.bytes() + ENTRY;
        Some(pages)
    }

    /// Keeps those of the series at `place`, written now and `before`, if there is room: beside others, or for those of
    /// series that were not written since then. Says whether it does.
    pub(in super::super) fn put(&mut self, place: u32, pages: Pages, written: u64, before: u64) -> bool {
        self.take(place);
        let bytes = pages.bytes() + ENTRY;
        if pages.bytes() == 0 || bytes > self.most {
            return false;
        }
        while self.bytes + bytes > self.most {
            let Some((oldest, _)) = self.oldest().filter(|(_, at)| *at < before) else { return false };
            self.take(oldest);
        }
        self.bytes += bytes;
        self.entries.insert(place, Entry { pages, written });
        self.order.push_back((place, written));
        if self.order.len() > 2 * self.entries.len() + 16 {
            let entries = &self.entries;
            self.order.retain(|(place, at)| entries.get(place).is_some_and(|entry| entry.written == *at));
        }
        true
    }

    /// The place whose pages were written longest ago, and when.
    fn oldest(&mut self) -> Option<(u32, u64)> {
        loop {
            let (place, at) = *self.order.front()?;
            if self.entries.get(&place).is_some_and(|entry| entry.written == at) {
                return Some((place, at));
            }
            self.order.pop_front();
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
        assert_eq!([0, 1, 2, 3].map(|place| held.put(place, pages(1), 10, 10)), [true, true, true, false]);
        assert_eq!(held.bytes(), 3 * one);
        assert!(held.take(3).is_none());
        assert!(held.take(1).is_some() && held.take(1).is_none());
        held.put(0, pages(1), 11, 10);
        held.put(3, Pages::default(), 11, 10);
        assert_eq!((held.bytes(), held.entries.len()), (2 * one, 2));
        let mut held = Held::new(one);
        held.put(0, pages(1), 10, 10);
        held.put(0, pages(4), 12, 10);
        assert!(held.take(0).is_none(), "what was there is gone, too");
        assert_eq!(held.bytes(), 0);
    }

    #[test]
    fn what_is_written_takes_the_room_of_what_is_not() {
        let mut held = Held::new(3 * (pages(1).bytes() + ENTRY));
        (0..3).for_each(|place| assert!(held.put(place, pages(1), 10, 0)));
        for at in 11..100 {
            (1..4).for_each(|place| assert!(held.put(place, pages(1), at, at - 1) || at == 11));
            assert!(held.order.len() <= 2 * 3 + 17);
        }
        let mut kept: Vec<u32> = held.entries.keys().copied().collect();
        kept.sort_unstable();
        assert_eq!(kept, [1, 2, 3], "0 was not written any more");
    }
}
