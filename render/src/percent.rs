//! Percent-encoding, undone.

/// Undoes percent-encoding in one part of a path or a query; `plus` says whether `+` is a blank.
pub(crate) fn decode(text: &str, plus: bool) -> Result<String, &'static str> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        match first {
            b'+' if plus => bytes.push(b' '),
            b'%' => {
                let (Some(high), Some(low)) = (after.first().and_then(hex), after.get(1).and_then(hex)) else {
                    return Err(
                        "has a `%` that is not followed by two hexadecimal digits; write `%25` for a percent sign",
                    );
                };
                bytes.push(high << 4 | low);
                rest = &after[2..];
            }
            _ => bytes.push(first),
        }
    }
    String::from_utf8(bytes).map_err(|_| "is not UTF-8")
}

/// As [`decode`] for texts that nobody encoded: what cannot be decoded stays, and odd bytes become U+FFFD.
pub(crate) fn decode_lossily(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        match (first, after.first().and_then(hex), after.get(1).and_then(hex)) {
            (b'+', ..) => bytes.push(b' '),
            (b'%', Some(high), Some(low)) => {
                bytes.push(high << 4 | low);
                rest = &after[2..];
            }
            _ => bytes.push(first),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hex(digit: &u8) -> Option<u8> {
    char::from(*digit).to_digit(16).map(|digit| digit as u8)
}
