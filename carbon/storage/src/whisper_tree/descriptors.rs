//! Descriptors that stay open, in the order of their last use: a list through a table.

use std::fs::File;

/// Where no descriptor is kept.
pub(super) const NONE: u32 = u32::MAX;

/// Open descriptors, each with the place of the series that owns it.
#[derive(Debug)]
pub(super) struct Descriptors {
    table: Vec<Entry>,
    free: Vec<u32>,
    oldest: u32,
    newest: u32,
}

#[derive(Debug)]
struct Entry {
    file: Option<File>,
    owner: u32,
    older: u32,
    newer: u32,
}

impl Default for Descriptors {
    fn default() -> Descriptors {
        Descriptors { table: Vec::new(), free: Vec::new(), oldest: NONE, newest: NONE }
    }
}

impl Descriptors {
    pub(super) fn len(&self) -> usize {
        self.table.len() - self.free.len()
    }

    /// Owner of the one not used for the longest time.
    pub(super) fn oldest(&self) -> Option<u32> {
        self.table.get(self.oldest as usize).map(|entry| entry.owner)
    }

    /// Enters a descriptor as the one used last.
    pub(super) fn push(&mut self, owner: u32, file: File) -> u32 {
        let entry = Entry { file: Some(file), owner, older: self.newest, newer: NONE };
        let place = match self.free.pop() {
            Some(place) => {
                self.table[place as usize] = entry;
                place
            }
            None => {
                self.table.push(entry);
                (self.table.len() - 1) as u32
            }
        };
        match self.table.get_mut(self.newest as usize) {
            Some(before) => before.newer = place,
            None => self.oldest = place,
        }
        self.newest = place;
        place
    }

    /// Takes a descriptor out; nothing for [`NONE`].
    pub(super) fn remove(&mut self, place: u32) -> Option<File> {
        let entry = self.table.get_mut(place as usize)?;
        let file = entry.file.take()?;
        let (older, newer) = (entry.older, entry.newer);
        match self.table.get_mut(older as usize) {
            Some(entry) => entry.newer = newer,
            None => self.oldest = newer,
        }
        match self.table.get_mut(newer as usize) {
            Some(entry) => entry.older = older,
            None => self.newest = older,
        }
        self.free.push(place);
        Some(file)
    }
}
