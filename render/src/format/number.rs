//! Numbers as Python prints them, because clients compare and parse what graphite-web sends.

use std::io::Write;

/// The shortest text that reads back as `value`, in Python's manner: `5.0`, `1e-05`, `1e+16`, `inf`, `nan`.
pub(super) fn float(out: &mut Vec<u8>, value: f64) {
    let size = value.abs();
    if value == 0.0 || (1e-4..1e16).contains(&size) {
        plain(out, value);
    } else if value.is_nan() {
        out.extend_from_slice(b"nan");
    } else if value.is_infinite() {
        out.extend_from_slice(if value > 0.0 { b"inf" } else { b"-inf" });
    } else {
        scientific(out, value);
    }
}

/// A value of a series whose values are whole numbers by nature: without `.0` where that loses nothing.
pub(super) fn integer(out: &mut Vec<u8>, value: f64) {
    if value.fract() == 0.0 && value.abs() < 9_007_199_254_740_992.0 {
        whole(out, value as i64);
    } else {
        float(out, value);
    }
}

/// A whole number in decimal digits.
pub(super) fn whole(out: &mut Vec<u8>, value: i64) {
    // A `Vec` takes every byte it is given.
    let _ = write!(out, "{value}");
}

fn plain(out: &mut Vec<u8>, value: f64) {
    // Many measurements are whole; this is several times faster than the general way.
    if value.fract() == 0.0 && value.abs() < 1e15 && value.to_bits() != (-0.0_f64).to_bits() {
        whole(out, value as i64);
        out.extend_from_slice(b".0");
    } else {
        let _ = write!(out, "{value:?}");
    }
}

/// Rust writes `1e-7`, Python `1e-07`: the exponent has a sign and at least two digits.
fn scientific(out: &mut Vec<u8>, value: f64) {
    let start = out.len();
    let _ = write!(out, "{value:e}");
    let Some(mark) = out[start..].iter().position(|&b| b == b'e').map(|at| start + at) else { return };
    let digits = out.split_off(mark + 1);
    let (sign, digits) = match digits.split_first() {
        Some((b'-', rest)) => (b'-', rest),
        _ => (b'+', digits.as_slice()),
    };
    out.push(sign);
    if digits.len() < 2 {
        out.push(b'0');
    }
    out.extend_from_slice(digits);
}
