//! The reader: one loop over opcodes, a stack of value numbers, a memo.

use std::borrow::Cow;
use std::collections::HashMap;

use super::literals::{decimal, integer, unescape_unicode, unquote};
use super::value::{Id, Node, Pickle};
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
                digits => decimal(digits).ok_or(Fault::Damaged)?,
            },
            b'L' => {
                let digits = self.line()?;
                decimal(digits.strip_suffix('L').unwrap_or(digits)).ok_or(Fault::Damaged)?
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
