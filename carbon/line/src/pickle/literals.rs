//! Numbers and texts as pickles spell them: decimals and integers of any length, escapes and quotes of Python 2.

use std::borrow::Cow;

use super::value::Node;

/// A decimal integer of any length. One that no float can hold becomes `Node::None`, which is no number.
pub(super) fn decimal<'a>(digits: &str) -> Option<Node<'a>> {
    if let Ok(value) = digits.parse() {
        return Some(Node::Int(value));
    }
    let unsigned = digits.strip_prefix(['-', '+']).unwrap_or(digits);
    if unsigned.is_empty() || !unsigned.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok().map(finite)
}

/// A little-endian integer in two's complement, of any length.
pub(super) fn integer<'a>(bytes: &[u8]) -> Node<'a> {
    let negative = bytes.last().is_some_and(|top| top & 0x80 != 0);
    if bytes.len() <= 8 {
        let mut whole = [if negative { 0xff } else { 0 }; 8];
        whole[..bytes.len()].copy_from_slice(bytes);
        return Node::Int(i64::from_le_bytes(whole));
    }
    let (mut magnitude, mut carry) = (Vec::with_capacity(bytes.len()), negative);
    for byte in bytes {
        let byte = if negative { !byte } else { *byte };
        let (byte, over) = byte.overflowing_add(u8::from(carry));
        carry = over;
        magnitude.push(byte);
    }
    // Carried out of the top: the most negative number of this length.
    magnitude.push(u8::from(carry));
    let value = magnitude_to_float(&magnitude);
    finite(if negative { -value } else { value })
}

/// Rounds once: the top 64 bits, the lowest of them set when anything follows, decide all 53.
fn magnitude_to_float(bytes: &[u8]) -> f64 {
    let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |top| top + 1);
    let (low, high) = bytes[..used].split_at(used.saturating_sub(9));
    // Nine bytes hold at least 65 bits once the top one is not zero, of which the top 64 are kept.
    let high = high.iter().rev().fold(0u128, |sum, byte| sum << 8 | u128::from(*byte));
    let spare = 64u32.saturating_sub(high.leading_zeros().min(64));
    let lost = low.iter().any(|byte| *byte != 0) || high & ((1 << spare) - 1) != 0;
    let top = (high >> spare) as u64 | u64::from(lost);
    let shift = spare as i32 + i32::try_from(low.len() * 8).unwrap_or(i32::MAX);
    if shift > 1024 { f64::INFINITY } else { top as f64 * 2f64.powi(shift) }
}

pub(super) fn finite<'a>(value: f64) -> Node<'a> {
    if value.is_finite() { Node::Float(value) } else { Node::None }
}

/// Text of protocol 0: Latin-1 with `\uXXXX` and `\UXXXXXXXX`. An escape that is no character stays as it is written.
pub(super) fn unescape_unicode(raw: &[u8]) -> Cow<'_, str> {
    if let (None, Ok(text)) = (memchr::memchr(b'\\', raw), str::from_utf8(raw))
        && text.is_ascii()
    {
        return Cow::Borrowed(text);
    }
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((byte, after)) = rest.split_first() {
        let length = match rest {
            [b'\\', b'u', ..] => 4,
            [b'\\', b'U', ..] => 8,
            _ => 0,
        };
        let escaped = (length > 0).then(|| rest.get(2..2 + length)).flatten().and_then(character);
        text.push(escaped.unwrap_or(char::from(*byte)));
        rest = if escaped.is_some() { &rest[2 + length..] } else { after };
    }
    Cow::Owned(text)
}

fn character(hex: &[u8]) -> Option<char> {
    let hex = str::from_utf8(hex).ok().filter(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    char::from_u32(u32::from_str_radix(hex, 16).ok()?)
}

/// A quoted string of Python 2, with the escapes that its `repr` writes.
pub(super) fn unquote(quoted: &str) -> Option<String> {
    let quote = quoted.chars().next().filter(|quote| matches!(quote, '\'' | '"'))?;
    let inner = quoted.get(1..)?.strip_suffix(quote)?;
    let (mut bytes, mut rest) = (Vec::with_capacity(inner.len()), inner.as_bytes());
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        if *byte != b'\\' {
            bytes.push(*byte);
            continue;
        }
        let (escape, after) = rest.split_first()?;
        rest = after;
        bytes.push(match escape {
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'x' => {
                let (hex, after) = rest.split_at_checked(2)?;
                rest = after;
                u8::from_str_radix(str::from_utf8(hex).ok()?, 16).ok()?
            }
            b'\\' | b'\'' | b'"' => *escape,
            _ => return None,
        });
    }
    String::from_utf8(bytes).ok()
}
