//! A file that does not exist yet, written to in memory: what it will hold beside zeros, in pieces.
//!
//! A new file is created together with its first points. Run over this layer, the same code that updates files finds
//! out what to write and needs no system call to learn that all other slots are empty. The first points of an archive
//! follow the header directly, so they mostly leave with it in one `pwrite`.

use std::cell::RefCell;
use std::io;

use crate::layer::{ReadAt, WriteAt};

/// The pieces written so far, in the order of writing.
#[derive(Debug)]
pub(crate) struct Fresh {
    size: u64,
    pieces: RefCell<Vec<(u64, Vec<u8>)>>,
}

impl Fresh {
    /// Begins with `header`, in a file of `size` bytes.
    pub(crate) fn new(header: Vec<u8>, size: u64) -> Fresh {
        Fresh { size, pieces: RefCell::new(vec![(0, header)]) }
    }

    /// What has to be written, pieces that follow each other joined.
    pub(crate) fn into_pieces(self) -> Vec<(u64, Vec<u8>)> {
        let mut joined: Vec<(u64, Vec<u8>)> = Vec::new();
        for (offset, bytes) in self.pieces.into_inner() {
            match joined.last_mut() {
                Some((begin, before)) if *begin + before.len() as u64 == offset => before.extend_from_slice(&bytes),
                _ => joined.push((offset, bytes)),
            }
        }
        joined
    }
}

impl ReadAt for Fresh {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let count = self.size.saturating_sub(offset).min(buf.len() as u64) as usize;
        let buf = &mut buf[..count];
        buf.fill(0);
        let end = offset + count as u64;
        for (begin, bytes) in self.pieces.borrow().iter() {
            let (from, until) = (offset.max(*begin), end.min(begin + bytes.len() as u64));
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
        self.pieces.borrow_mut().push((offset, bytes.to_vec()));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_pieces_lie_over_earlier_ones_and_neighbours_are_joined() {
        let fresh = Fresh::new(vec![1, 1, 1, 1], 12);
        fresh.write_all_at(&[2, 2], 4).unwrap();
        fresh.write_all_at(&[3, 3], 9).unwrap();
        fresh.write_all_at(&[4], 5).unwrap();
        let mut bytes = [9; 16];
        assert_eq!(fresh.read_at(&mut bytes, 2).unwrap(), 10);
        assert_eq!(bytes[..10], [1, 1, 2, 4, 0, 0, 0, 3, 3, 0]);
        assert_eq!(fresh.into_pieces(), [(0, vec![1, 1, 1, 1, 2, 2]), (9, vec![3, 3]), (5, vec![4])]);
    }
}
