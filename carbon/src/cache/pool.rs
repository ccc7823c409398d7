//! Blocks of 64 bytes for coded points, in slabs that are given back as soon as nothing in them is used.

/// Bytes of points in a block.
pub(super) const PAYLOAD: usize = 60;

/// No block.
pub(super) const NONE: u32 = u32::MAX;

const PER_SLAB: usize = 64;

/// Coded points, and which block holds the ones before them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block {
    pub(super) before: u32,
    pub(super) bytes: [u8; PAYLOAD],
}

impl Block {
    /// What the memory limit counts for a block.
    pub(super) const BYTES: usize = size_of::<Block>();
}

/// Blocks by number.
#[derive(Debug, Default)]
pub(super) struct Pool {
    slabs: Vec<Slab>,
    /// Slabs that may have room, those used last at the end.
    open: Vec<u32>,
    /// Slabs without blocks.
    vacant: Vec<u32>,
    used: usize,
}

#[derive(Debug)]
struct Slab {
    /// A bit for each block that is not used.
    free: u64,
    blocks: Option<Box<[Block; PER_SLAB]>>,
    /// Whether `open` names it.
    listed: bool,
}

impl Pool {
    /// A block of zeroes behind `before`.
    pub(super) fn allocate(&mut self, before: u32) -> u32 {
        let slab = self.slab_with_room();
        let Slab { free, blocks, .. } = &mut self.slabs[slab as usize];
        let place = free.trailing_zeros();
        *free &= *free - 1;
        let blocks = blocks.as_mut().expect("only slabs with blocks have room");
        blocks[place as usize] = Block { before, bytes: [0; PAYLOAD] };
        self.used += 1;
        slab * PER_SLAB as u32 + place
    }

    /// Gives back `last` and all blocks before it.
    pub(super) fn free(&mut self, mut last: u32) {
        while last != NONE {
            let before = self.block(last).before;
            self.free_one(last);
            last = before;
        }
        if self.used == 0 {
            *self = Pool::default();
        }
    }

    #[inline]
    pub(super) fn block(&self, id: u32) -> &Block {
        let blocks = self.slabs[id as usize / PER_SLAB].blocks.as_ref().expect("a block in use is in its slab");
        &blocks[id as usize % PER_SLAB]
    }

    #[inline]
    pub(super) fn block_mut(&mut self, id: u32) -> &mut Block {
        let blocks = self.slabs[id as usize / PER_SLAB].blocks.as_mut().expect("a block in use is in its slab");
        &mut blocks[id as usize % PER_SLAB]
    }

    /// Blocks in use.
    pub(super) fn used(&self) -> usize {
        self.used
    }

    /// Bytes of all slabs, used or not.
    pub(super) fn reserved(&self) -> usize {
        (self.slabs.len() - self.vacant.len()) * PER_SLAB * Block::BYTES
    }

    fn slab_with_room(&mut self) -> u32 {
        while let Some(&index) = self.open.last() {
            let slab = &mut self.slabs[index as usize];
            if slab.free != 0 && slab.blocks.is_some() {
                return index;
            }
            slab.listed = false;
            self.open.pop();
        }
        let blocks = Some(Box::new([Block { before: NONE, bytes: [0; PAYLOAD] }; PER_SLAB]));
        let slab = Slab { free: u64::MAX, blocks, listed: true };
        let index = match self.vacant.pop() {
            Some(index) => {
                self.slabs[index as usize] = slab;
                index
            }
            None => {
                self.slabs.push(slab);
                u32::try_from(self.slabs.len() - 1).expect("memory ends long before four billion slabs do")
            }
        };
        self.open.push(index);
        index
    }

    fn free_one(&mut self, id: u32) {
        let index = id / PER_SLAB as u32;
        let slab = &mut self.slabs[index as usize];
        slab.free |= 1 << (id % PER_SLAB as u32);
        self.used -= 1;
        if slab.free == u64::MAX {
            slab.blocks = None;
            self.vacant.push(index);
        } else if !slab.listed {
            slab.listed = true;
            self.open.push(index);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_used_again_and_slabs_given_back() {
        let mut pool = Pool::default();
        let chain = (0..200).fold(NONE, |last, _| pool.allocate(last));
        let other: Vec<u32> = (0..200).map(|_| pool.allocate(NONE)).collect();
        assert_eq!((pool.used(), pool.reserved()), (400, 7 * 64 * 64));
        pool.free(chain);
        assert_eq!((pool.used(), pool.reserved()), (200, 4 * 64 * 64), "three slabs held nothing else");
        let chain = (0..56).fold(NONE, |last, _| pool.allocate(last));
        assert_eq!(pool.reserved(), 4 * 64 * 64, "there was room");
        pool.block_mut(chain).bytes[59] = 7;
        pool.free(chain);
        let again = pool.allocate(NONE);
        assert_eq!(pool.block(again).bytes, [0; PAYLOAD]);
        other.into_iter().chain([again]).for_each(|block| pool.free(block));
        assert_eq!((pool.used(), pool.reserved(), pool.slabs.capacity()), (0, 0, 0));
    }
}
