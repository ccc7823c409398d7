//! Length-prefixed frames, which carry pickles: four bytes of length, big-endian, then the body.

/// Longest body carbon's pickle port takes, in bytes.
pub const LONGEST_FRAME: usize = 1 << 20;

/// A frame that announces more than may be sent. The stream cannot be read on, since its next frame is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a frame announces {announced} bytes, at most {longest} are taken")]
pub struct Overlong {
    /// What the length field says.
    pub announced: usize,
    /// What was allowed.
    pub longest: usize,
}

/// The body of a frame, and what follows the frame.
pub type Split<'a> = (&'a [u8], &'a [u8]);

/// The first frame of `buffer` as its body and what follows; `None` while it is not whole.
///
/// # Errors
/// As soon as the length field is there and too large.
pub fn split(buffer: &[u8], longest: usize) -> Result<Option<Split<'_>>, Overlong> {
    let Some((length, rest)) = buffer.split_first_chunk::<4>() else {
        return Ok(None);
    };
    let announced = u32::from_be_bytes(*length) as usize;
    if announced > longest {
        return Err(Overlong { announced, longest });
    }
    Ok(rest.split_at_checked(announced))
}

/// `body` with its length in front.
///
/// # Errors
/// When the length does not fit its four bytes.
pub fn wrap(body: &[u8]) -> Result<Vec<u8>, Overlong> {
    let overlong = Overlong { announced: body.len(), longest: u32::MAX as usize };
    let length = u32::try_from(body.len()).map_err(|_| overlong)?;
    Ok([&length.to_be_bytes()[..], body].concat())
}

/// Cuts one peer's byte stream into frames. Keeps only the frame that the last chunk left unfinished; a whole frame is
/// handed out where it lies in the chunk.
#[derive(Debug)]
pub struct Frames {
    longest: usize,
    unfinished: Vec<u8>,
}

impl Frames {
    /// Frames with bodies of at most `longest` bytes.
    pub fn with_longest(longest: usize) -> Frames {
        Frames { longest, unfinished: Vec::new() }
    }

    /// Takes the next bytes of the stream and gives `each` the body of every frame that is whole now.
    ///
    /// # Errors
    /// When a frame announces too much; those before it have been given, and the stream is of no use any more.
    pub fn feed(&mut self, mut chunk: &[u8], mut each: impl FnMut(&[u8])) -> Result<(), Overlong> {
        if !self.unfinished.is_empty() {
            // First what is needed to know the length, then the rest of this one frame.
            self.complete(4, &mut chunk);
            if let Some(announced) = self.announced()? {
                self.complete(4 + announced, &mut chunk);
            }
            if let Some((body, _)) = split(&self.unfinished, self.longest)? {
                each(body);
                // Its room goes back: an idle peer holds nothing.
                self.unfinished = Vec::new();
            }
        }
        while let Some((body, rest)) = split(chunk, self.longest)? {
            each(body);
            chunk = rest;
        }
        self.unfinished.extend_from_slice(chunk);
        Ok(())
    }

    /// Bytes this decoder holds between two chunks.
    pub fn held(&self) -> usize {
        self.unfinished.capacity()
    }

    /// The bytes of the frame that is not whole.
    pub fn unfinished(&self) -> &[u8] {
        &self.unfinished
    }

    fn announced(&self) -> Result<Option<usize>, Overlong> {
        let Some(length) = self.unfinished.first_chunk::<4>() else { return Ok(None) };
        let announced = u32::from_be_bytes(*length) as usize;
        if announced > self.longest { Err(Overlong { announced, longest: self.longest }) } else { Ok(Some(announced)) }
    }

    /// Moves bytes from the chunk until the unfinished frame has `length` of them.
    fn complete(&mut self, length: usize, chunk: &mut &[u8]) {
        let wanted = length.saturating_sub(self.unfinished.len()).min(chunk.len());
        let (taken, rest) = chunk.split_at(wanted);
        self.unfinished.extend_from_slice(taken);
        *chunk = rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_frame_is_whole_or_not_there_yet() {
        let two = [wrap(b"ab").unwrap(), wrap(b"").unwrap()].concat();
        assert_eq!(split(&two, 2), Ok(Some((&b"ab"[..], &[0, 0, 0, 0][..]))));
        assert_eq!(split(&two[..5], 2), Ok(None));
        assert_eq!(split(&two[..3], 2), Ok(None));
        assert_eq!(split(&two[..4], 1), Err(Overlong { announced: 2, longest: 1 }));
    }

    /// The bodies that come out of `stream` in pieces, and whether it broke off.
    fn bodies(stream: &[u8], piece: usize, longest: usize) -> (Vec<Vec<u8>>, bool) {
        let (mut frames, mut out) = (Frames::with_longest(longest), Vec::new());
        for chunk in stream.chunks(piece) {
            if frames.feed(chunk, |body| out.push(body.to_vec())).is_err() {
                return (out, true);
            }
            assert!(frames.unfinished().len() < 4 + longest, "memory is bounded");
        }
        (out, false)
    }

    #[test]
    fn an_overlong_frame_ends_the_stream_after_those_before_it() {
        let stream = [wrap(b"ab").unwrap(), vec![0, 0, 0, 9, 1]].concat();
        for piece in 1..12 {
            assert_eq!(bodies(&stream, piece, 8), (vec![b"ab".to_vec()], true));
        }
    }

    proptest! {
        #[test]
        fn any_chunking_gives_the_same_frames(
            sent in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..9), 0..6),
            piece in 1usize..30,
        ) {
            let stream: Vec<u8> = sent.iter().flat_map(|body| wrap(body).unwrap()).collect();
            prop_assert_eq!(bodies(&stream, piece, 8), (sent, false));
        }
    }
}
