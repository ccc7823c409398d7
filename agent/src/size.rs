//! A number of bytes as configurations write it.

use std::fmt;

use bytesize::ByteSize;
use serde::{Deserialize, Deserializer};

/// Bytes, written as `65536`, `"64KiB"` or `"1 GB"`. Printed as a plain number: the words of [`ByteSize`] take logarithms,
/// and with them a library that nothing else here needs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Size(pub u64);

impl Size {
    /// Mebibytes.
    pub const fn mib(count: u64) -> Size {
        Size(count << 20)
    }
}

impl fmt::Debug for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0)
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Size, D::Error> {
        ByteSize::deserialize(input).map(|size| Size(size.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_numbers_or_have_a_unit() {
        let read = |text: &str| toml::from_str::<toml::Table>(text).unwrap()["a"].clone().try_into::<Size>();
        assert_eq!(read("a = 65536").unwrap(), Size(65536));
        assert_eq!(read("a = \"64KiB\"").unwrap(), Size(65536));
        assert_eq!(read("a = \"1 MiB\"").unwrap(), Size::mib(1));
        assert!(read("a = \"much\"").is_err() && read("a = -1").is_err());
    }
}
