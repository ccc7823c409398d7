//! Series and nodes as a Python pickle of protocol 2, which every Python since 2.3 reads.
//!
//! Only data is written: lists, dicts, texts, numbers, `None`, `True`, `False`. No class is ever named, so a reader that
//! forbids classes takes it.

use carbon_storage::{Node, NodeKind};

use super::{Output, TooLong};
use crate::series::Series;

const PROTOCOL_2: &[u8] = b"\x80\x02";
const MARK: u8 = b'(';
const EMPTY_LIST: u8 = b']';
const APPENDS: u8 = b'e';
const EMPTY_DICT: u8 = b'}';
const SET_ITEMS: u8 = b'u';
const TEXT: u8 = b'X';
const FLOAT: u8 = b'G';
const INT_32: u8 = b'J';
const LONG: u8 = 0x8a;
const NONE: u8 = b'N';
const TRUE: u8 = 0x88;
const FALSE: u8 = 0x89;
const STOP: u8 = b'.';

/// A list of dicts: `name`, `start`, `end`, `step`, `values`, `pathExpression`, `valuesPerPoint`, `consolidationFunc`,
/// `xFilesFactor`.
///
/// # Errors
/// When it grows too long.
pub fn series(series: &[Series], out: &mut Output) -> Result<(), TooLong> {
    out.bytes().extend_from_slice(PROTOCOL_2);
    out.bytes().extend([EMPTY_LIST, MARK]);
    for one in series {
        let bytes = out.bytes();
        bytes.extend([EMPTY_DICT, MARK]);
        text(bytes, "name");
        text(bytes, &one.name);
        for (key, number) in [("start", one.start), ("end", one.end), ("step", one.step)] {
            text(bytes, key);
            whole(bytes, number);
        }
        text(bytes, "values");
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
        bytes.push(SET_ITEMS);
        out.check()?;
    }
    out.bytes().extend([APPENDS, STOP]);
    out.check()
}

/// A list of dicts: `path`, `is_leaf`, and for leaves `intervals`: from the epoch to `now` there may be points. A front of
/// several stores leaves those out that have none for its window.
///
/// # Errors
/// When it grows too long.
pub fn nodes(nodes: &[Node], now: i64, out: &mut Output) -> Result<(), TooLong> {
    out.bytes().extend_from_slice(PROTOCOL_2);
    out.bytes().extend([EMPTY_LIST, MARK]);
    for node in nodes {
        let bytes = out.bytes();
        bytes.extend([EMPTY_DICT, MARK]);
        text(bytes, "path");
        text(bytes, &node.path);
        text(bytes, "is_leaf");
        bytes.push(if node.kind == NodeKind::Leaf { TRUE } else { FALSE });
        if node.kind == NodeKind::Leaf {
            text(bytes, "intervals");
            bytes.extend([EMPTY_LIST, MARK, EMPTY_LIST, MARK]);
            whole(bytes, 0);
            whole(bytes, now);
            bytes.extend([APPENDS, APPENDS]);
        }
        bytes.push(SET_ITEMS);
        out.check()?;
    }
    out.bytes().extend([APPENDS, STOP]);
    out.check()
}

fn values(one: &Series, out: &mut Output) -> Result<(), TooLong> {
    out.bytes().extend([EMPTY_LIST, MARK]);
    for (at, &value) in one.values.iter().enumerate() {
        let bytes = out.bytes();
        if let Some(word) = one.values.word() {
            text(bytes, word);
        } else if value.is_nan() {
            bytes.push(NONE);
        } else if (one.integers || one.values.is_whole(at)) && value.fract() == 0.0 && value.abs() < 9e15 {
            whole(bytes, value as i64);
        } else {
            float(bytes, value);
        }
        out.check()?;
    }
    out.bytes().push(APPENDS);
    Ok(())
}

fn text(bytes: &mut Vec<u8>, text: &str) {
    bytes.push(TEXT);
    bytes.extend_from_slice(&(text.len() as u32).to_le_bytes());
    bytes.extend_from_slice(text.as_bytes());
}

fn float(bytes: &mut Vec<u8>, value: f64) {
    bytes.push(FLOAT);
    bytes.extend_from_slice(&value.to_be_bytes());
}

fn whole(bytes: &mut Vec<u8>, value: i64) {
    match i32::try_from(value) {
        Ok(value) => {
            bytes.push(INT_32);
            bytes.extend_from_slice(&value.to_le_bytes());
        }
        Err(_) => {
            bytes.extend([LONG, 8]);
            bytes.extend_from_slice(&value.to_le_bytes());
        }
    }
}
