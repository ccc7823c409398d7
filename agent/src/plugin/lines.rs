//! From bytes as they come to whole lines, in bounded memory.

/// What is read at once.
pub(super) const CHUNK: usize = 8 << 10;
/// A line of so many bytes will not end.
const ENDLESS: usize = 1 << 20;

/// Cuts what a program prints into lines.
#[derive(Debug)]
pub(super) struct Lines {
    buffer: Vec<u8>,
    start: usize,
    longest: usize,
    /// Bytes of the line that is being passed over because it is too long.
    skipped: usize,
}

/// The next thing in the text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next<'a> {
    /// A line without its end.
    Line(&'a [u8]),
    /// The end of a line that was too long.
    TooLong,
    /// No whole line is left.
    Nothing,
}

impl Lines {
    pub(super) fn new(longest: usize) -> Lines {
        Lines { buffer: Vec::new(), start: 0, longest, skipped: 0 }
    }

    /// Adds what was read. To be called when there is no whole line left; never holds more than one line of the
    /// longest kind and one chunk.
    pub(super) fn add(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.start);
        self.start = 0;
        self.buffer.extend_from_slice(bytes);
        if self.buffer.capacity() > 4 * (self.longest + CHUNK) {
            self.buffer.shrink_to_fit();
        }
    }

    /// The next line, each once.
    pub(super) fn next(&mut self) -> Next<'_> {
        let rest = &self.buffer[self.start..];
        let Some(end) = rest.iter().position(|byte| *byte == b'\n') else {
            if self.skipped > 0 || rest.len() > self.longest {
                self.skipped += rest.len();
                self.start = self.buffer.len();
            }
            return Next::Nothing;
        };
        let begin = self.start;
        self.start += end + 1;
        if std::mem::take(&mut self.skipped) > 0 || end > self.longest {
            return Next::TooLong;
        }
        let line = &self.buffer[begin..begin + end];
        Next::Line(line.strip_suffix(b"\r").unwrap_or(line))
    }

    /// What stands behind the last newline, when nothing more will come: half a line is a line if its writer has ended.
    pub(super) fn rest(&mut self) -> Next<'_> {
        let rest = self.buffer.len() - self.start;
        let begin = std::mem::replace(&mut self.start, self.buffer.len());
        match std::mem::take(&mut self.skipped) {
            0 if rest == 0 => Next::Nothing,
            0 => Next::Line(&self.buffer[begin..]),
            _ => Next::TooLong,
        }
    }

    /// Whether a line has gone on for so long that its end is not to be waited for.
    pub(super) fn endless(&self) -> bool {
        self.skipped > ENDLESS
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(lines: &mut Lines) -> Vec<String> {
        let mut found = Vec::new();
        loop {
            match lines.next() {
                Next::Line(line) => found.push(String::from_utf8_lossy(line).into_owned()),
                Next::TooLong => found.push("TOO LONG".to_owned()),
                Next::Nothing => return found,
            }
        }
    }

    #[test]
    fn a_line_may_come_in_pieces() {
        let mut lines = Lines::new(20);
        lines.add(b"a 1\nb");
        assert_eq!(all(&mut lines), ["a 1"]);
        lines.add(b" 2\r\n\nc 3");
        assert_eq!(all(&mut lines), ["b 2", ""]);
        assert_eq!(lines.rest(), Next::Line(b"c 3"));
        assert_eq!(lines.rest(), Next::Nothing);
    }

    #[test]
    fn a_line_without_end_takes_no_memory() {
        let mut lines = Lines::new(4096);
        for _ in 0..1000 {
            lines.add(&[b'x'; CHUNK]);
            assert_eq!(all(&mut lines), Vec::<String>::new());
            assert!(lines.buffer.capacity() <= 4 * (4096 + CHUNK));
        }
        assert!(lines.endless());
        lines.add(b"x\na 1\n");
        assert_eq!(all(&mut lines), ["TOO LONG", "a 1"]);
        assert!(!lines.endless());
    }

    proptest! {
        #[test]
        fn pieces_make_no_difference(text in "[ab\n]{0,200}", cuts in prop::collection::vec(1_usize..9, 1..100)) {
            let mut whole = Lines::new(5);
            whole.add(text.as_bytes());
            let expected = all(&mut whole);
            let (mut pieces, mut found, mut rest) = (Lines::new(5), Vec::new(), text.as_bytes());
            for cut in cuts.into_iter().chain([200]) {
                let (now, later) = rest.split_at(cut.min(rest.len()));
                pieces.add(now);
                found.extend(all(&mut pieces));
                rest = later;
            }
            prop_assert_eq!(found, expected);
        }
    }
}
