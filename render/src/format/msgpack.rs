//! Series and nodes as MessagePack.

use carbon_storage::{Node, NodeKind};

use super::{Output, TooLong};
use crate::series::Series;

/// A list of maps: `name`, `start`, `end`, `step`, `values`, `pathExpression`, `valuesPerPoint`, `consolidationFunc`,
/// `xFilesFactor`.
///
/// # Errors
/// When it grows too long.
pub fn series(series: &[Series], out: &mut Output) -> Result<(), TooLong> {
    list(out.bytes(), series.len());
    for one in series {
        let bytes = out.bytes();
        map(bytes, 9);
        text(bytes, "name");
        text(bytes, &one.name);
        for (key, number) in [("start", one.start), ("end", one.end), ("step", one.step)] {
            text(bytes, key);
            whole(bytes, number);
        }
        text(bytes, "values");
        list(bytes, one.values.len());
        values(one, out)?;
        let bytes = out.bytes();
        text(bytes, "pathExpression");
        text(bytes, &one.path_expression);
        text(bytes, "valuesPerPoint");
        whole(bytes, one.values_per_point as i64);
        text(bytes, "consolidationFunc");
        text(bytes, one.consolidation.name());
        text(bytes, "xFilesFactor");
        float(bytes, one.x_files_factor);
        out.check()?;
    }
    out.check()
}

/// A list of maps: `path`, `is_leaf`, and for leaves `intervals`: from the epoch to `now` there may be points. A front of
/// several stores leaves those out that have none for its window.
///
/// # Errors
/// When it grows too long.
pub fn nodes(nodes: &[Node], now: i64, out: &mut Output) -> Result<(), TooLong> {
    list(out.bytes(), nodes.len());
    for node in nodes {
        let bytes = out.bytes();
        map(bytes, if node.kind == NodeKind::Leaf { 3 } else { 2 });
        text(bytes, "path");
        text(bytes, &node.path);
        text(bytes, "is_leaf");
        bytes.push(if node.kind == NodeKind::Leaf { TRUE } else { FALSE });
        if node.kind == NodeKind::Leaf {
            text(bytes, "intervals");
            list(bytes, 1);
            list(bytes, 2);
            whole(bytes, 0);
            whole(bytes, now);
        }
        out.check()?;
    }
    Ok(())
}

const NIL: u8 = 0xc0;
const FALSE: u8 = 0xc2;
const TRUE: u8 = 0xc3;
const FLOAT_64: u8 = 0xcb;
const UINT_32: u8 = 0xce;
const INT_64: u8 = 0xd3;
const STR_8: u8 = 0xd9;
const STR_32: u8 = 0xdb;
const ARRAY_16: u8 = 0xdc;
const ARRAY_32: u8 = 0xdd;
const FIX_MAP: u8 = 0x80;
const FIX_ARRAY: u8 = 0x90;
const FIX_STR: u8 = 0xa0;

fn values(one: &Series, out: &mut Output) -> Result<(), TooLong> {
    for (at, &value) in one.values.iter().enumerate() {
        let bytes = out.bytes();
        if let Some(word) = one.values.word() {
            text(bytes, word);
        } else if value.is_nan() {
            bytes.push(NIL);
        } else if (one.integers || one.values.is_whole(at)) && value.fract() == 0.0 && value.abs() < 9e15 {
            whole(bytes, value as i64);
        } else {
            float(bytes, value);
        }
        out.check()?;
    }
    Ok(())
}

/// A map of fewer than 16 entries, all that is ever needed here.
fn map(bytes: &mut Vec<u8>, entries: u8) {
    bytes.push(FIX_MAP | entries);
}

fn list(bytes: &mut Vec<u8>, length: usize) {
    match length {
        0..16 => bytes.push(FIX_ARRAY | length as u8),
        16..0x1_0000 => {
            bytes.push(ARRAY_16);
            bytes.extend_from_slice(&(length as u16).to_be_bytes());
        }
        _ => {
            bytes.push(ARRAY_32);
            bytes.extend_from_slice(&(length as u32).to_be_bytes());
        }
    }
}

fn text(bytes: &mut Vec<u8>, text: &str) {
    match text.len() {
        length @ 0..32 => bytes.push(FIX_STR | length as u8),
        length @ 32..256 => bytes.extend([STR_8, length as u8]),
        length => {
            bytes.push(STR_32);
            bytes.extend_from_slice(&(length as u32).to_be_bytes());
        }
    }
    bytes.extend_from_slice(text.as_bytes());
}

fn float(bytes: &mut Vec<u8>, value: f64) {
    bytes.push(FLOAT_64);
    bytes.extend_from_slice(&value.to_be_bytes());
}

fn whole(bytes: &mut Vec<u8>, value: i64) {
    match value {
        0..128 => bytes.push(value as u8),
        128..=0xffff_ffff => {
            bytes.push(UINT_32);
            bytes.extend_from_slice(&(value as u32).to_be_bytes());
        }
        _ => {
            bytes.push(INT_64);
            bytes.extend_from_slice(&value.to_be_bytes());
        }
    }
}
