//! Any bytes in any pieces: a PROXY header is found at the same place or refused, and so are frames; memory stays
//! within the longest of each.
#![no_main]

use carbon_line::frame::{Frames, Overlong};
use carbon_line::proxy::{self, Header, LONGEST_HEADER};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((&piece, stream)) = data.split_first() else { return };
    // Once it is whole or refused, no further byte changes that.
    let decided = (0..=stream.len()).map(|end| proxy::parse(&stream[..end])).find(|found| *found != Ok(Header::Partial));
    match decided {
        Some(found) => assert_eq!(proxy::parse(stream), found),
        None => assert!(stream.len() < LONGEST_HEADER),
    }
    if let Some(Ok(Header::Whole { length, .. })) = decided {
        assert!(length <= stream.len().min(LONGEST_HEADER));
    }
    assert_eq!(frames(stream, usize::from(piece).max(1)), frames(stream, stream.len().max(1)));
});

fn frames(stream: &[u8], piece: usize) -> (Vec<Vec<u8>>, Result<(), Overlong>) {
    let (mut frames, mut bodies) = (Frames::with_longest(300), Vec::new());
    let fed = stream.chunks(piece).try_for_each(|chunk| frames.feed(chunk, |body| bodies.push(body.to_vec())));
    assert!(frames.unfinished().len() < 304);
    (bodies, fed)
}
