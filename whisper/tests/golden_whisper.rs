//! Replays what Python whisper 1.1.10 did, step by step, and compares bytes, answers and errors.

#![allow(clippy::unwrap_used, reason = "a test may stop where its input is not what it must be")]

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use golden::Tally;
use serde_json::Value;
use sha2::{Digest, Sha256};
use whisper::*;

#[test]
fn golden_whisper_cases() {
    let Some(folder) = golden::folder("whisper") else { return };
    replay(Tally::new("whisper"), &folder.join("cases.jsonl"));
}

/// A few cases of our own, so that a clone without the recorded answers tests the same code.
#[test]
fn own_cases_pass() {
    replay(Tally::own("whisper"), &golden::own("whisper/cases.jsonl"));
}

fn replay(mut tally: Tally, cases: &Path) {
    let text = fs::read_to_string(cases).unwrap_or_else(|error| panic!("{}: {error}", cases.display()));
    for line in text.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let id = case["id"].as_str().unwrap();
        let dir = tempfile::tempdir().unwrap();
        match run(&Case { json: &case, dir: dir.path() }) {
            Ok(Outcome::Passed) => tally.check(id, Ok(())),
            Ok(Outcome::Skipped(reason)) => tally.skip(id, &reason),
            Err(reason) => tally.check(id, Err(reason)),
        }
    }
    tally.finish();
}

enum Outcome {
    Passed,
    Skipped(String),
}

struct Case<'a> {
    json: &'a Value,
    dir: &'a Path,
}

impl Case<'_> {
    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(format!("{name}.wsp"))
    }
}

/// What a step did, as far as the reference tells.
type Step = std::result::Result<Value, Error>;

fn run(case: &Case) -> Result<Outcome, String> {
    let mut crashed = false;
    for step in case.json["steps"].as_array().unwrap() {
        let op = step["op"].as_str().unwrap();
        let expected = step["error"].as_str();
        if op == "tool" {
            match tool(case, step) {
                Some(outcome) => outcome.map_err(|reason| format!("{}: {reason}", step["argv"]))?,
                None => return Ok(Outcome::Skipped(format!("{} is not built yet", step["argv"][0]))),
            }
            continue;
        }
        let Some(done) = perform(case, op, step) else {
            return Ok(Outcome::Skipped(format!("`{op}` is not built yet")));
        };
        if op == "set_xff" && step["xff"] == "NaN" {
            // The reference makes the file unreadable by this; we refuse and leave it as it is.
            return match done {
                Err(Error::InvalidXFilesFactor(_)) => Ok(Outcome::Passed),
                done => Err(format!("accepted an xFilesFactor of NaN: {done:?}")),
            };
        }
        if op == "create" && deviates(step) {
            // The reference leaves a file here that nothing can use: an empty one, or one without points. We leave none.
            let refused = done.err().ok_or("created a file that cannot hold a point")?;
            let absent = !case.path(step["file"].as_str().unwrap_or("main")).exists();
            let class_fits = expected.is_none_or(|class| is(&refused, class));
            return if absent && class_fits { Ok(Outcome::Passed) } else { Err(format!("{refused:?}")) };
        }
        match (done, expected) {
            (Ok(result), None) => compare_result(op, &result, &step["result"])?,
            (Err(error), Some(class)) if is(&error, class) => crashed |= is_crash(class),
            (Err(_), None) if case.json["must_match"] == false => {}
            (Ok(_), Some(class)) if is_crash(class) => crashed = true,
            (done, class) => return Err(format!("{op}: expected error {class:?}, got {done:?}")),
        }
    }
    if case.json["must_match"] == false {
        return Ok(Outcome::Passed);
    }
    if !crashed {
        check_file(case)?;
    }
    for fetch in case.json["fetches"].as_array().unwrap() {
        check_fetch(case, fetch).map_err(|reason| format!("fetch {fetch}: {reason}"))?;
    }
    Ok(Outcome::Passed)
}

/// Where the reference fails halfway, or creates what cannot be used, we refuse before touching the disk.
fn deviates(step: &Value) -> bool {
    let unusable = step["archives"].as_array().unwrap().iter().any(|archive| archive[0] == 0 || archive[1] == 0)
        || step["xff"] == "NaN";
    let refused_late = matches!(
        step["error"].as_str(),
        Some("InvalidAggregationMethod" | "InvalidXFilesFactor" | "struct.error" | "ZeroDivisionError")
    );
    unusable || refused_late
}

fn is_crash(class: &str) -> bool {
    matches!(class, "UnboundLocalError" | "ZeroDivisionError" | "struct.error" | "AssertionError" | "IndexError")
}

fn is(error: &Error, class: &str) -> bool {
    match class {
        "InvalidConfiguration" => matches!(error, Error::InvalidConfiguration(_) | Error::Exists { .. }),
        "InvalidAggregationMethod" => matches!(error, Error::InvalidAggregationMethod(_)),
        "InvalidXFilesFactor" => matches!(error, Error::InvalidXFilesFactor(_)),
        "InvalidTimeInterval" => matches!(error, Error::InvalidTimeInterval { .. }),
        "TimestampNotCovered" => matches!(error, Error::TimestampNotCovered { .. }),
        "CorruptWhisperFile" => matches!(error, Error::Corrupt { .. }),
        "NotImplementedError" => matches!(error, Error::UnlikeArchives { .. }),
        "ValueError" => matches!(
            error,
            Error::UnknownStep { .. } | Error::InvalidTimeInterval { .. } | Error::InvalidConfiguration(_)
        ),
        "FileNotFoundError" => matches!(error, Error::NotFound { .. }),
        class => is_crash(class),
    }
}

/// `None` for what is not built yet.
fn perform(case: &Case, op: &str, step: &Value) -> Option<Step> {
    let path = case.path(step["file"].as_str().unwrap_or("main"));
    let now = time(&step["now"]);
    Some(match op {
        "create" => create(&path, step),
        "update" => {
            let point = Point { time: time(&step["timestamp"]), value: float(&step["value"]) };
            Whisper::open(&path).and_then(|mut file| file.update(point, now)).map(|()| Value::Null)
        }
        "update_many" => {
            let point = |pair: &Value| Point { time: time(&pair[0]), value: float(&pair[1]) };
            let pairs = step["points"].as_array().unwrap();
            let points: Vec<Point> = pairs.iter().map(point).collect();
            let strange = pairs.iter().map(|pair| secs(&pair[0])).find(|secs| cannot_be_stored(*secs, now));
            Whisper::open(&path)
                .and_then(|mut file| match strange {
                    // The types leave no way to ask for this; the reference crashes while it packs the number.
                    Some(secs) => Err(Error::InvalidTimeInterval { from: secs, until: now.as_i64() }),
                    None => file.update_many(&points, now),
                })
                .map(|()| Value::Null)
        }
        "set_xff" => set_xff(&path, step),
        "set_agg" => set_agg(&path, step),
        "truncate" => {
            let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
            file.set_len(step["size"].as_u64().unwrap()).unwrap();
            Ok(Value::Null)
        }
        "patch" => {
            let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
            file.write_all_at(&unhex(step["hex"].as_str().unwrap()), step["offset"].as_u64().unwrap()).unwrap();
            Ok(Value::Null)
        }
        "info" => match Whisper::open_read_only(&path) {
            Ok(file) => Ok(info(file.header())),
            Err(Error::NotFound { .. }) => Ok(Value::Null),
            Err(error) => Err(error),
        },
        "merge" => {
            let window = MergeWindow { from: step["time_from"].as_i64(), until: step["time_to"].as_i64() };
            let source = case.path(step["from"].as_str().unwrap());
            Whisper::open_read_only(source)
                .and_then(|source| Whisper::open(&path)?.merge(&source, window, now))
                .map(|()| Value::Null)
        }
        "diff" => diff(&case.path(step["with"].as_str().unwrap()), &path, step),
        _ => return None,
    })
}

fn diff(first: &Path, second: &Path, step: &Value) -> Step {
    let ignore_empty = step["ignore_empty"] == true;
    let options = DiffOptions { ignore_empty, until: step["until"].as_i64().filter(|until| *until != 0) };
    let (first, second) = (Whisper::open_read_only(first)?, Whisper::open_read_only(second)?);
    let found = first.diff(&second, options, time(&step["now"]))?;
    let optional = |value: Option<f64>| value.map_or(Value::Null, number);
    let point = |point: &Difference| serde_json::json!([point.time, optional(point.a), optional(point.b)]);
    let archive = |diff: &ArchiveDiff| {
        let points: Vec<Value> = diff.points.iter().map(point).collect();
        serde_json::json!({ "archive": diff.archive, "total": diff.total, "points": points })
    };
    Ok(found.iter().map(archive).collect())
}

fn create(path: &Path, step: &Value) -> Step {
    let retention = |pair: &Value| {
        let (step, points) = (pair[0].as_u64().unwrap(), pair[1].as_u64().unwrap());
        Retention::parse(&format!("{step}:{points}"))
    };
    let list = step["archives"].as_array().unwrap().iter().map(retention).collect::<Result<_, _>>()?;
    let mut options = CreateOptions::new(Retentions::new(list)?);
    if !step["xff"].is_null() {
        options.x_files_factor = XFilesFactor::new(float(&step["xff"]))?;
    }
    if let Some(name) = step["agg"].as_str() {
        options.method = name.parse()?;
    }
    options.allocation = match (step["fallocate"] == true, step["sparse"] == true) {
        (true, _) => Allocation::Reserved,
        (_, true) => Allocation::Sparse,
        _ => Allocation::Zeroed,
    };
    Whisper::create(path, &options).map(|_| Value::Null)
}

fn set_xff(path: &Path, step: &Value) -> Step {
    let mut file = Whisper::open(path)?;
    let old = file.set_x_files_factor(XFilesFactor::new(float(&step["xff"]))?)?;
    Ok(number(old.as_f64()))
}

fn set_agg(path: &Path, step: &Value) -> Step {
    let mut file = Whisper::open(path)?;
    let method: AggregationMethod = step["agg"].as_str().unwrap().parse()?;
    let factor = if step["xff"].is_null() { None } else { Some(XFilesFactor::new(float(&step["xff"]))?) };
    let old = file.set_aggregation_method(method)?;
    if let Some(factor) = factor {
        file.set_x_files_factor(factor)?;
    }
    Ok(old.name().into())
}

fn info(header: &Header) -> Value {
    let archive = |info: &ArchiveInfo| {
        serde_json::json!({
            "offset": info.offset, "secondsPerPoint": info.step, "points": info.points,
            "retention": info.retention_secs(), "size": info.size(),
        })
    };
    serde_json::json!({
        "aggregationMethod": header.method.name(), "maxRetention": header.max_retention,
        "xFilesFactor": number(header.x_files_factor.as_f64()),
        "archives": header.archives.iter().map(archive).collect::<Vec<_>>(),
    })
}

fn compare_result(op: &str, ours: &Value, theirs: &Value) -> Result<(), String> {
    if same(ours, theirs) || matches!(op, "create" | "update" | "update_many" | "truncate" | "patch" | "merge") {
        return Ok(());
    }
    Err(format!("{op}: expected {theirs}, got {ours}"))
}

/// Equal down to the bits of numbers; any NaN equals any NaN.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        (Value::Number(a), Value::Number(b)) if a.is_f64() || b.is_f64() => {
            a.as_f64().map(f64::to_bits) == b.as_f64().map(f64::to_bits)
        }
        (a, b) => a == b,
    }
}

fn check_file(case: &Case) -> Result<(), String> {
    let name = case.json["file"].as_str().map_or("main".to_owned(), |file| file.trim_end_matches(".wsp").to_owned());
    let path = case.path(if name.contains(case.json["id"].as_str().unwrap()) { "main" } else { &name });
    let bytes = fs::read(&path).ok();
    let ours = bytes.as_deref().map(hash);
    let json = case.json;
    if json["order_sensitive"] == true {
        let canonical = bytes.as_deref().map(|bytes| hash(&canonical(bytes)));
        let fits = match json["sha256_ascending"].as_str() {
            Some(ascending) => ours.as_deref() == Some(ascending),
            None => canonical.as_deref() == json["canonical_sha256"].as_str(),
        };
        return if fits { Ok(()) } else { Err("the file differs from the one of ascending order".into()) };
    }
    if ours.as_deref() == json["sha256"].as_str() {
        return Ok(());
    }
    Err(format!("the file differs: expected {}, got {ours:?} of {:?} bytes", json["sha256"], bytes.map(|b| b.len())))
}

/// Header, then each archive's filled slots in byte order.
fn canonical(bytes: &[u8]) -> Vec<u8> {
    let u32_at =
        |at: usize| bytes.get(at..at + 4).map_or(0, |four| u32::from_be_bytes(four.try_into().unwrap()) as usize);
    let archives = u32_at(12);
    let mut out = bytes[..bytes.len().min(16 + 12 * archives)].to_vec();
    for archive in 0..archives {
        let (offset, points) = (u32_at(16 + 12 * archive), u32_at(24 + 12 * archive));
        let end = bytes.len().min(offset + 12 * points);
        let mut slots: Vec<&[u8]> = bytes[offset.min(end)..end].chunks(12).collect();
        slots.retain(|slot| !slot.starts_with(&[0; 4]));
        slots.sort();
        out.extend(slots.concat());
    }
    out
}

fn check_fetch(case: &Case, fetch: &Value) -> Result<(), String> {
    let ours = perform_fetch(case, fetch);
    let ours = match (ours, fetch["error"].as_str()) {
        (Err(error), Some(class)) if is(&error, class) => return Ok(()),
        (Err(Error::Corrupt { .. }), None) if fetch["short"] == true => return Ok(()),
        (Ok(_), Some(class)) if is_crash(class) => return Ok(()),
        (Ok(fetched), None) => fetched,
        (ours, class) => return Err(format!("expected error {class:?}, got {ours:?}")),
    };
    let theirs = &fetch["result"];
    let Some(ours) = ours else {
        return if theirs.is_null() { Ok(()) } else { Err("got nothing".into()) };
    };
    if theirs.is_null() {
        return Err(format!("expected nothing, got {ours:?}"));
    }
    let head = [ours.from, ours.until, ours.step];
    if head.map(Value::from) != [&theirs["from"], &theirs["until"], &theirs["step"]].map(Clone::clone) {
        return Err(format!("got from, until, step {head:?}"));
    }
    let values: Vec<Value> = ours.values.iter().map(|value| value.map_or(Value::Null, number)).collect();
    let theirs = theirs["values"].as_array().unwrap();
    // The reference gives fewer values than its header promises, and where a file is cut off within a wrapped read it
    // takes them for those of other times; ours are complete, and every value it did find is among them.
    let short = fetch["short"] == true && values.len() >= theirs.len();
    let fits = |(ours, theirs): (&Value, &Value)| same(ours, theirs) || (short && theirs.is_null());
    if (short || values.len() == theirs.len()) && values.iter().zip(theirs).all(fits) {
        return Ok(());
    }
    Err(format!("got {values:?}"))
}

fn perform_fetch(case: &Case, fetch: &Value) -> Result<Option<FetchedSeconds>, Error> {
    let file = Whisper::open_read_only(case.path(fetch["file"].as_str().unwrap_or("main")))?;
    let now = secs(&fetch["now"]);
    let until = if fetch["until"].is_null() { now } else { secs(&fetch["until"]) };
    let step = match &fetch["archive_to_select"] {
        Value::Null => None,
        Value::String(text) => Some(parse_precision(text)?),
        number => Some(parse_precision(&number.to_string())?),
    };
    file.fetch_seconds(&Seconds { from: secs(&fetch["from"]), until, now, step: step.filter(|step| *step != 0) })
}

/// Runs a script's stand-in; paths of the case are in its folder, and shown as if that were the current one.
fn tool(case: &Case, step: &Value) -> Option<Result<(), String>> {
    let argv: Vec<&str> = step["argv"].as_array().unwrap().iter().map(|arg| arg.as_str().unwrap()).collect();
    let verb = tools::verb_of_link(argv[0])?;
    let folder = format!("{}/", case.dir.display());
    let placed = |arg: &&str| match arg.ends_with(".wsp") && !arg.starts_with('-') {
        true => OsString::from(format!("{folder}{arg}")),
        false => OsString::from(arg),
    };
    let args: Vec<OsString> = argv[1..].iter().map(placed).collect();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut session = tools::Session {
        now: time(&step["now"]),
        input: &mut std::io::empty(),
        out: &mut out,
        err: &mut err,
        rules: None,
    };
    let code = tools::run_in(verb, &args, &mut session);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().replace(&folder, "");
    let (out, err) = (text(out), text(err));
    let result = &step["result"];
    let (ours, theirs) = (err.lines().next(), result["stderr_first_line"].as_str());
    if i64::from(code) != result["rc"].as_i64().unwrap() {
        return Some(Err(format!("exit code {code}, {err}")));
    }
    if out != result["stdout"].as_str().unwrap() {
        return Some(Err(format!("printed\n{out}\ninstead of\n{}", result["stdout"].as_str().unwrap())));
    }
    Some(if ours == theirs { Ok(()) } else { Err(format!("said {ours:?} instead of {theirs:?}")) })
}

/// A time that 32 bits cannot say, and that is not so old that it would be dropped anyway.
fn cannot_be_stored(secs: i64, now: Timestamp) -> bool {
    secs > u32::MAX.into() || (secs < 0 && now.as_i64() - secs <= u32::MAX.into())
}

fn time(number: &Value) -> Timestamp {
    Timestamp::saturating_from(secs(number))
}

/// Whole seconds, cut towards zero as Python's `int` does; null is 0 and not used.
fn secs(number: &Value) -> i64 {
    number.as_i64().unwrap_or_else(|| number.as_f64().unwrap_or(0.0) as i64)
}

fn float(value: &Value) -> f64 {
    match value.as_str() {
        Some("NaN") => f64::NAN,
        Some("Infinity") => f64::INFINITY,
        Some("-Infinity") => f64::NEG_INFINITY,
        Some(other) => panic!("{other} is no number"),
        None => value.as_f64().unwrap(),
    }
}

fn number(value: f64) -> Value {
    match value {
        value if value.is_nan() => "NaN".into(),
        f64::INFINITY => "Infinity".into(),
        f64::NEG_INFINITY => "-Infinity".into(),
        value => value.into(),
    }
}

fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}
