//! One line of a plugin's answer. Knows no process and no clock.

use collectors::Unit;

/// What a line says.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Word<'a> {
    /// `path value [timestamp]`.
    Value(Reading<'a>),
    /// `#type path counter|counter32|gauge`: how values of this path are to be taken from now on.
    Type(&'a str, Kind),
    /// `#unit path bytes`: what values of this path count.
    Unit(&'a str, Unit),
    /// `#keep name 1 2`: numbers that the program wants to be told at its next start.
    Keep(&'a str, &'a str),
    /// `#log warn text`: something for the agent's log.
    Log(Level, &'a str),
    /// An empty line: the answer is complete.
    End,
    /// A comment.
    Nothing,
}

/// A value as it was printed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Reading<'a> {
    /// As it stands there, perhaps with a `=` before it.
    pub(super) path: &'a str,
    /// The text of the number.
    pub(super) text: &'a str,
    /// The number; never NaN or infinite.
    pub(super) value: f64,
    /// Seconds since the epoch, if it says.
    pub(super) time: Option<u32>,
}

/// How the values of a path are to be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// As they are.
    Gauge,
    /// They grow; their rate is sent.
    Counter,
    /// The same, and they wrap at 2^32.
    Counter32,
}

/// How much a message matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    /// For who looks for something.
    Debug,
    /// Good to know.
    Info,
    /// Something is wrong.
    Warn,
}

/// Reads one line.
///
/// # Errors
/// Says what it is not; the line is of no use.
pub(super) fn read(line: &[u8]) -> Result<Word<'_>, &'static str> {
    let line = std::str::from_utf8(line).map_err(|_| "is not UTF-8")?.trim();
    if line.is_empty() {
        return Ok(Word::End);
    }
    if let Some(directive) = line.strip_prefix('#') {
        return read_directive(directive);
    }
    let mut fields = line.split_ascii_whitespace();
    let (Some(path), Some(text), time, None) = (fields.next(), fields.next(), fields.next(), fields.next()) else {
        return Err("is no `path value [timestamp]`");
    };
    if path.trim_matches(['=', '.']).is_empty() {
        return Err("has no path");
    }
    let value = text.parse::<f64>().ok().filter(|value| value.is_finite()).ok_or("has a value that is no number")?;
    let time = time.map(read_time).transpose()?.flatten();
    Ok(Word::Value(Reading { path, text, value, time }))
}

/// Whole seconds, a fraction cut off; -1 is carbon's word for now.
fn read_time(text: &str) -> Result<Option<u32>, &'static str> {
    if text == "-1" {
        return Ok(None);
    }
    let whole = text.split_once('.').map_or(text, |(whole, _)| whole);
    let time = whole.parse().ok().filter(|time| *time > 0);
    time.map(Some).ok_or("has a timestamp that is no number of seconds")
}

fn read_directive(text: &str) -> Result<Word<'_>, &'static str> {
    let (what, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let mut fields = rest.split_ascii_whitespace();
    match what {
        "type" => match (fields.next(), fields.next()) {
            (Some(path), Some("counter")) => Ok(Word::Type(path, Kind::Counter)),
            (Some(path), Some("counter32")) => Ok(Word::Type(path, Kind::Counter32)),
            (Some(path), Some("gauge")) => Ok(Word::Type(path, Kind::Gauge)),
            _ => Err("is no `#type path counter|counter32|gauge`"),
        },
        "unit" => match (fields.next(), fields.next()) {
            (Some(path), Some(unit)) => Ok(Word::Unit(path, read_unit(unit))),
            _ => Err("is no `#unit path UNIT`"),
        },
        "keep" => match rest.trim().split_once(char::is_whitespace) {
            Some((name, numbers)) => Ok(Word::Keep(name, numbers)),
            None => Err("is no `#keep name NUMBER..`"),
        },
        "log" => {
            let (level, text) = rest.split_once(char::is_whitespace).ok_or("is no `#log LEVEL text`")?;
            let level = match level {
                "debug" => Level::Debug,
                "info" => Level::Info,
                "warn" | "warning" | "error" => Level::Warn,
                _ => return Err("has a level that is not debug, info, warn or error"),
            };
            Ok(Word::Log(level, text))
        }
        // `# a remark`, and what a later version of ours may understand.
        _ => Ok(Word::Nothing),
    }
}

/// A unit that we have no word for is none.
fn read_unit(text: &str) -> Unit {
    match text {
        "bits" | "bit" => Unit::Bits,
        "bytes" | "byte" | "B" => Unit::Bytes,
        "percent" | "%" => Unit::Percent,
        "seconds" | "second" | "s" => Unit::Seconds,
        "milliseconds" | "millisecond" | "ms" => Unit::Milliseconds,
        _ => Unit::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value<'a>(path: &'a str, text: &'a str, value: f64, time: Option<u32>) -> Result<Word<'a>, &'static str> {
        Ok(Word::Value(Reading { path, text, value, time }))
    }

    #[test]
    fn a_value_has_a_path_a_number_and_perhaps_a_time() {
        assert_eq!(read(b"a.b 1"), value("a.b", "1", 1.0, None));
        assert_eq!(read(b"  a.b\t1.50  1700000000.9 "), value("a.b", "1.50", 1.5, Some(1_700_000_000)));
        assert_eq!(read(b"=x.y -2e3 -1"), value("=x.y", "-2e3", -2000.0, None));
    }

    #[test]
    fn directives_are_understood_and_remarks_passed_over() {
        assert_eq!(read(b"#type a.b counter"), Ok(Word::Type("a.b", Kind::Counter)));
        assert_eq!(read(b"#type a.b gauge"), Ok(Word::Type("a.b", Kind::Gauge)));
        assert_eq!(read(b"#unit a.b bytes"), Ok(Word::Unit("a.b", Unit::Bytes)));
        assert_eq!(read(b"#log warn the disk is gone"), Ok(Word::Log(Level::Warn, "the disk is gone")));
        assert_eq!(read(b"# made by hand"), Ok(Word::Nothing));
        assert_eq!(read(b""), Ok(Word::End));
    }

    #[test]
    fn garbage_is_refused() {
        let garbage: [&[u8]; 11] = [
            b"a",
            b"a b",
            b"a nan",
            b"a inf",
            b"a 1 2 3",
            b"a 1 x",
            b"a 1 -5",
            b"= 1",
            b"\xff\xfe 1",
            b"#type a",
            b"#log x y",
        ];
        for line in garbage {
            assert!(read(line).is_err(), "{line:?}");
        }
    }
}
