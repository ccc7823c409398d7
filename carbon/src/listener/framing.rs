//! From the bytes of one stream to points: the PROXY header if there is one, then lines or frames. Owns no socket.

use carbon_line::frame::{Frames, Overlong};
use carbon_line::{Decoder, Reject, proxy};

use super::socket::Peer;
use crate::batch::Batch;
use crate::intake::Intake;

/// What a stream carries.
#[derive(Debug)]
pub(crate) enum Framing {
    /// Lines, parted by newlines.
    Plaintext(Decoder),
    /// Pickles, each with its length in front.
    Pickle(Frames),
}

/// Why a stream cannot be read on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Broken {
    #[error(transparent)]
    Proxy(#[from] proxy::Malformed),
    #[error(transparent)]
    Frame(#[from] Overlong),
}

impl Framing {
    /// Decodes what `chunk` makes whole and adds it to `batch`.
    ///
    /// `true` when a line or a frame came to its end, be it good or bad.
    ///
    /// # Errors
    /// [`Broken::Frame`]; what stood before the frame is in the batch.
    pub(crate) fn feed(
        &mut self,
        intake: &Intake,
        chunk: &[u8],
        peer: Peer,
        batch: &mut Batch,
    ) -> Result<bool, Broken> {
        match self {
            Framing::Plaintext(decoder) => {
                intake.decode(decoder, chunk, &peer, batch);
                Ok(memchr::memrchr(b'\n', chunk).is_some())
            }
            Framing::Pickle(frames) => {
                let mut whole = false;
                let fed = frames.feed(chunk, |body| {
                    whole = true;
                    intake.decode_pickle(body, &peer, batch);
                });
                fed.inspect_err(|_| intake.refuse(Reject::Pickle, b"", &peer))?;
                Ok(whole)
            }
        }
    }

    /// What has begun and not ended; `None` inside a line that was refused already.
    pub(crate) fn unfinished(&self) -> Option<&[u8]> {
        match self {
            Framing::Plaintext(decoder) => decoder.unfinished(),
            Framing::Pickle(frames) => Some(frames.unfinished()),
        }
    }

    /// Takes what comes next for the rest of a line that was refused already.
    pub(crate) fn skip(&mut self) {
        if let Framing::Plaintext(decoder) = self {
            decoder.skip();
        }
    }

    /// Bytes that are held until the next read.
    pub(crate) fn held(&self) -> usize {
        match self {
            Framing::Plaintext(decoder) => decoder.held(),
            Framing::Pickle(frames) => frames.held(),
        }
    }

    /// Counts what the end of the stream cut off.
    pub(crate) fn finish(&mut self, intake: &Intake, peer: Peer) {
        let cut = match self {
            Framing::Plaintext(decoder) => decoder.finish(),
            Framing::Pickle(frames) => (!frames.unfinished().is_empty()).then_some(Reject::Unfinished),
        };
        if let Some(reject) = cut {
            intake.refuse(reject, b"", &peer);
        }
    }
}

/// Whom a proxy speaks for, if it says so, and the first bytes of the stream itself.
type Introduced<'a> = (Option<Peer>, &'a [u8]);

/// A PROXY header that has not arrived whole.
#[derive(Debug, Default)]
pub(crate) struct Head(Vec<u8>);

impl Head {
    /// What has arrived.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Takes the next bytes; gives the header once it is whole, and what follows it. At most
    /// [`proxy::LONGEST_HEADER`] bytes are kept.
    ///
    /// # Errors
    /// When they cannot become a header any more.
    pub(crate) fn feed<'a>(&mut self, chunk: &'a [u8]) -> Result<Option<Introduced<'a>>, Broken> {
        let before = self.0.len();
        let room = proxy::LONGEST_HEADER.saturating_sub(before).min(chunk.len());
        self.0.extend_from_slice(&chunk[..room]);
        match proxy::parse(&self.0)? {
            proxy::Header::Whole { length, source } => {
                Ok(Some((source.map(Peer::Ip), chunk.get(length.saturating_sub(before)..).unwrap_or_default())))
            }
            proxy::Header::Partial if self.0.len() < proxy::LONGEST_HEADER => Ok(None),
            proxy::Header::Partial => Err(proxy::Malformed.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_a_header_belongs_to_the_stream() {
        let stream = b"PROXY TCP4 192.0.2.1 192.0.2.2 56324 2003\r\na 1 1\n";
        for cut in 0..stream.len() {
            let mut head = Head::default();
            let (first, second) = stream.split_at(cut);
            let mut followed = Vec::new();
            let mut pieces = [first, second].into_iter();
            let peer = pieces.by_ref().find_map(|piece| {
                let (peer, rest) = head.feed(piece).unwrap()?;
                followed.extend_from_slice(rest);
                peer
            });
            followed.extend(pieces.flatten());
            assert_eq!(
                (peer.unwrap().to_string(), followed.as_slice()),
                ("192.0.2.1:56324".to_owned(), &b"a 1 1\n"[..])
            );
        }
        assert!(matches!(Head::default().feed(b"a.b 1 1\n"), Err(Broken::Proxy(_))));
    }
}
