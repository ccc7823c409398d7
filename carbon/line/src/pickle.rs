//! Python pickles that are plain data: lists, tuples, dicts, strings, numbers. Protocols 0 to 5 come in, 2 goes out.
//!
//! A pickle is a program for a stack machine that can name any class. This reader knows the opcodes that build data and
//! refuses all others, so nothing is ever imported or called. It does not recurse, and memory is bounded by the body:
//! shared parts stay shared, because values refer to each other by number.

mod value;
mod literals;
mod reader;
mod writer;

pub use reader::{Fault, read};
pub use value::{Pickle, View};
pub use writer::Writer;

use crate::plain::{self, Datapoint};
use crate::{Reject, number};

impl Pickle<'_> {
    /// The datapoints of carbon's pickle protocol: `(name, (timestamp, value))` in a list or anything else that can be
    /// iterated over. Numbers may be strings; a bad item costs itself only.
    ///
    /// # Errors
    /// [`Reject::Pickle`] when the pickle is a single value.
    pub fn datapoints(&self) -> Result<impl Iterator<Item = Result<Datapoint<'_>, Reject>>, Reject> {
        let items = self.top().items().ok_or(Reject::Pickle)?;
        Ok(items.map(|item| {
            let (name, pair) = two(item)?;
            let (time, value) = two(pair)?;
            let name = text(name)?;
            let (time, value) = (float(time).ok_or(Reject::Time)?, float(value).ok_or(Reject::Value)?);
            plain::datapoint(name, value, time)
        }))
    }
}

fn two(item: View<'_>) -> Result<(View<'_>, View<'_>), Reject> {
    let mut parts = item.items().ok_or(Reject::Item)?;
    match (parts.next(), parts.next(), parts.next()) {
        (Some(first), Some(second), None) => Ok((first, second)),
        _ => Err(Reject::Item),
    }
}

fn text(name: View<'_>) -> Result<&str, Reject> {
    if let Some(bytes) = name.bytes() {
        return str::from_utf8(bytes).map_err(|_| Reject::NotUtf8);
    }
    name.text().ok_or(Reject::Item)
}

/// What Python's `float()` makes of it.
fn float(value: View<'_>) -> Option<f64> {
    value.number().or_else(|| {
        let text = text(value).ok()?;
        number::exact(text.trim_matches(plain::is_space))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn names(body: &[u8]) -> Vec<Result<String, Reject>> {
        let pickle = read(body).unwrap();
        pickle.datapoints().unwrap().map(|item| item.map(|point| point.to_string())).collect()
    }

    #[test]
    fn a_bad_item_costs_itself_only() {
        let body = b"(lp0\n(S'a\\x2eb'\n(I1700000000\nV 1_0.5 \ntta(Vc\n(NI1\ntta(VdI5\nta.";
        assert_eq!(names(body), [Ok("a.b 10.5 1700000000".to_owned()), Err(Reject::Time), Err(Reject::Item)]);
    }

    #[test]
    fn classes_are_refused_and_never_called() {
        for body in
            [&b"cposix\nsystem\n."[..], b"\x80\x04\x8c\x02os\x8c\x06system\x93.", b"(S'x'\nios\nsystem\n.", b"Pid\n."]
        {
            assert!(matches!(read(body).err(), Some(Fault::Opcode(_))), "{body:?}");
        }
    }

    #[test]
    fn ten_thousand_nested_lists_are_just_data() {
        let body = [vec![b']'; 10_000], vec![b'a'; 9_999], vec![b'.']].concat();
        assert_eq!(names(&body), [Err(Reject::Item)]);
    }

    #[test]
    fn a_list_may_hold_itself() {
        assert_eq!(names(b"]q\x00h\x00a."), [Err(Reject::Item)]);
    }

    #[test]
    fn large_integers_are_rounded_as_python_does() {
        // 2**64 - 1, -2**80, 2**1100
        let value = |body: &[u8]| read(body).unwrap().top().number();
        assert_eq!(value(b"\x8a\x09\xff\xff\xff\xff\xff\xff\xff\xff\x00."), Some(18_446_744_073_709_551_615.0));
        assert_eq!(value(b"\x8a\x0b\0\0\0\0\0\0\0\0\0\0\xff."), Some(-(2f64.powi(80))));
        assert_eq!(value(b"\x8a\x02\xff\x7f."), Some(32_767.0));
        assert_eq!(value(b"L1000000000000000000000000000000L\n."), Some(1e30));
        let huge = [b"\x8a\x8a".to_vec(), vec![0; 137], vec![1], vec![b'.']].concat();
        assert_eq!(value(&huge), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(pickle) = read(&body) {
                let _ = pickle.datapoints().map(Iterator::count);
            }
        }

        #[test]
        fn what_the_writer_wrote_is_read_back(points in proptest::collection::vec((".{0,300}", any::<i32>(), any::<f64>()), 0..20)) {
            let mut writer = Writer::new();
            writer.list(|list| {
                for (name, time, value) in &points {
                    list.text(name).int(i64::from(*time)).float(*value).tuple2().tuple2();
                }
            });
            let body = writer.finish();
            let pickle = read(&body).unwrap();
            let read: Vec<_> = pickle.datapoints().unwrap().collect();
            prop_assert_eq!(read.len(), points.len());
            for (read, (name, time, value)) in read.into_iter().zip(&points) {
                match read {
                    Ok(read) => {
                        prop_assert_eq!(read.name, name);
                        prop_assert_eq!((read.time, read.value.to_bits()), (f64::from(*time), value.to_bits()));
                    }
                    Err(reject) => prop_assert!(reject == Reject::Nan && value.is_nan()),
                }
            }
        }
    }
}
