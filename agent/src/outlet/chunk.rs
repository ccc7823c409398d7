//! A piece of memory with whole lines in it.

/// Memory is taken in pieces of this size. What a host says at once mostly fits into one, and goes out with one call.
pub(crate) const CHUNK: usize = 16 << 10;

/// Whole lines, each ended by a newline, with what has to be known about them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Chunk {
    pub(crate) lines: Vec<u8>,
    /// How many lines.
    pub(crate) points: u64,
    /// How often they were handed to a connection already. Not zero: they are counted as sent, and go out once more
    /// because nobody knows whether they were read.
    pub(crate) handed: u8,
}

impl Chunk {
    /// Lines that nobody has sent yet.
    #[cfg(test)]
    pub(crate) fn new(lines: Vec<u8>) -> Chunk {
        let points = lines.iter().filter(|byte| **byte == b'\n').count() as u64;
        Chunk { lines, points, handed: 0 }
    }

    /// Empty, with the room of one piece.
    pub(crate) fn with_room() -> Chunk {
        Chunk { lines: Vec::with_capacity(CHUNK), points: 0, handed: 0 }
    }

    /// Forgets the lines. Gives whether the memory is that of one piece, and can be used again.
    pub(crate) fn empty(&mut self) -> bool {
        self.lines.clear();
        (self.points, self.handed) = (0, 0);
        self.memory() == CHUNK
    }

    /// Whether `lines`, which nobody has sent yet, go behind its own.
    pub(crate) fn fits(&self, lines: &[u8]) -> bool {
        self.handed == 0 && self.lines.len() + lines.len() <= self.memory()
    }

    /// Whether the lines of `later`, which was handed over as often, should go behind its own: they fit, and would not
    /// fill half of a piece.
    pub(crate) fn takes_in(&self, later: &Chunk) -> bool {
        let length = later.lines.len();
        self.handed == later.handed && length < CHUNK / 2 && self.lines.len() + length <= self.memory()
    }

    /// Memory that it takes.
    pub(crate) fn memory(&self) -> usize {
        self.lines.capacity()
    }

    /// The timestamps of its lines, in their order; a line without one is passed over.
    pub(crate) fn times(&self) -> impl Iterator<Item = u32> {
        let lines = self.lines.split(|byte| *byte == b'\n');
        lines.filter_map(|line| {
            let last = line.rsplit(|byte| *byte == b' ').next()?;
            std::str::from_utf8(last).ok()?.parse().ok()
        })
    }

    /// The earliest and the latest timestamp.
    pub(crate) fn span(&self) -> Option<(u32, u32)> {
        self.times().fold(None, |span, time| match span {
            None => Some((time, time)),
            Some((first, last)) => Some((time.min(first), time.max(last))),
        })
    }
}
