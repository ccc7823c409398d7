//! Any bytes in any pieces: the same lines come out, none panics, memory stays within the longest line.
#![no_main]

use carbon_line::{Decoder, Rules, datagram, plain};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((&piece, stream)) = data.split_first() else { return };
    let rules = Rules { min_resolution: 1, future_limit: 600 };
    let lines = |piece: usize| {
        let (mut decoder, mut out) = (Decoder::with_longest(64), Vec::new());
        for chunk in stream.chunks(piece) {
            out.extend(decoder.feed(chunk).map(|line| line.map(<[u8]>::to_vec)));
        }
        out.extend(decoder.finish().map(Err));
        out
    };
    let found = lines(usize::from(piece).max(1));
    assert_eq!(found, lines(stream.len().max(1)));
    for line in found.iter().flatten() {
        if let Ok(point) = plain::parse(line) {
            let _ = rules.admit(&point, 1_700_000_000.0);
            let printed = point.to_string();
            assert_eq!(plain::parse(printed.as_bytes()), Ok(point));
        }
    }
    datagram::parse(stream).for_each(drop);
});
