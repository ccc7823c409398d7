//! Plaintext in one UDP datagram: lines parted by whatever Python's `str.splitlines` takes for a line end.

use crate::Reject;
use crate::plain::{self, Datapoint};

/// The datapoints and refusals of one datagram, in order. The last line needs no newline; bytes that are not UTF-8 cost
/// the whole datagram, as with carbon.
pub fn parse(datagram: &[u8]) -> impl Iterator<Item = Result<Datapoint<'_>, Reject>> {
    let text = str::from_utf8(datagram);
    let refused = text.is_err().then_some(Err(Reject::NotUtf8));
    let text = text.unwrap_or_default();
    // `\r\n` is one line end, and what follows the last one is no line.
    let lines = text.split(is_line_end).filter(|line| !line.is_empty());
    refused.into_iter().chain(lines.map(|line| plain::parse(line.as_bytes())))
}

fn is_line_end(c: char) -> bool {
    matches!(c, '\n'..='\r' | '\x1c'..='\x1e' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_of_a_datagram_needs_no_newline() {
        let names: Vec<_> =
            parse(b"a 1 1700000000\r\nb 2 1700000000\x0cc 3 1700000000").map(|p| p.unwrap().name).collect();
        assert_eq!(names, ["a", "b", "c"]);
        assert_eq!(parse(b"\xff 1 1\na 1 1\n").collect::<Vec<_>>(), [Err(Reject::NotUtf8)]);
    }
}
