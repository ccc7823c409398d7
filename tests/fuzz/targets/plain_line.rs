//! Any bytes in any pieces: the same lines come out, none panics, memory stays within the longest line. Reading ahead,
//! with or without a guess at the name, gives the same points to the bit.
#![no_main]

use carbon_line::decoder::Lines;
use carbon_line::{Datapoint, Decoder, Numbers, Reject, Rules, Simple, datagram, plain};
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
    let points = |ahead: bool| {
        let (mut decoder, mut out) = (Decoder::with_longest(64), Vec::new());
        let mut guess = Vec::new();
        for chunk in stream.chunks(usize::from(piece).max(1)) {
            let mut lines = decoder.feed(chunk);
            while let Some(point) = next(&mut lines, &guess, ahead) {
                // Senders repeat themselves, so the name of the line before is a guess that is sometimes right.
                if let Ok((name, _, _)) = &point {
                    guess.clone_from(name);
                }
                out.push(point);
            }
        }
        out
    };
    assert_eq!(points(true), points(false));
    for line in found.iter().flatten() {
        if let Ok(point) = plain::parse(line) {
            let _ = rules.admit(&point, 1_700_000_000.0);
            if line.is_ascii() && !line.contains(&b'_') {
                let text = str::from_utf8(line).expect("ASCII");
                let mut numbers = text.split(|c: char| c.is_ascii_whitespace() || ('\x0b'..='\x1f').contains(&c));
                let mut number = || numbers.rfind(|text| !text.is_empty())?.parse::<f64>().ok().map(f64::to_bits);
                assert_eq!((number(), number()), (Some(point.time.to_bits()), Some(point.value.to_bits())));
            }
            let printed = point.to_string();
            assert_eq!(plain::parse(printed.as_bytes()), Ok(point));
        }
    }
    datagram::parse(stream).for_each(drop);
});

type Read = Result<(Vec<u8>, u64, u64), Reject>;

fn next(lines: &mut Lines<'_>, guess: &[u8], ahead: bool) -> Option<Read> {
    let read = |name: &[u8], Numbers { value, time }: Numbers| Ok((name.to_vec(), value.to_bits(), time.to_bits()));
    if ahead && !guess.is_empty() {
        if let Some(numbers) = lines.next_of(guess) {
            return Some(read(guess, numbers));
        }
    }
    if ahead && let Some(Simple { name, numbers }) = lines.next_simple() {
        return Some(read(name, numbers));
    }
    let line = lines.next()?;
    Some(
        line.and_then(plain::parse)
            .and_then(|Datapoint { name, value, time }| read(name.as_bytes(), Numbers { value, time })),
    )
}
