//! The PROXY protocol: a header in which a proxy says whom it speaks for, before the first byte of the stream itself.
//!
//! ```text
//! version 1   PROXY TCP4 192.0.2.1 192.0.2.2 56324 2003\r\n      at most 107 bytes; also TCP6, UNKNOWN
//! version 2    0  signature  0d 0a 0d 0a 00 0d 0a 51 55 49 54 0a
//!             12  version and command  20 local, 21 proxied
//!             13  family  11 TCP4, 21 TCP6, others have no address for us
//!             14  length of the rest, u16 big-endian
//!             16  source, destination, source port, destination port, extensions
//! ```
//! Source: the specification that comes with HAProxy (`proxy-protocol.txt`).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Most bytes a header may have; extensions of version 2 are read over.
pub const LONGEST_HEADER: usize = 2048;

const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
const LONGEST_LINE: usize = 107;

/// A header as far as it has arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Header {
    /// More bytes are needed.
    Partial,
    /// It is whole.
    Whole {
        /// Bytes it takes of the stream.
        length: usize,
        /// Who is spoken for; `None` when the proxy speaks for itself, or will not say.
        source: Option<SocketAddr>,
    },
}

/// Bytes that are no PROXY header, so the peer is no proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a PROXY header of version 1 or 2, found something else")]
pub struct Malformed;

/// Reads the header at the start of `bytes`.
///
/// # Errors
/// As soon as the bytes cannot become a header any more.
pub fn parse(bytes: &[u8]) -> Result<Header, Malformed> {
    match bytes.first() {
        None => Ok(Header::Partial),
        Some(b'P') => version_1(bytes),
        Some(_) => version_2(bytes),
    }
}

fn version_1(bytes: &[u8]) -> Result<Header, Malformed> {
    let within = &bytes[..bytes.len().min(LONGEST_LINE)];
    let Some(end) = memchr::memchr(b'\n', within) else {
        let possible = within.iter().zip(b"PROXY ").all(|(found, expected)| found == expected);
        return if possible && within.len() < LONGEST_LINE { Ok(Header::Partial) } else { Err(Malformed) };
    };
    let line = within[..end].strip_suffix(b"\r").ok_or(Malformed)?;
    let line = str::from_utf8(line).map_err(|_| Malformed)?.strip_prefix("PROXY ").ok_or(Malformed)?;
    let length = end + 1;
    if line == "UNKNOWN" || line.starts_with("UNKNOWN ") {
        return Ok(Header::Whole { length, source: None });
    }
    let fields: Vec<&str> = line.splitn(6, ' ').collect();
    let &[family, source, destination, port, to_port] = fields.as_slice() else { return Err(Malformed) };
    let address = |text: &str| match family {
        "TCP4" => text.parse().map(IpAddr::V4).map_err(|_| Malformed),
        "TCP6" => text.parse().map(IpAddr::V6).map_err(|_| Malformed),
        _ => Err(Malformed),
    };
    let number = |text: &str| text.parse::<u16>().map_err(|_| Malformed);
    let source = SocketAddr::new(address(source)?, number(port)?);
    // Not needed, but a header must be sound as a whole.
    address(destination)?;
    number(to_port)?;
    Ok(Header::Whole { length, source: Some(source) })
}

fn version_2(bytes: &[u8]) -> Result<Header, Malformed> {
    if !bytes.iter().zip(SIGNATURE).all(|(found, expected)| found == expected) {
        return Err(Malformed);
    }
    let Some((head, rest)) = bytes.split_first_chunk::<16>() else { return Ok(Header::Partial) };
    let (command, family) = (head[12], head[13]);
    let announced = usize::from(u16::from_be_bytes([head[14], head[15]]));
    if !matches!(command, 0x20 | 0x21) || 16 + announced > LONGEST_HEADER {
        return Err(Malformed);
    }
    let Some(body) = rest.get(..announced) else { return Ok(Header::Partial) };
    let source = if command == 0x21 { source(family, body)? } else { None };
    Ok(Header::Whole { length: 16 + announced, source })
}

fn source(family: u8, body: &[u8]) -> Result<Option<SocketAddr>, Malformed> {
    let port = |at: usize| Some(u16::from_be_bytes([*body.get(at)?, *body.get(at + 1)?]));
    let found = match family {
        0x11 if body.len() >= 12 => {
            body.first_chunk::<4>().map(|octets| IpAddr::V4(Ipv4Addr::from(*octets))).zip(port(8))
        }
        0x21 if body.len() >= 36 => {
            body.first_chunk::<16>().map(|octets| IpAddr::V6(Ipv6Addr::from(*octets))).zip(port(32))
        }
        0x11 | 0x21 => None,
        _ => return Ok(None),
    };
    found.map(|(ip, port)| Some(SocketAddr::new(ip, port))).ok_or(Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The header must be partial up to its last byte, and leave what follows alone.
    #[track_caller]
    fn check(header: &[u8], source: Option<&str>) {
        for cut in 0..header.len() {
            assert_eq!(parse(&header[..cut]), Ok(Header::Partial), "{cut}");
        }
        let source = source.map(|source| source.parse().unwrap());
        assert_eq!(parse(&[header, b"a 1 1\n"].concat()), Ok(Header::Whole { length: header.len(), source }));
    }

    fn version_2_header(command: u8, family: u8, body: &[u8]) -> Vec<u8> {
        let length = u16::try_from(body.len()).unwrap().to_be_bytes();
        [SIGNATURE, &[command, family][..], &length, body].concat()
    }

    #[test]
    fn both_versions_name_the_source() {
        check(b"PROXY TCP4 192.0.2.1 192.0.2.2 56324 2003\r\n", Some("192.0.2.1:56324"));
        check(b"PROXY TCP6 2001:db8::1 2001:db8::2 1 65535\r\n", Some("[2001:db8::1]:1"));
        check(b"PROXY UNKNOWN\r\n", None);
        check(b"PROXY UNKNOWN ffff:: :: 1 2\r\n", None);
        check(&version_2_header(0x21, 0x11, &[192, 0, 2, 1, 192, 0, 2, 2, 0xdc, 4, 7, 0xd3]), Some("192.0.2.1:56324"));
        let six = [&[0x20, 1, 0xd, 0xb8][..], &[0; 11], &[1], &[0; 16], &[0, 1, 7, 0xd3], b"\x03\0\x01x"].concat();
        check(&version_2_header(0x21, 0x21, &six), Some("[2001:db8::1]:1"));
        check(&version_2_header(0x20, 0, b""), None);
        check(&version_2_header(0x21, 0x31, &[0; 216]), None);
    }

    #[test]
    fn everything_else_is_refused_at_the_first_wrong_byte() {
        for bytes in [
            &b"a.b 1 1\n"[..],
            b"PROX.y 1",
            b"PROXY TCP4 192.0.2.1 192.0.2.2 56324 2003\n",
            b"PROXY TCP4 192.0.2.1 192.0.2.2 56324\r\n",
            b"PROXY TCP4 192.0.2.1 192.0.2.2 56324 70000\r\n",
            b"PROXY TCP4 ::1 ::1 1 1\r\n",
            b"PROXY TCP4 1.2.3.4 1.2.3.4 1 1 1\r\n",
            b"\r\n\r\nx",
        ] {
            assert_eq!(parse(bytes), Err(Malformed), "{}", bytes.escape_ascii());
        }
        assert_eq!(parse(&[b"PROXY ".to_vec(), vec![b'x'; 200]].concat()), Err(Malformed));
        assert_eq!(parse(&version_2_header(0x31, 0x11, &[0; 12])), Err(Malformed));
        assert_eq!(parse(&version_2_header(0x21, 0x11, &[0; 11])), Err(Malformed));
        assert_eq!(parse(&[SIGNATURE, &[0x21, 0x11, 0xff, 0xff][..]].concat()), Err(Malformed));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(start in 0usize..3, rest in proptest::collection::vec(any::<u8>(), 0..60)) {
            let start: &[u8] = [&b""[..], b"PROXY TCP4 ", SIGNATURE][start];
            let _ = parse(&[start, &rest].concat());
        }
    }
}
