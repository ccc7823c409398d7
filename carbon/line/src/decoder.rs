//! Framing without a socket: bytes in, whole lines out.
//!
//! The read buffer belongs to the caller. A decoder keeps only the line that the last chunk left unfinished, so an idle
//! connection costs a few bytes; whole lines are handed out as slices of the chunk itself.

use crate::{Numbers, Reject, Simple, simple};

/// Longest line carbon takes, newline not counted.
pub const LONGEST_LINE: usize = 16_384;

/// What a decoder keeps allocated between two chunks.
const KEPT: usize = 512;

/// Cuts one peer's byte stream into lines.
#[derive(Debug)]
pub struct Decoder {
    longest: usize,
    /// The start of a line whose end has not arrived; at most `longest` bytes.
    tail: Vec<u8>,
    /// The line that began in an earlier chunk and ended in the latest one.
    joined: Vec<u8>,
    /// Inside a line that is too long; everything up to the next newline is thrown away.
    skipping: bool,
}

impl Decoder {
    /// A decoder that refuses lines of more than `longest` bytes.
    pub fn with_longest(longest: usize) -> Decoder {
        Decoder { longest, tail: Vec::new(), joined: Vec::new(), skipping: false }
    }

    /// Takes the next bytes of the stream and gives the lines that are whole now, each without its newline. A line that
    /// is too long comes as [`Reject::TooLong`], once, and the next one is read as if nothing had been.
    ///
    /// The unfinished rest is kept at once, so an iterator that is dropped early loses its own lines only.
    pub fn feed<'a>(&'a mut self, mut chunk: &'a [u8]) -> Lines<'a> {
        let (mut joined, mut refused) = (false, false);
        if self.skipping || !self.tail.is_empty() {
            let end = memchr::memchr(b'\n', chunk);
            refused = self.keep(&chunk[..end.unwrap_or(chunk.len())]);
            if end.is_some() {
                joined = !self.skipping;
                self.end_line();
            }
            chunk = end.map_or(&[], |end| &chunk[end + 1..]);
        }
        let (whole, rest) = chunk.split_at(memchr::memrchr(b'\n', chunk).map_or(0, |last| last + 1));
        let last = self.keep(rest).then_some(Err(Reject::TooLong));
        let first = if refused { Some(Err(Reject::TooLong)) } else { joined.then_some(Ok(self.joined.as_slice())) };
        Lines { first, whole, latest: &[], longest: self.longest, last }
    }

    /// Ends the stream. A line without its newline is refused, as carbon does: nobody knows what it lacks.
    pub fn finish(&mut self) -> Option<Reject> {
        self.skipping = false;
        let unfinished = !self.tail.is_empty();
        self.tail.clear();
        unfinished.then_some(Reject::Unfinished)
    }

    /// The line that has begun and not ended; `None` inside a line that was refused already.
    pub fn unfinished(&self) -> Option<&[u8]> {
        (!self.skipping).then_some(self.tail.as_slice())
    }

    /// Takes what comes next for the rest of a line that was refused already.
    pub fn skip(&mut self) {
        self.skipping = true;
        self.tail.clear();
    }

    /// Bytes this decoder holds between two chunks.
    pub fn held(&self) -> usize {
        self.tail.capacity() + self.joined.capacity()
    }

    /// Adds to the unfinished line; `true` when that made it too long.
    fn keep(&mut self, bytes: &[u8]) -> bool {
        if self.skipping {
            return false;
        }
        if self.tail.len() + bytes.len() > self.longest {
            self.skipping = true;
            self.tail.clear();
            return true;
        }
        self.tail.extend_from_slice(bytes);
        false
    }

    /// Moves the line that just ended to `joined` and makes room for the next, without keeping a large allocation.
    fn end_line(&mut self) {
        std::mem::swap(&mut self.tail, &mut self.joined);
        self.tail.clear();
        self.tail.shrink_to(KEPT);
        self.skipping = false;
    }
}

/// The lines that one chunk made whole.
#[derive(Debug)]
pub struct Lines<'a> {
    first: Option<Result<&'a [u8], Reject>>,
    whole: &'a [u8],
    latest: &'a [u8],
    longest: usize,
    last: Option<Result<&'a [u8], Reject>>,
}

impl<'a> Lines<'a> {
    /// The numbers of the next line if that is a simple line of `name`, which holds no white space. Otherwise the line
    /// is still to come.
    ///
    /// Hot path: one comparison of bytes and one pass over the digits.
    #[inline]
    pub fn next_of(&mut self, name: &[u8]) -> Option<Numbers> {
        let rest = self.ahead()?.strip_prefix(name)?.strip_prefix(b" ")?;
        let (numbers, used) = simple::numbers(rest)?;
        self.pass(name.len() + 1 + used)?;
        Some(numbers)
    }

    /// The next line if it is a [`Simple`] one. Otherwise the line is still to come.
    #[inline]
    pub fn next_simple(&mut self) -> Option<Simple<'a>> {
        let (simple, used) = simple::line(self.ahead()?)?;
        self.pass(used)?;
        Some(simple)
    }

    /// The lines after those that need care.
    #[inline]
    fn ahead(&self) -> Option<&'a [u8]> {
        if self.first.is_some() { None } else { Some(self.whole) }
    }

    /// Passes over a line of `used` bytes, of which the last is its newline, unless it is too long.
    #[inline]
    fn pass(&mut self, used: usize) -> Option<()> {
        if used > self.longest.saturating_add(1) {
            return None;
        }
        (self.latest, self.whole) = self.whole.split_at_checked(used)?;
        Some(())
    }

    /// The line that was given last, as far as it is still held, for a log.
    pub fn latest(&self) -> &'a [u8] {
        self.latest.trim_ascii_end()
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = Result<&'a [u8], Reject>;

    fn next(&mut self) -> Option<Self::Item> {
        self.latest = &[];
        let line = match self.first.take() {
            Some(first) => first,
            None => match memchr::memchr(b'\n', self.whole) {
                Some(end) => {
                    let line = &self.whole[..end];
                    self.whole = &self.whole[end + 1..];
                    if line.len() > self.longest { Err(Reject::TooLong) } else { Ok(line) }
                }
                None => self.last.take()?,
            },
        };
        self.latest = line.unwrap_or_default();
        Some(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What comes out when `stream` arrives in pieces of these lengths, over and over.
    fn lines(stream: &[u8], pieces: &[usize], longest: usize) -> Vec<Result<Vec<u8>, Reject>> {
        let mut decoder = Decoder::with_longest(longest);
        let (mut rest, mut pieces, mut out) = (stream, pieces.iter().cycle(), Vec::new());
        while !rest.is_empty() {
            let (chunk, later) = rest.split_at((*pieces.next().unwrap()).clamp(1, rest.len()));
            out.extend(decoder.feed(chunk).map(|line| line.map(<[u8]>::to_vec)));
            assert!(decoder.held() <= 4 * longest + 2 * KEPT, "memory is bounded");
            rest = later;
        }
        out.extend(decoder.finish().map(Err));
        out
    }

    fn text(line: &str) -> Result<Vec<u8>, Reject> {
        Ok(line.as_bytes().to_vec())
    }

    #[test]
    fn whole_lines_come_out_and_the_rest_waits() {
        assert_eq!(lines(b"a\n\nb\nc", &[3, 1], 9), [text("a"), text(""), text("b"), Err(Reject::Unfinished)]);
    }

    #[test]
    fn a_line_at_the_limit_is_whole_and_one_above_it_is_skipped() {
        for piece in 1..12 {
            assert_eq!(lines(b"1234\n12345\nok\n", &[piece], 4), [text("1234"), Err(Reject::TooLong), text("ok")]);
        }
    }

    #[test]
    fn a_line_that_never_ends_is_refused_once() {
        assert_eq!(lines(&[b'x'; 1000], &[7], 20), [Err(Reject::TooLong)]);
    }

    #[test]
    fn a_second_decoder_goes_on_where_the_first_ended() {
        let stream = b"first\nmuch-too-long\nthird\nfo";
        for cut in 0..stream.len() {
            let (mut first, mut second) = (Decoder::with_longest(6), Decoder::with_longest(6));
            let mut out: Vec<_> = first.feed(&stream[..cut]).map(|line| line.map(<[u8]>::to_vec)).collect();
            match first.unfinished() {
                Some(unfinished) => assert_eq!(second.feed(unfinished).count(), 0),
                None => second.skip(),
            }
            out.extend(second.feed(&stream[cut..]).map(|line| line.map(<[u8]>::to_vec)));
            assert_eq!(out, [text("first"), Err(Reject::TooLong), text("third")], "{cut}");
            assert_eq!(second.unfinished(), Some(&b"fo"[..]));
        }
    }

    proptest! {
        #[test]
        fn any_chunking_gives_the_same_lines(
            stream in proptest::collection::vec(prop_oneof![3 => Just(b'x'), 1 => Just(b'\n')], 0..200),
            pieces in proptest::collection::vec(1usize..40, 1..10),
            longest in 1usize..8,
        ) {
            prop_assert_eq!(lines(&stream, &pieces, longest), lines(&stream, &[stream.len().max(1)], longest));
        }
    }
}
