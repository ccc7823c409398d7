//! The newest pages of the archives, where memory has no room for them.
//!
//! An update changes parts of pages: the newest of each archive, which the next one changes again. The kernel has to have
//! the rest of such a page, so where the page cache lets go of it meanwhile that is a read from the disk for each write,
//! and a writer that does one after the other waits for each. Both can be helped:
//!
//! - [`ahead`](super::ahead): two files of a batch are asked whether their pages are there. Where they are not, those of
//!   all are fetched at once.
//! - [`whole`]: from then on what these pages hold is kept here, in a few bytes a slot ([`code`]), and they are written
//!   as a whole the next time, for which nothing is read. What a new file holds is known, and kept until its second write
//!   shows whether that is needed, while there is much room.
//!
//! What is kept holds as long as nobody else changes the file. A page that somebody changed must not be written from
//! memory, so this is seen by the file's time of change, which has to be the one that our own write has left, to the
//! nanosecond; on file systems that do not tell any two changes apart (Linux before 6.13) nothing is kept, see
//! [`Devices::tells_changes`](super::devices::Devices::tells_changes). Tools that take the lock of the file, as ours do
//! that write in place, take turns with us. One that does not, and writes to a known page between our look at the file
//! before we write and the one after, may lose that, now or with a later write: some twenty microseconds, and a
//! millisecond at most, since after that pages are written as if none were known. To ask for a page once more right
//! before it is written is no way out: a `preadv2` that does not wait has newer kernels read it. Nor is a change seen
//! that is made through a shared map of the file.
//!
//! [`held`] bounds how much is kept in all.
//!
//! Measured on ext4 over a loop device, three archives, 30 points an update, of files whose pages have left memory
//! (`examples/updates.rs`): 18 us of CPU a file and as much time, where fetching them takes 65 and 320; 9 where pages are
//! there.

mod code;
mod held;
mod whole;

use std::fs::File;
use std::io::IoSliceMut;
use std::time::{Duration, Instant};

pub(super) use held::Held;
use rustix::io::{Errno, ReadWriteFlags, preadv2};
use whisper::layer::ReadAt;
use whisper::{Kept, Point};
pub(super) use whole::WholePages;

/// What a page holds at least, and the block of most file systems.
pub(super) const PAGE: u64 = 4096;

/// How old a look at the file may be for what is known of its pages to be true.
const SOON: Duration = Duration::from_millis(1);

/// Pages of a file that are kept at most: the newest of each archive of a usual one. With more archives they would push
/// each other out, and are fetched.
const MOST: usize = 4;

/// What pages of a file hold.
#[derive(Debug, Default)]
pub(super) struct Pages {
    /// Time of the last change of the file, by us, in nanoseconds since the epoch.
    changed: u64,
    /// Number of a page, and its [`code`]; those written longest ago first.
    coded: Vec<(u64, Box<[u8]>)>,
    /// Numbers of pages that have been written to and are to be read.
    unread: Vec<u64>,
}

impl Pages {
    /// Those of a file of `size` bytes that was made with `points` a moment ago, so that they are there to be read: one
    /// `pread` for each.
    pub(super) fn of_new(file: &File, size: u64, kept: &Kept, points: &[Point]) -> Pages {
        let whole =
            edge_pages(kept, points).map(|position| position / PAGE).filter(|number| (number + 1) * PAGE <= size);
        let mut pages = Pages { unread: whole.collect(), ..Pages::default() };
        pages.read(file);
        pages
    }

    /// Reads what is unread.
    fn read(&mut self, file: &impl ReadAt) {
        for number in std::mem::take(&mut self.unread) {
            let mut page = [0; PAGE as usize];
            if file.read_at(&mut page, number * PAGE).is_ok_and(|got| got == page.len()) {
                self.put(number, &page);
            }
        }
    }

    fn clear(&mut self) {
        self.coded.clear();
        self.unread.clear();
    }

    /// Forgets all unless the file was last changed when we wrote to it.
    pub(super) fn still_of(mut self, changed: u64) -> Pages {
        if self.changed != changed {
            self.clear();
        }
        self
    }

    /// As they are after a change of `file` at this time, which was asked for already: what is read only now and was
    /// changed in between has a later time. What is known from before was true when the file was `looked` at.
    pub(super) fn left_at(mut self, changed: u64, looked: Instant, file: &File) -> Pages {
        self.changed = changed;
        if looked.elapsed() > SOON {
            self.coded.clear();
        }
        self.read(file);
        self
    }

    pub(super) fn knows(&self, number: u64) -> bool {
        self.coded.iter().any(|(known, _)| *known == number)
    }

    /// Fills `page` with what page `number` holds, if that is known, and says where its code ends.
    fn get(&self, number: u64, page: &mut code::Bytes) -> Option<code::End> {
        let (_, coded) = self.coded.iter().find(|(known, _)| *known == number)?;
        code::decode(number, coded, page)
    }

    fn put(&mut self, number: u64, page: &code::Bytes) {
        self.put_code(number, code::encode(number, page));
    }

    fn put_code(&mut self, number: u64, coded: Box<[u8]>) {
        self.forget(number, number);
        if self.coded.len() == MOST {
            self.coded.remove(0);
        }
        self.coded.reserve_exact(1);
        self.coded.push((number, coded));
    }

    /// Takes out what is known of page `number`.
    fn take(&mut self, number: u64) -> Option<Box<[u8]>> {
        let place = self.coded.iter().position(|(known, _)| *known == number)?;
        Some(self.coded.remove(place).1)
    }

    fn forget(&mut self, first: u64, last: u64) {
        self.coded.retain(|(number, _)| !(first..=last).contains(number));
        self.unread.retain(|number| !(first..=last).contains(number));
    }

    /// What they take up.
    fn bytes(&self) -> usize {
        self.coded.iter().map(|(_, coded)| coded.len() + PIECE).sum()
    }
}

/// What the allocator takes beside the bytes of a page, and its place in the list.
const PIECE: usize = 48;

/// A place on each page that an update by `points` writes in part.
pub(super) fn edge_pages<'a>(kept: &'a Kept, points: &'a [Point]) -> impl Iterator<Item = u64> {
    let mut last = None;
    kept.edges(points).filter(move |edge| last.replace(edge / PAGE) != Some(edge / PAGE))
}

/// Whether the page at `position` lies in memory. Where the system cannot be asked, it does.
pub(super) fn has(file: &File, position: u64) -> bool {
    preadv2(file, &mut [IoSliceMut::new(&mut [0])], position, ReadWriteFlags::NOWAIT) != Err(Errno::AGAIN)
}

#[cfg(test)]
mod tests;
