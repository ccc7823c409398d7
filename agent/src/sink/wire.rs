//! How lines look on the way: as they are, or as the pickles of carbon's relays.

use std::borrow::Cow;

/// A form of lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    /// `name value timestamp`, one a line.
    Lines,
    /// A length of four bytes, and a pickled list of `(name, (timestamp, value))`.
    Pickle,
}

impl Wire {
    /// What is written for whole lines.
    pub(crate) fn encode(self, lines: &[u8]) -> Cow<'_, [u8]> {
        match self {
            Wire::Lines => Cow::Borrowed(lines),
            Wire::Pickle => Cow::Owned(pickle(lines)),
        }
    }
}

/// Name, value and timestamp of each line; a line without them is passed over.
pub(crate) fn points(lines: &[u8]) -> impl Iterator<Item = (&str, &str, u32)> {
    let lines = lines.split(|byte| *byte == b'\n').filter_map(|line| std::str::from_utf8(line).ok());
    lines.filter_map(|line| {
        let (rest, time) = line.rsplit_once(' ')?;
        let (name, value) = rest.split_once(' ')?;
        Some((name, value, time.parse().ok()?))
    })
}

/// Protocol 2: what Python 2 reads, too.
fn pickle(lines: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; 4];
    bytes.extend(b"\x80\x02](");
    for (name, value, time) in points(lines) {
        let Ok(value) = value.parse::<f64>() else { continue };
        bytes.push(b'X');
        bytes.extend((name.len() as u32).to_le_bytes());
        bytes.extend(name.as_bytes());
        match i32::try_from(time) {
            Ok(time) => {
                bytes.push(b'J');
                bytes.extend(time.to_le_bytes());
            }
            // A long of five bytes, the last one for its sign.
            Err(_) => {
                bytes.extend(b"\x8a\x05");
                bytes.extend(u64::from(time).to_le_bytes()[..5].iter());
            }
        }
        bytes.push(b'G');
        bytes.extend(value.to_be_bytes());
        // (timestamp, value), then (name, that).
        bytes.extend(b"\x86\x86");
    }
    bytes.extend(b"e.");
    let length = (bytes.len() - 4) as u32;
    bytes[..4].copy_from_slice(&length.to_be_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_become_what_python_pickles() {
        // pickle.dumps([("a.b", (1700000000, 1.5))], 2) without the memo, and a time beyond 2038.
        let expected = b"\x00\x00\x00\x36\x80\x02](X\x03\x00\x00\x00a.bJ\x00\xf1SeG?\xf8\0\0\0\0\0\0\x86\x86\
                         X\x01\x00\x00\x00c\x8a\x05\x00\x00\x00\xf0\x00G@\0\0\0\0\0\0\0\x86\x86e.";
        let text = b"a.b 1.5 1700000000\nno number 5\nc 2 4026531840\nhalf";
        assert_eq!(Wire::Pickle.encode(text).as_ref(), expected.as_slice());
        assert_eq!(Wire::Lines.encode(text).as_ref(), text.as_slice());
    }
}
