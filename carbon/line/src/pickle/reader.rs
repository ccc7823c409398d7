//! The reader: one loop over opcodes, a stack of value numbers, a memo.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::number;

/// Most values one pickle may build. A body of 1 MiB full of datapoints has 400 000.
const MOST_VALUES: usize = 1 << 19;

/// Most containers that may be open at once; datapoints need four.
const MOST_MARKS: usize = 1 << 10;

/// Why a pickle is refused as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The body ends in the middle.
    #[error("the pickle is cut short")]
    Truncated,
    /// An opcode that builds anything but data, or none at all.
    #[error("the pickle uses opcode {0:#04x}, which is not plain data")]
    Opcode(u8),
    /// An opcode that finds something else on the stack than it needs, or an argument that makes no sense.
    #[error("the pickle is damaged")]
    Damaged,
    /// More values or open containers than any sender needs.
    #[error("the pickle holds too many values")]
    TooLarge,
}

/// A value's place among the values of its pickle.
type Id = u32;

#[derive(Debug)]
enum Node<'a> {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Cow<'a, str>),
    Bytes(&'a [u8]),
    Items(Vec<Id>),
    /// Key, value, key, value.
    Pairs(Vec<Id>),
}

/// The data of one pickle; strings are borrowed from its body where they can be.
#[derive(Debug)]
pub struct Pickle<'a> {
    nodes: Vec<Node<'a>>,
    top: Id,
}

/// One value of a pickle.
#[derive(Clone, Copy, Debug)]
pub struct View<'p> {
    nodes: &'p [Node<'p>],
    id: Id,
}

impl Pickle<'_> {
    /// The value the pickle stands for.
    pub fn top(&self) -> View<'_> {
        View { nodes: &self.nodes, id: self.top }
    }
}

impl<'p> View<'p> {
    fn node(self) -> &'p Node<'p> {
        &self.nodes[self.id as usize]
    }

    /// The text, when the value is a string.
    pub fn text(self) -> Option<&'p str> {
        match self.node() {
            Node::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The bytes, when the value is a bytes object, or a string that is not UTF-8.
    pub fn bytes(self) -> Option<&'p [u8]> {
        match self.node() {
            Node::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The number, when the value is an integer, a float, or a truth value.
    pub fn number(self) -> Option<f64> {
        match *self.node() {
            Node::Bool(value) => Some(f64::from(u8::from(value))),
            Node::Int(value) => Some(value as f64),
            Node::Float(value) => Some(value),
            _ => None,
        }
    }

    /// The elements of a list, tuple or set, or the keys of a dict.
    pub fn items(self) -> Option<impl Iterator<Item = View<'p>>> {
        let (ids, step) = match self.node() {
            Node::Items(ids) => (ids, 1),
            Node::Pairs(ids) => (ids, 2),
            _ => return None,
        };
        Some(ids.iter().step_by(step).map(move |id| View { nodes: self.nodes, id: *id }))
    }

    /// Keys and values of a dict, in the order they were written.
    pub fn pairs(self) -> Option<impl Iterator<Item = (View<'p>, View<'p>)>> {
        let Node::Pairs(ids) = self.node() else {
            return None;
        };
        let view = move |id: &Id| View { nodes: self.nodes, id: *id };
        Some(ids.chunks_exact(2).map(move |pair| (view(&pair[0]), view(&pair[1]))))
    }

    /// What a dict has under `key`; the last of several wins.
    pub fn get(self, key: &str) -> Option<View<'p>> {
        self.pairs()?.filter(|(found, _)| found.text() == Some(key)).last().map(|(_, value)| value)
    }
}

/// Reads a pickle of protocol 0 to 5 that consists of data only.
///
/// # Errors
/// On the first opcode that is not data or does not fit.
pub fn read(body: &[u8]) -> Result<Pickle<'_>, Fault> {
    let mut machine = Machine::new(body);
    while machine.step()? {}
    let top = machine.pop()?;
    Ok(Pickle { nodes: machine.nodes, top })
}

struct Machine<'a> {
    rest: &'a [u8],
    nodes: Vec<Node<'a>>,
    stack: Vec<Id>,
    /// Heights of the stack at which the open containers begin.
    marks: Vec<usize>,
    memo: HashMap<u32, Id>,
}

impl<'a> Machine<'a> {
    fn new(body: &'a [u8]) -> Machine<'a> {
        // The three constants come first, so that a body full of them builds nothing.
        let nodes = vec![Node::None, Node::Bool(false), Node::Bool(true)];
        Machine { rest: body, nodes, stack: Vec::new(), marks: Vec::new(), memo: HashMap::new() }
    }

    /// Performs one opcode; `false` once the pickle has ended.
    fn step(&mut self) -> Result<bool, Fault> {
        let [opcode] = self.array()?;
        match opcode {
            b'.' => return Ok(false),
            0x80 => self.array::<1>().map(drop)?,
            0x95 => self.array::<8>().map(drop)?,
            b'N' => self.stack.push(0),
            0x89 => self.stack.push(1),
            0x88 => self.stack.push(2),
            b'I' | b'L' | b'F' | b'J' | b'K' | b'M' | b'G' | 0x8a | 0x8b => self.read_number(opcode)?,
            b'S' | b'V' | b'T' | b'U' | b'X' | 0x8c | 0x8d | b'B' | b'C' | 0x8e | 0x96 => self.read_string(opcode)?,
            b'(' => self.mark()?,
            b')' | b']' | 0x8f => self.push(Node::Items(Vec::new()))?,
            b'}' => self.push(Node::Pairs(Vec::new()))?,
            b't' | b'l' | 0x91 => self.collect(Node::Items)?,
            b'd' => self.collect(Node::Pairs)?,
            0x85..=0x87 => self.tuple(usize::from(opcode - 0x84))?,
            b'a' => self.extend_by(1)?,
            b's' => self.extend_by(2)?,
            b'e' | b'u' | 0x90 => self.extend_to_mark()?,
            b'0' => self.pop().map(drop)?,
            b'1' => self.cut_at_mark().map(drop)?,
            b'2' => {
                let top = self.pop()?;
                self.stack.extend([top, top]);
            }
            b'p' | b'q' | b'r' | 0x94 => self.put(opcode)?,
            b'g' | b'h' | b'j' => self.get(opcode)?,
            other => return Err(Fault::Opcode(other)),
        }
        Ok(true)
    }

    fn read_number(&mut self, opcode: u8) -> Result<(), Fault> {
        let node = match opcode {
            b'I' => match self.line()? {
                "00" => Node::Bool(false),
                "01" => Node::Bool(true),
                digits => decimal(digits)?,
            },
            b'L' => {
                let digits = self.line()?;
                decimal(digits.strip_suffix('L').unwrap_or(digits))?
            }
            b'F' => Node::Float(number::exact(self.line()?).ok_or(Fault::Damaged)?),
            b'J' => Node::Int(i64::from(i32::from_le_bytes(self.array()?))),
            b'K' => Node::Int(i64::from(u8::from_le_bytes(self.array()?))),
            b'M' => Node::Int(i64::from(u16::from_le_bytes(self.array()?))),
            b'G' => Node::Float(f64::from_be_bytes(self.array()?)),
            0x8a => {
                let length = u8::from_le_bytes(self.array()?);
                integer(self.take(usize::from(length))?)
            }
            _ => {
                let length = self.length4()?;
                integer(self.take(length)?)
            }
        };
        self.push(node)
    }

    fn read_string(&mut self, opcode: u8) -> Result<(), Fault> {
        let node = match opcode {
            b'V' => Node::Text(unescape_unicode(self.line_bytes()?)),
            b'S' => Node::Text(Cow::Owned(unquote(self.line()?).ok_or(Fault::Damaged)?)),
            _ => {
                let length = match opcode {
                    b'U' | 0x8c | b'C' => usize::from(u8::from_le_bytes(self.array()?)),
                    b'T' | b'X' | b'B' => self.length4()?,
                    _ => usize::try_from(u64::from_le_bytes(self.array()?)).map_err(|_| Fault::Truncated)?,
                };
                let bytes = self.take(length)?;
                match str::from_utf8(bytes) {
                    Ok(text) if !matches!(opcode, b'B' | b'C' | 0x8e | 0x96) => Node::Text(Cow::Borrowed(text)),
                    _ => Node::Bytes(bytes),
                }
            }
        };
        self.push(node)
    }

    fn put(&mut self, opcode: u8) -> Result<(), Fault> {
        let index = match opcode {
            // Python numbers these by what is in the memo already.
            0x94 => u32::try_from(self.memo.len()).map_err(|_| Fault::TooLarge)?,
            opcode => self.memo_index(opcode, b'p', b'q')?,
        };
        let top = self.pop()?;
        self.stack.push(top);
        self.memo.insert(index, top);
        Ok(())
    }

    fn get(&mut self, opcode: u8) -> Result<(), Fault> {
        let index = self.memo_index(opcode, b'g', b'h')?;
        self.stack.push(*self.memo.get(&index).ok_or(Fault::Damaged)?);
        Ok(())
    }

    /// A memo index as a decimal line, in one byte, or in four.
    fn memo_index(&mut self, opcode: u8, line: u8, byte: u8) -> Result<u32, Fault> {
        if opcode == line {
            return self.line()?.parse().map_err(|_| Fault::Damaged);
        }
        if opcode == byte {
            return Ok(u32::from(u8::from_le_bytes(self.array()?)));
        }
        Ok(u32::from_le_bytes(self.array()?))
    }

    fn mark(&mut self) -> Result<(), Fault> {
        if self.marks.len() == MOST_MARKS {
            return Err(Fault::TooLarge);
        }
        self.marks.push(self.stack.len());
        Ok(())
    }

    fn cut_at_mark(&mut self) -> Result<Vec<Id>, Fault> {
        let mark = self.marks.pop().ok_or(Fault::Damaged)?;
        Ok(self.stack.split_off(mark))
    }

    fn collect(&mut self, container: fn(Vec<Id>) -> Node<'a>) -> Result<(), Fault> {
        let items = self.cut_at_mark()?;
        let node = container(items);
        match &node {
            Node::Pairs(ids) if !ids.len().is_multiple_of(2) => Err(Fault::Damaged),
            _ => self.push(node),
        }
    }

    fn tuple(&mut self, length: usize) -> Result<(), Fault> {
        let mut items = vec![0; length];
        for item in items.iter_mut().rev() {
            *item = self.pop()?;
        }
        self.push(Node::Items(items))
    }

    fn extend_to_mark(&mut self) -> Result<(), Fault> {
        let items = self.cut_at_mark()?;
        self.extend(&items)
    }

    fn extend_by(&mut self, count: usize) -> Result<(), Fault> {
        let mut items = [0; 2];
        for item in items[..count].iter_mut().rev() {
            *item = self.pop()?;
        }
        self.extend(&items[..count])
    }

    fn extend(&mut self, items: &[Id]) -> Result<(), Fault> {
        let container = self.pop()?;
        self.stack.push(container);
        match &mut self.nodes[container as usize] {
            Node::Items(ids) => ids.extend_from_slice(items),
            Node::Pairs(ids) if items.len().is_multiple_of(2) => ids.extend_from_slice(items),
            _ => return Err(Fault::Damaged),
        }
        Ok(())
    }

    fn push(&mut self, node: Node<'a>) -> Result<(), Fault> {
        if self.nodes.len() == MOST_VALUES {
            return Err(Fault::TooLarge);
        }
        self.stack.push(self.nodes.len() as Id);
        self.nodes.push(node);
        Ok(())
    }

    /// Takes the top value, which never lies below an open container's beginning.
    fn pop(&mut self) -> Result<Id, Fault> {
        if self.marks.last().is_some_and(|mark| self.stack.len() <= *mark) {
            return Err(Fault::Damaged);
        }
        self.stack.pop().ok_or(Fault::Damaged)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Fault> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Fault::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(Fault::Truncated)?;
        self.rest = rest;
        Ok(*taken)
    }

    fn length4(&mut self) -> Result<usize, Fault> {
        Ok(u32::from_le_bytes(self.array()?) as usize)
    }

    fn line_bytes(&mut self) -> Result<&'a [u8], Fault> {
        let end = memchr::memchr(b'\n', self.rest).ok_or(Fault::Truncated)?;
        let line = self.take(end)?;
        self.array::<1>()?;
        Ok(line)
    }

    fn line(&mut self) -> Result<&'a str, Fault> {
        str::from_utf8(self.line_bytes()?).map_err(|_| Fault::Damaged)
    }
}

/// A decimal integer of any length. One that no float can hold becomes `None`, which is no number.
fn decimal<'a>(digits: &str) -> Result<Node<'a>, Fault> {
    if let Ok(value) = digits.parse() {
        return Ok(Node::Int(value));
    }
    let unsigned = digits.strip_prefix(['-', '+']).unwrap_or(digits);
    if unsigned.is_empty() || !unsigned.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Fault::Damaged);
    }
    Ok(finite(digits.parse().map_err(|_| Fault::Damaged)?))
}

/// A little-endian integer in two's complement, of any length.
fn integer<'a>(bytes: &[u8]) -> Node<'a> {
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

fn finite<'a>(value: f64) -> Node<'a> {
    if value.is_finite() { Node::Float(value) } else { Node::None }
}

/// Text of protocol 0: Latin-1 with `\uXXXX` and `\UXXXXXXXX`. An escape that is no character stays as it is written.
fn unescape_unicode(raw: &[u8]) -> Cow<'_, str> {
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
fn unquote(quoted: &str) -> Option<String> {
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
