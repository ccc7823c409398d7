//! A file that does not exist yet, written to in memory: what it will hold beside zeros, in pieces.
//!
//! A new file is created together with its first points. Run over this layer, the same code that updates files finds
//! out what to write and needs no system call to learn that all other slots are empty. The first points of an archive
//! follow the header directly, so they mostly leave with it in one `pwrite`.

use std::cell::RefCell;
use std::io;

use crate::layer::{ReadAt, WriteAt};

/// The pieces written so far.
#[derive(Debug)]
pub(crate) struct Fresh {
    size: u64,
    pieces: RefCell<Pieces>,
}

/// What has to be written, in the order of writing; what followed the piece before is joined to it.
#[derive(Debug)]
pub(crate) struct Pieces {
    bytes: Vec<u8>,
    /// Where each piece lies in the file, and where it begins in `bytes`.
    begins: Vec<(u64, usize)>,
}

/// Bytes of a header and the first points that are usual.
const USUAL: usize = 512;
/// Archives that are usual.
const FEW: usize = 4;

impl Fresh {
    /// Begins with `header`, in a file of `size` bytes.
    pub(crate) fn new(header: &[u8], size: u64) -> Fresh {
        let mut pieces = Pieces { bytes: Vec::with_capacity(USUAL), begins: Vec::with_capacity(FEW) };
        pieces.add(header, 0);
        Fresh { size, pieces: RefCell::new(pieces) }
    }

    pub(crate) fn into_pieces(self) -> Pieces {
        self.pieces.into_inner()
    }
}

impl Pieces {
    fn add(&mut self, bytes: &[u8], offset: u64) {
        let follows = self.begins.last().is_some_and(|(begin, at)| begin + (self.bytes.len() - at) as u64 == offset);
        if !follows {
            self.begins.push((offset, self.bytes.len()));
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// Each piece with its place in the file.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, &[u8])> {
        let ends = self.begins.iter().skip(1).map(|(_, end)| *end).chain([self.bytes.len()]);
        self.begins.iter().zip(ends).map(|((offset, begin), end)| (*offset, &self.bytes[*begin..end]))
    }
}

impl ReadAt for Fresh {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let count = self.size.saturating_sub(offset).min(buf.len() as u64) as usize;
        let buf = &mut buf[..count];
        buf.fill(0);
        let end = offset + count as u64;
        for (begin, bytes) in self.pieces.borrow().iter() {
            let (from, until) = (offset.max(begin), end.min(begin + bytes.len() as u64));
            if from < until {
                let piece = &bytes[(from - begin) as usize..(until - begin) as usize];
                buf[(from - offset) as usize..(until - offset) as usize].copy_from_slice(piece);
            }
        }
        Ok(count)
    }
}

impl WriteAt for Fresh {
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.pieces.borrow_mut().add(bytes, offset);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_pieces_lie_over_earlier_ones_and_neighbours_are_joined() {
        let fresh = Fresh::new(&[1, 1, 1, 1], 12);
        fresh.write_all_at(&[2, 2], 4).unwrap();
        fresh.write_all_at(&[3, 3], 9).unwrap();
        fresh.write_all_at(&[4], 5).unwrap();
        let mut bytes = [9; 16];
        assert_eq!(fresh.read_at(&mut bytes, 2).unwrap(), 10);
        assert_eq!(bytes[..10], [1, 1, 2, 4, 0, 0, 0, 3, 3, 0]);
        let pieces = fresh.into_pieces();
        let pieces: Vec<(u64, &[u8])> = pieces.iter().collect();
        assert_eq!(pieces, [(0, &[1, 1, 1, 1, 2, 2][..]), (9, &[3, 3]), (5, &[4])]);
    }
}
