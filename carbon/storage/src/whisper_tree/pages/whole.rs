//! Writing whole pages, where what is written is a part of one that is known.

use std::cell::RefCell;
use std::fs::File;
use std::io;
use std::time::Instant;

use whisper::layer::{ReadAt, WriteAt};

use super::{PAGE, Pages, SOON, code};

/// A file that is written to with what is known of its pages.
///
/// It costs no system call beside the writes.
pub(in super::super) struct WholePages<F = File> {
    file: F,
    /// Pages beyond this size are never written as a whole: the file must not grow.
    size: u64,
    looked: Instant,
    /// Nothing to have the file written to as it is.
    pages: Option<RefCell<Pages>>,
}

impl<F: WriteAt> WholePages<F> {
    /// `file` had `size` bytes when it was `looked` at; with no `pages` it is written as it is, and nothing remembered.
    pub(in super::super) fn over(file: F, size: u64, looked: Instant, pages: Option<Pages>) -> WholePages<F> {
        WholePages { file, size, looked, pages: pages.map(RefCell::new) }
    }

    /// The file, and what is known of its pages now.
    pub(in super::super) fn into_parts(self) -> (F, Option<Pages>) {
        (self.file, self.pages.map(RefCell::into_inner))
    }

    /// Remembers page `number`, on which the next write will begin, after `bytes` were written at `offset`.
    fn remember(&self, pages: &mut Pages, number: u64, bytes: &[u8], offset: u64) {
        if (number + 1) * PAGE > self.size {
            return;
        }
        let skipped = (number * PAGE).checked_sub(offset).and_then(|skipped| usize::try_from(skipped).ok());
        let written = skipped.and_then(|skipped| bytes.get(skipped..));
        match written.and_then(<[u8]>::first_chunk) {
            Some(page) => pages.put(number, page),
            None => pages.unread.push(number),
        }
    }
}

/// What is written instead of fewer bytes.
struct Widened<'a> {
    bytes: &'a [u8],
    offset: u64,
    /// Where the code of the first page ends, if that is known.
    end: Option<code::End>,
}

/// `bytes` with what is around them on the first and the last page, in `room`; nothing where it is not known, or not
/// needed.
fn widened<'a>(room: &'a mut Room, pages: &Pages, bytes: &[u8], offset: u64) -> Option<Widened<'a>> {
    let end = offset + bytes.len() as u64;
    let (first, last) = (offset / PAGE, (end - 1) / PAGE);
    let (before, after) = ((offset % PAGE) as usize, (end.next_multiple_of(PAGE) - end) as usize);
    let whole = room.of(before + bytes.len() + after);
    let get = |number, page: Option<&mut code::Bytes>| page.and_then(|page| pages.get(number, page));
    let head = if before > 0 || first == last && after > 0 { get(first, whole.first_chunk_mut()) } else { None };
    let tail = if first == last { head.is_some() } else { after > 0 && get(last, whole.last_chunk_mut()).is_some() };
    whole[before..][..bytes.len()].copy_from_slice(bytes);
    let from = if head.is_some() { 0 } else { before };
    let until = if tail { whole.len() } else { before + bytes.len() };
    let widened = || Widened { bytes: &whole[from..until], offset: offset - (before - from) as u64, end: head };
    (head.is_some() || tail).then(widened)
}

/// Room for pages: one, which most writes do with, takes no allocation.
struct Room {
    near: code::Bytes,
    far: Vec<u8>,
}

impl Room {
    const NONE: Room = Room { near: [0; PAGE as usize], far: Vec::new() };

    fn of(&mut self, len: usize) -> &mut [u8] {
        if len > self.near.len() {
            self.far.resize(len, 0);
            return &mut self.far;
        }
        &mut self.near[..len]
    }
}

impl<F: WriteAt> ReadAt for WholePages<F> {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file.read_at(buf, offset)
    }
}

impl<F: WriteAt> WriteAt for WholePages<F> {
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let Some(pages) = self.pages.as_ref().filter(|_| !bytes.is_empty()) else {
            return self.file.write_all_at(bytes, offset);
        };
        let mut pages = pages.borrow_mut();
        if self.looked.elapsed() > SOON {
            // Something has kept us waiting, and what we have seen of the file may no longer be true.
            pages.clear();
        }
        let mut room = Room::NONE;
        let plain = Widened { bytes, offset, end: None };
        let written = widened(&mut room, &pages, bytes, offset).unwrap_or(plain);
        let until = offset + bytes.len() as u64;
        let (first, next) = (offset / PAGE, until / PAGE);
        // Usually it goes on behind what the page holds.
        let begun = written.end.filter(|_| first == next).and_then(|end| Some((end, pages.take(first)?)));
        pages.forget(first, (until - 1) / PAGE);
        self.file.write_all_at(written.bytes, written.offset)?;
        match begun.and_then(|(end, code)| code::append(next, &code, &end, bytes, offset)) {
            Some(code) => pages.put_code(next, code),
            None if until.is_multiple_of(PAGE) => {}
            None => self.remember(&mut pages, next, written.bytes, written.offset),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::time::Duration;

    use proptest::prelude::*;
    use whisper::layer::Memory;

    use super::*;

    const SIZE: u64 = 5 * PAGE + 77;

    /// A file that tells how many pages were written in part.
    struct Fake {
        file: Memory,
        in_part: RefCell<Vec<u64>>,
        full: Cell<bool>,
    }

    impl ReadAt for Fake {
        fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
            self.file.read_at(buf, offset)
        }
    }

    impl WriteAt for Fake {
        fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
            let end = offset + bytes.len() as u64;
            let pages = offset / PAGE..end.div_ceil(PAGE);
            let in_part = pages.filter(|number| number * PAGE < offset || end < (number + 1) * PAGE);
            self.in_part.borrow_mut().extend(in_part);
            if self.full.get() {
                self.file.write_all_at(&bytes[..bytes.len() / 2], offset)?;
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.file.write_all_at(bytes, offset)
        }
    }

    fn file() -> WholePages<Fake> {
        let file = Memory::new((0..SIZE).map(|byte| (byte / 7) as u8).collect(), SIZE as usize);
        let fake = Fake { file, in_part: RefCell::default(), full: Cell::new(false) };
        WholePages::over(fake, SIZE, Instant::now() + Duration::from_secs(3600), Some(Pages::default()))
    }

    impl WholePages<Fake> {
        fn read_the_rest(&self) {
            self.pages.as_ref().unwrap().borrow_mut().read(&self.file);
        }
    }

    proptest! {
        #[test]
        fn a_file_ends_as_if_only_our_bytes_had_been_written(
            writes in prop::collection::vec((0..SIZE, 1..3 * PAGE), 1..40),
        ) {
            let (ours, plain) = (file(), file().file.file);
            for (value, (offset, len)) in (0..).zip(writes) {
                let bytes = vec![value; len.min(SIZE - offset) as usize];
                plain.write_all_at(&bytes, offset).unwrap();
                ours.write_all_at(&bytes, offset).unwrap();
                ours.read_the_rest();
                prop_assert!(ours.file.file.to_bytes() == plain.to_bytes());
            }
        }
    }

    #[test]
    fn writes_that_follow_one_another_are_whole_but_for_the_first_of_a_page() {
        let file = file();
        for write in 0..40 {
            file.write_all_at(&[9; 360], 4 + write * 360).unwrap();
            file.read_the_rest();
        }
        assert_eq!(*file.file.in_part.borrow(), [0, 1, 2, 3]);
    }

    #[test]
    fn the_newest_pages_of_four_archives_are_known() {
        let file = file();
        for round in 0..3 {
            (0..4).for_each(|archive| file.write_all_at(&[9; 12], archive * PAGE + 4 + round * 12).unwrap());
            file.read_the_rest();
        }
        assert_eq!(*file.file.in_part.borrow(), [0, 1, 2, 3]);
        assert_eq!(file.into_parts().1.unwrap().coded.len(), 4);
    }

    #[test]
    fn the_last_page_is_written_in_part_and_a_file_does_not_grow() {
        let file = file();
        (0..3).for_each(|write| file.write_all_at(&[9; 12], 5 * PAGE + write * 12).unwrap());
        assert_eq!(*file.file.in_part.borrow(), [5, 5, 5]);
        assert_eq!(file.file.file.to_bytes().len() as u64, SIZE);
    }

    #[test]
    fn a_page_that_could_not_be_written_is_forgotten() {
        let file = file();
        file.write_all_at(&[9; 12], 4).unwrap();
        file.read_the_rest();
        file.file.full.set(true);
        assert!(file.write_all_at(&[9; 12], 16).is_err());
        assert!(file.into_parts().1.unwrap().coded.is_empty());
    }

    #[test]
    fn what_was_known_too_long_ago_is_not_written() {
        let mut file = file();
        file.write_all_at(&[9; 12], 4).unwrap();
        file.read_the_rest();
        file.looked = Instant::now().checked_sub(2 * SOON).unwrap();
        file.write_all_at(&[9; 12], 16).unwrap();
        assert_eq!(*file.file.in_part.borrow(), [0, 0]);
    }
}
