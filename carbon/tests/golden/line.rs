//! Replays what carbon itself accepted and refused, and what its cache answered.

use std::fs;
use std::path::{Path, PathBuf};

use carbon_line::carbonlink::{Request, Response, TimeValue};
use carbon_line::{Datapoint, Decoder, Reject, datagram, decoder, frame, pickle, plain, rules};
use golden::Tally;
use serde_json::Value;

/// Name (`None`: too long to be recorded), time, value.
type Accepted = Vec<(Option<String>, f64, f64)>;

/// What is replayed here.
pub(crate) const FILES: &[&str] = &["lines.json", "udp.json", "pickles.json", "carbonlink.json"];

pub(crate) fn replay(folder: &Path, tally: &mut Tally) {
    for (file, check) in [
        ("lines.json", check_line as fn(&Value) -> Result<(), String>),
        ("udp.json", check_datagram),
        ("pickles.json", check_pickle),
    ] {
        for (index, case) in cases(folder.join(file)).iter().enumerate() {
            let name = case["name"].as_str().unwrap_or_default();
            tally.check(&format!("{file} {index} {name}"), check(case));
        }
    }
    let link: Value = fs::read(folder.join("carbonlink.json")).map_or(Value::Null, |text| json(&text));
    for (index, exchange) in link["exchanges"].as_array().into_iter().flatten().enumerate() {
        tally.check(&format!("carbonlink.json {index}"), check_exchange(&link["cache"], exchange));
    }
}

fn check_line(case: &Value) -> Result<(), String> {
    let bytes = bytes_of(case);
    let resolution = case["min_timestamp_resolution"].as_u64().unwrap_or(0) as u32;
    let mut decoder = Decoder::with_longest(decoder::LONGEST_LINE);
    let (mut accepted, mut dropped) = (Vec::new(), false);
    for line in decoder.feed(&bytes) {
        match line.and_then(plain::parse) {
            Ok(point) => accepted.push(arrive(&point, case, resolution)),
            Err(Reject::TooLong) => dropped = true,
            // Carbon's handler raised here and took the connection with it; we would read on.
            Err(Reject::NotUtf8 | Reject::TimeNotFinite) if !case["exception"].is_null() => break,
            Err(_) => {}
        }
        if dropped {
            break;
        }
    }
    if dropped != case["connection_dropped"].as_bool().unwrap_or(false) {
        return Err(format!("over-long line found: {dropped}"));
    }
    compare(accepted, case)
}

fn check_datagram(case: &Value) -> Result<(), String> {
    let bytes = bytes_of(case);
    let accepted = datagram::parse(&bytes).filter_map(Result::ok).map(|point| arrive(&point, case, 0)).collect();
    compare(accepted, case)
}

fn check_pickle(case: &Value) -> Result<(), String> {
    let bytes = bytes_of(case);
    let (mut rest, mut accepted, mut dropped) = (bytes.as_slice(), Vec::new(), false);
    loop {
        let (body, later) = match frame::split(rest, frame::LONGEST_FRAME) {
            Ok(Some(found)) => found,
            Ok(None) => break,
            Err(_) => {
                dropped = true;
                break;
            }
        };
        rest = later;
        let Ok(pickle) = pickle::read(body) else { continue };
        let Ok(items) = pickle.datapoints() else { continue };
        accepted.extend(items.filter_map(Result::ok).map(|point| arrive(&point, case, 0)));
    }
    if dropped != case["connection_dropped"].as_bool().unwrap_or(false) {
        return Err(format!("over-long frame found: {dropped}"));
    }
    if !case["exception"].is_null() {
        // Where carbon's handler crashed we may take more, never less.
        accepted.truncate(case["accepted"].as_array().map_or(0, Vec::len));
    }
    compare(accepted, case)
}

fn check_exchange(cache: &Value, exchange: &Value) -> Result<(), String> {
    let (requests, recorded) = (frames(&exchange["request_hex"])?, frames(&exchange["response_hex"])?);
    if requests.len() != recorded.len() || requests.is_empty() {
        return Err(format!("{} requests, {} answers", requests.len(), recorded.len()));
    }
    for (request, recorded) in requests.iter().zip(&recorded) {
        let recorded = Response::decode(recorded).map_err(|error| error.to_string())?;
        let points = |metric: &str| -> Vec<TimeValue> {
            let points = cache[metric].as_array().into_iter().flatten();
            points.map(|point| (number(&point[0]), number(&point[1]))).collect()
        };
        let answer = match Request::decode(request) {
            Ok(Request::Query { metric }) => Response::Points(points(&metric)),
            Ok(Request::Bulk { metrics }) => {
                Response::Bulk(metrics.into_iter().map(|metric| (metric.clone(), points(&metric))).collect())
            }
            Ok(Request::Other(kind)) => Response::invalid_type(&kind),
            // Metadata lives in files, which this package never sees: the wire format must hold.
            Ok(_) => recorded.clone(),
            Err(error) => return Err(error.to_string()),
        };
        let answer = Response::decode(&answer.encode()).map_err(|error| error.to_string())?;
        if answer != recorded {
            return Err(format!("expected {recorded:?}, found {answer:?}"));
        }
    }
    Ok(())
}

fn arrive(point: &Datapoint<'_>, case: &Value, resolution: u32) -> (Option<String>, f64, f64) {
    (Some(point.name.to_owned()), rules::stamp(point.time, number(&case["now"]), resolution), point.value)
}

fn compare(found: Accepted, case: &Value) -> Result<(), String> {
    let expected: Accepted = case["accepted"].as_array().into_iter().flatten().map(expected_point).collect();
    let same = found.len() == expected.len()
        && found.iter().zip(&expected).all(|(found, expected)| {
            (expected.0.is_none() || found.0 == expected.0)
                && found.1 == expected.1
                && found.2.to_bits() == expected.2.to_bits()
        });
    if same { Ok(()) } else { Err(format!("expected {expected:?}, found {found:?}")) }
}

fn expected_point(point: &Value) -> (Option<String>, f64, f64) {
    (point[0].as_str().map(str::to_owned), number(&point[1]), number(&point[2]))
}

fn number(value: &Value) -> f64 {
    match value.as_str() {
        Some("Infinity") => f64::INFINITY,
        Some("-Infinity") => f64::NEG_INFINITY,
        _ => value.as_f64().unwrap_or(f64::NAN),
    }
}

fn bytes_of(case: &Value) -> Vec<u8> {
    let repeat = &case["repeat"];
    if repeat.is_null() {
        return hex(&case["hex"]);
    }
    let count = repeat["count"].as_u64().unwrap_or(0) as usize;
    [hex(&repeat["byte"]).repeat(count), hex(&repeat["suffix_hex"])].concat()
}

fn frames(value: &Value) -> Result<Vec<Vec<u8>>, String> {
    let bytes = hex(value);
    let (mut rest, mut out) = (bytes.as_slice(), Vec::new());
    while let Some((body, later)) = frame::split(rest, frame::LONGEST_FRAME).map_err(|error| error.to_string())? {
        out.push(body.to_vec());
        rest = later;
    }
    Ok(out)
}

fn hex(value: &Value) -> Vec<u8> {
    let digits = value.as_str().unwrap_or_default();
    (0..digits.len() / 2)
        .map(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).expect("recorded bytes are hexadecimal"))
        .collect()
}

fn cases(path: PathBuf) -> Vec<Value> {
    fs::read(path).map_or(Vec::new(), |text| json(&text).as_array().cloned().unwrap_or_default())
}

fn json(text: &[u8]) -> Value {
    serde_json::from_slice(text).expect("recorded answers are JSON")
}
