//! The waiting points of one series, in order of arrival: the newest as it is, those before it coded in a chain of
//! blocks. 48 bytes besides the blocks.

use whisper::{Point, Timestamp};

use super::codec::{LONGEST, Last};
use super::pool::{NONE, PAYLOAD, Pool};

/// Points of one series; the blocks they lie in belong to the pool that every call is given.
#[derive(Debug)]
pub(super) struct Run {
    /// Value of the newest point, as bits.
    value: u64,
    /// The newest point that is coded.
    coded: Last,
    time: u32,
    /// The block that is filled now.
    tail: u32,
    count: u32,
    /// The oldest journal segment that a point of this run is safe in.
    pub(super) segment: u32,
    /// When the run began.
    pub(super) since: u32,
    /// Bytes used in the last block.
    fill: u8,
    /// Whether a flush waits for this run while it is being written.
    pub(super) marked: bool,
}

impl Run {
    /// What stands where no run is.
    pub(super) const NO_RUN: Run = Run {
        value: 0,
        coded: Last::NONE,
        time: 0,
        tail: NONE,
        count: 0,
        segment: 0,
        since: 0,
        fill: 0,
        marked: false,
    };

    /// What the memory limit counts for a run.
    pub(super) const BYTES: usize = size_of::<Run>();

    /// A run of one point.
    pub(super) fn new(point: Point, segment: u32, since: u32) -> Run {
        Run { time: point.time.secs(), value: point.value.to_bits(), count: 1, segment, since, ..Run::NO_RUN }
    }

    /// Adds a point; `false` when it took the place of the newest one because it is for the same instant.
    #[inline]
    pub(super) fn push(&mut self, point: Point, pool: &mut Pool) -> bool {
        let time = point.time.secs();
        if time == self.time {
            self.value = point.value.to_bits();
            return false;
        }
        self.code_newest(pool);
        (self.time, self.value) = (time, point.value.to_bits());
        self.count += 1;
        true
    }

    /// How many points there are, those included that a later one for the same instant replaces.
    pub(super) fn len(&self) -> usize {
        self.count as usize
    }

    /// The block that is filled now.
    #[inline]
    pub(super) fn tail(&self) -> u32 {
        self.tail
    }

    /// The byte that the next point is coded into.
    #[inline]
    pub(super) fn room(&self, pool: &Pool) -> Option<u8> {
        if self.tail == NONE { None } else { pool.block(self.tail).bytes.get(usize::from(self.fill)).copied() }
    }

    /// Adds all points to `out` in order of arrival.
    pub(super) fn read(&self, pool: &Pool, out: &mut Vec<Point>) {
        out.reserve(self.len());
        // A block holds six points or more, nearly always.
        let mut chain = Vec::with_capacity(self.len() / 6 + 1);
        let mut block = self.tail;
        while block != NONE {
            chain.push(block);
            block = pool.block(block).before;
        }
        let mut last = Last::NONE;
        for block in chain.into_iter().rev() {
            let mut bytes = &pool.block(block).bytes[..];
            while let Some((point, length)) = last.decode(bytes) {
                out.push(point);
                bytes = &bytes[length..];
            }
        }
        if self.count > 0 {
            out.push(self.newest());
        }
    }

    /// All points in time order, each instant once.
    pub(super) fn in_order(&self, pool: &Pool) -> Vec<Point> {
        let mut points = Vec::new();
        self.read(pool, &mut points);
        in_order(&mut points);
        points
    }

    /// Puts `points` in the place of what was here; none of them repeats the instant of the one before it.
    pub(super) fn rewrite(&mut self, points: &[Point], pool: &mut Pool) {
        self.free(pool);
        let Some((first, rest)) = points.split_first() else { return };
        let Run { segment, since, marked, .. } = *self;
        *self = Run { marked, ..Run::new(*first, segment, since) };
        for point in rest {
            self.push(*point, pool);
        }
    }

    /// Gives back all blocks; the points are gone.
    pub(super) fn free(&mut self, pool: &mut Pool) {
        pool.free(self.tail);
        let Run { segment, since, marked, .. } = *self;
        *self = Run { segment, since, marked, ..Run::NO_RUN };
    }

    fn newest(&self) -> Point {
        Point { time: Timestamp::from_secs(self.time), value: f64::from_bits(self.value) }
    }

    #[inline]
    fn code_newest(&mut self, pool: &mut Pool) {
        let (code, length) = self.coded.encode(self.newest());
        let code = code.to_le_bytes();
        let mut start = usize::from(self.fill);
        if self.tail == NONE || start + length > PAYLOAD {
            self.tail = pool.allocate(self.tail);
            start = 0;
        }
        let bytes = &mut pool.block_mut(self.tail).bytes;
        // The usual copy is of a fixed length, which costs no call; the zeroes it adds are there already.
        match bytes[start..].first_chunk_mut() {
            Some(room) => *room = code,
            None => bytes[start..start + length].copy_from_slice(&code[..length]),
        }
        self.fill = (start + length) as u8;
    }
}

const _: () = assert!(Run::BYTES == 48 && LONGEST <= PAYLOAD && PAYLOAD <= u8::MAX as usize);

/// Time order, each instant once, with the value that came last. The sort keeps the order of arrival.
pub(super) fn in_order(points: &mut Vec<Point>) {
    if points.is_sorted_by(|a, b| a.time < b.time) {
        return;
    }
    points.sort_by_key(|point| point.time);
    points.dedup_by(|later, kept| {
        let same = later.time == kept.time;
        if same {
            kept.value = later.value;
        }
        same
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn points_come_back_in_order_of_arrival(
            points in proptest::collection::vec((prop_oneof![0..20u32, any::<u32>()], any::<u64>()), 1..200),
        ) {
            let point = |(time, bits): &(u32, u64)| {
                Point { time: Timestamp::from_secs(*time), value: f64::from_bits(*bits) }
            };
            let (mut pool, mut expected) = (Pool::default(), vec![points[0]]);
            let mut run = Run::new(point(&points[0]), 3, 7);
            for next in &points[1..] {
                if !run.push(point(next), &mut pool) {
                    expected.pop();
                }
                expected.push(*next);
            }
            let mut read = Vec::new();
            run.read(&pool, &mut read);
            let read: Vec<_> = read.iter().map(|point| (point.time.secs(), point.value.to_bits())).collect();
            prop_assert_eq!(run.len(), expected.len());
            prop_assert_eq!(read, expected);
            let ordered = run.in_order(&pool);
            run.rewrite(&ordered, &mut pool);
            prop_assert_eq!((run.len(), run.segment, run.since), (ordered.len(), 3, 7));
            run.free(&mut pool);
            prop_assert_eq!((pool.used(), run.len()), (0, 0));
        }
    }
}
