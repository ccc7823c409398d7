//! Compares an answer with a recorded one, by the rules that came with the recordings.

use serde_json::Value;

/// Numbers may differ by a part in a thousand million, or by this much.
const ABSOLUTE: f64 = 1e-12;
const RELATIVE: f64 = 1e-9;

/// How an expected value and ours differ, with the place of the first difference.
///
/// Objects may have keys that the expectation lacks, except `tags`. Numbers are compared with a tolerance; the texts
/// `1e9999` and `-1e9999` are infinite numbers.
pub(crate) fn json(expected: &Value, ours: &Value, place: &str) -> Result<(), String> {
    let differ = || Err(format!("{place}: expected {}, is {}", brief(expected), brief(ours)));
    match (expected, ours) {
        (Value::Array(expected), Value::Array(ours)) => {
            for (at, (expected, ours)) in expected.iter().zip(ours).enumerate() {
                json(expected, ours, &format!("{place}[{at}]"))?;
            }
            if expected.len() != ours.len() {
                return Err(format!("{place}: expected {} items, are {}", expected.len(), ours.len()));
            }
            Ok(())
        }
        (Value::Object(expected), Value::Object(ours)) => {
            for (key, expected) in expected {
                let ours = ours.get(key).ok_or_else(|| format!("{place}.{key} is missing"))?;
                json(expected, ours, &format!("{place}.{key}"))?;
            }
            match ours.keys().find(|key| place.ends_with(".tags") && !expected.contains_key(*key)) {
                Some(extra) => Err(format!("{place}.{extra} is too much")),
                None => Ok(()),
            }
        }
        _ => match (number(expected), number(ours)) {
            (Some(a), Some(b)) if same(a, b) => Ok(()),
            (Some(_), Some(_)) => differ(),
            _ if expected == ours => Ok(()),
            _ => differ(),
        },
    }
}

/// As [`json`], for lines of fields.
pub(crate) fn text(expected: &str, ours: &str) -> Result<(), String> {
    let (expected, ours): (Vec<_>, Vec<_>) = (expected.trim().lines().collect(), ours.trim().lines().collect());
    for (at, (expected, ours)) in expected.iter().zip(&ours).enumerate() {
        line(expected, ours).map_err(|why| format!("line {}: {why}", at + 1))?;
    }
    if expected.len() == ours.len() {
        Ok(())
    } else {
        Err(format!("expected {} lines, are {}", expected.len(), ours.len()))
    }
}

fn line(expected: &str, ours: &str) -> Result<(), String> {
    let differ = || Err(format!("expected `{}`, is `{}`", short(expected), short(ours)));
    let (a, b): (Vec<_>, Vec<_>) = (expected.split([',', '|']).collect(), ours.split([',', '|']).collect());
    if a.len() != b.len() {
        return differ();
    }
    for (a, b) in a.iter().zip(&b) {
        let close = || matches!((a.parse(), b.parse()), (Ok(a), Ok(b)) if same(a, b));
        if a != b && !close() {
            return differ();
        }
    }
    Ok(())
}

fn same(a: f64, b: f64) -> bool {
    a == b || (a.is_finite() && b.is_finite() && (a - b).abs() <= ABSOLUTE.max(RELATIVE * a.abs().max(b.abs())))
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) if text == "1e9999" => Some(f64::INFINITY),
        Value::String(text) if text == "-1e9999" => Some(f64::NEG_INFINITY),
        _ => None,
    }
}

fn brief(value: &Value) -> String {
    short(&value.to_string())
}

fn short(text: &str) -> String {
    if text.chars().count() > 160 { text.chars().take(160).chain(['…']).collect() } else { text.to_owned() }
}
