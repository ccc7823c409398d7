//! Reads the two binary formats back into JSON values: only what the writers write.

use serde_json::{Map, Value};

/// Reads a pickle of protocol 2 or higher, made of lists, dicts, texts and numbers.
pub(crate) fn pickle(bytes: &[u8]) -> Result<Value, String> {
    let mut input = Input(bytes);
    let mut stack: Vec<Item> = Vec::new();
    loop {
        match input.byte()? {
            0x80 => drop(input.byte()?),
            b'(' => stack.push(Item::Mark),
            b']' => stack.push(Item::Value(Value::Array(Vec::new()))),
            b'}' => stack.push(Item::Value(Value::Object(Map::new()))),
            b'N' => stack.push(Item::Value(Value::Null)),
            0x88 => stack.push(Item::Value(true.into())),
            0x89 => stack.push(Item::Value(false.into())),
            b'J' => stack.push(Item::Value(i32::from_le_bytes(input.array()?).into())),
            0x8a => {
                let length = usize::from(input.byte()?);
                let mut number = [0; 8];
                number[..length].copy_from_slice(input.take(length)?);
                stack.push(Item::Value(i64::from_le_bytes(number).into()));
            }
            b'G' => stack.push(Item::Value(float(f64::from_be_bytes(input.array()?)))),
            b'X' => {
                let length = u32::from_le_bytes(input.array()?) as usize;
                stack.push(Item::Value(input.text(length)?));
            }
            b'e' => {
                let items = since_mark(&mut stack)?;
                let Some(Item::Value(Value::Array(list))) = stack.last_mut() else { return Err("no list".into()) };
                list.extend(items);
            }
            b'u' => {
                let items = since_mark(&mut stack)?;
                let Some(Item::Value(Value::Object(map))) = stack.last_mut() else { return Err("no dict".into()) };
                for pair in items.chunks(2) {
                    let [Value::String(key), value] = pair else { return Err("no pair".into()) };
                    map.insert(key.clone(), value.clone());
                }
            }
            b'.' => match stack.pop() {
                Some(Item::Value(value)) if stack.is_empty() && input.0.is_empty() => return Ok(value),
                _ => return Err("not one value".into()),
            },
            other => return Err(format!("unexpected opcode {other:#x}")),
        }
    }
}

/// Reads MessagePack.
pub(crate) fn msgpack(bytes: &[u8]) -> Result<Value, String> {
    let mut input = Input(bytes);
    let value = packed(&mut input)?;
    if input.0.is_empty() { Ok(value) } else { Err("bytes after the value".into()) }
}

fn packed(input: &mut Input<'_>) -> Result<Value, String> {
    let list = |input: &mut Input<'_>, length| (0..length).map(|_| packed(input)).collect::<Result<_, _>>();
    Ok(match input.byte()? {
        small @ 0..0x80 => small.into(),
        head @ 0x80..0x90 => {
            let mut map = Map::new();
            for _ in 0..head & 0xf {
                let Value::String(key) = packed(input)? else { return Err("a key is no text".into()) };
                map.insert(key, packed(input)?);
            }
            Value::Object(map)
        }
        head @ 0x90..0xa0 => Value::Array(list(input, usize::from(head & 0xf))?),
        head @ 0xa0..0xc0 => input.text(usize::from(head & 0x1f))?,
        0xc0 => Value::Null,
        0xc2 => false.into(),
        0xc3 => true.into(),
        0xcb => float(f64::from_be_bytes(input.array()?)),
        0xce => u32::from_be_bytes(input.array()?).into(),
        0xd3 => i64::from_be_bytes(input.array()?).into(),
        0xd9 => {
            let length = usize::from(input.byte()?);
            input.text(length)?
        }
        0xdb => {
            let length = u32::from_be_bytes(input.array()?) as usize;
            input.text(length)?
        }
        0xdc => {
            let length = usize::from(u16::from_be_bytes(input.array()?));
            Value::Array(list(input, length)?)
        }
        0xdd => {
            let length = u32::from_be_bytes(input.array()?) as usize;
            Value::Array(list(input, length)?)
        }
        other => return Err(format!("unexpected head {other:#x}")),
    })
}

enum Item {
    Mark,
    Value(Value),
}

fn since_mark(stack: &mut Vec<Item>) -> Result<Vec<Value>, String> {
    let mut items = Vec::new();
    loop {
        match stack.pop().ok_or("no mark")? {
            Item::Mark => break,
            Item::Value(value) => items.push(value),
        }
    }
    items.reverse();
    Ok(items)
}

/// An infinite number in the notation of the recorded answers.
fn float(value: f64) -> Value {
    if value.is_infinite() { (if value > 0.0 { "1e9999" } else { "-1e9999" }).into() } else { value.into() }
}

struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], String> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or("the end comes too early")?;
        self.0 = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, String> {
        Ok(self.take(1)?[0])
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        self.take(N)?.try_into().map_err(|_| "the end comes too early".to_owned())
    }

    fn text(&mut self, length: usize) -> Result<Value, String> {
        String::from_utf8(self.take(length)?.to_vec()).map(Value::String).map_err(|error| error.to_string())
    }
}
