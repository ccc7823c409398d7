//! Builds a pickle of protocol 2, which every Python since 2.3 reads. Needs no memo, since nothing is shared.

/// Appends values one after the other, as the stack machine will see them.
#[derive(Debug)]
pub struct Writer {
    out: Vec<u8>,
}

impl Default for Writer {
    fn default() -> Writer {
        Writer::new()
    }
}

impl Writer {
    /// An empty pickle of protocol 2.
    pub fn new() -> Writer {
        Writer { out: vec![0x80, 2] }
    }

    /// A string. What lies past 4 GiB is cut off, since its length field has 32 bits.
    pub fn text(&mut self, text: &str) -> &mut Writer {
        let text = &text.as_bytes()[..text.len().min(u32::MAX as usize)];
        self.out.push(b'X');
        self.out.extend_from_slice(&(text.len() as u32).to_le_bytes());
        self.out.extend_from_slice(text);
        self
    }

    /// A whole number.
    pub fn int(&mut self, value: i64) -> &mut Writer {
        match i32::try_from(value) {
            Ok(value) => {
                self.out.push(b'J');
                self.out.extend_from_slice(&value.to_le_bytes());
            }
            Err(_) => {
                self.out.extend_from_slice(&[0x8a, 8]);
                self.out.extend_from_slice(&value.to_le_bytes());
            }
        }
        self
    }

    /// A float.
    pub fn float(&mut self, value: f64) -> &mut Writer {
        self.out.push(b'G');
        self.out.extend_from_slice(&value.to_be_bytes());
        self
    }

    /// `True` or `False`.
    pub fn bool(&mut self, value: bool) -> &mut Writer {
        self.out.push(if value { 0x88 } else { 0x89 });
        self
    }

    /// `None`.
    pub fn none(&mut self) -> &mut Writer {
        self.out.push(b'N');
        self
    }

    /// Makes a pair of the two values before.
    pub fn tuple2(&mut self) -> &mut Writer {
        self.out.push(0x86);
        self
    }

    /// A list of what `fill` writes.
    pub fn list(&mut self, fill: impl FnOnce(&mut Writer)) -> &mut Writer {
        self.out.extend_from_slice(b"](");
        fill(self);
        self.out.push(b'e');
        self
    }

    /// A dict of what `fill` writes: key, value, key, value.
    pub fn dict(&mut self, fill: impl FnOnce(&mut Writer)) -> &mut Writer {
        self.begin_dict();
        fill(self);
        self.end_dict()
    }

    /// Begins a dict whose pairs are not at hand at once; [`Writer::end_dict`] ends it.
    pub fn begin_dict(&mut self) -> &mut Writer {
        self.out.extend_from_slice(b"}(");
        self
    }

    /// Ends the dict begun last.
    pub fn end_dict(&mut self) -> &mut Writer {
        self.out.push(b'u');
        self
    }

    /// Bytes written so far.
    pub fn len(&self) -> usize {
        self.out.len()
    }

    /// Whether no value was written yet.
    pub fn is_empty(&self) -> bool {
        self.out.len() <= 2
    }

    /// The whole pickle.
    pub fn finish(mut self) -> Vec<u8> {
        self.out.push(b'.');
        self.out
    }
}
