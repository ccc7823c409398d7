//! storage-schemas.conf, storage-aggregation.conf and retention strings, as carbon itself read them.

use std::fs;
use std::path::Path;

use carbon_storage::rules::parse_retention;
use carbon_storage::{AggregationRules, Schemas};
use golden::Tally;
use serde_json::{Value, json};
use whisper::XFilesFactor;

/// What is replayed here.
pub(crate) const FILES: &[&str] = &["schemas.json", "storage_aggregation.json", "retention_defs.json"];

pub(crate) fn replay(folder: &Path, tally: &mut Tally) {
    for (file, check) in [
        ("schemas.json", schemas as fn(&Value) -> Result<(), String>),
        ("storage_aggregation.json", aggregation),
        ("retention_defs.json", retention),
    ] {
        let Ok(text) = fs::read_to_string(folder.join(file)) else {
            tally.skip(file, "the folder has no such file");
            continue;
        };
        let cases: Vec<Value> = serde_json::from_str(&text).unwrap();
        for (index, case) in cases.iter().enumerate() {
            tally.check(&format!("{file} {index}"), check(case));
        }
    }
}

/// What is compared of a rule file: the sections in force, and for some names which section they fall to.
struct Read {
    order: Vec<String>,
    matching: Box<Matching>,
}

type Matching = dyn Fn(&str) -> (String, Value);

fn schemas(case: &Value) -> Result<(), String> {
    let read = Schemas::parse(case["config"].as_str().unwrap()).map(|schemas| Read {
        order: schemas.sections().iter().map(|schema| schema.name.clone()).collect(),
        matching: Box::new(move |name| {
            let schema = schemas.matching(name);
            let archives = schema.retentions.as_slice().iter();
            (schema.name.clone(), archives.map(|archive| json!([archive.step.secs(), archive.points.get()])).collect())
        }),
    });
    compare(case, read.map_err(|error| error.to_string()), |expected| {
        // Carbon keeps the file's order here and leaves sorting to whisper; ours are sorted from the start.
        let mut archives = expected.as_array().unwrap().clone();
        archives.sort_by_key(|archive| archive[0].as_u64());
        Value::Array(archives)
    })
}

fn aggregation(case: &Value) -> Result<(), String> {
    let read = AggregationRules::parse(case["config"].as_str().unwrap()).map(|rules| Read {
        order: rules.sections().iter().map(|rule| rule.name.clone()).collect(),
        matching: Box::new(move |name| {
            let rule = rules.matching(name);
            (rule.name.clone(), json!([share(rule.x_files_factor), rule.method.to_string()]))
        }),
    });
    compare(case, read.map_err(|error| error.to_string()), |expected| {
        // What a section leaves out is whisper's default.
        let factor = XFilesFactor::new(expected[0].as_f64().unwrap_or(0.5)).unwrap();
        json!([share(factor), expected[1].as_str().unwrap_or("average")])
    })
}

/// A file holds the factor in 32 bits.
fn share(factor: XFilesFactor) -> String {
    format!("{factor:?}")
}

fn compare(case: &Value, read: Result<Read, String>, normal: impl Fn(&Value) -> Value) -> Result<(), String> {
    let read = match (read, case.get("error")) {
        (Ok(read), None) => read,
        (Err(_), Some(_)) => return Ok(()),
        (Ok(read), Some(error)) => return Err(format!("expected {error}, read the sections {:?}", read.order)),
        (Err(error), None) => return Err(format!("refused: {error}")),
    };
    if json!(read.order) != case["order"] {
        return Err(format!("sections {:?}, expected {}", read.order, case["order"]));
    }
    for expected in case["matches"].as_array().unwrap() {
        let name = expected[0].as_str().unwrap();
        let (section, content) = (read.matching)(name);
        if expected[1] != section || normal(&expected[2]) != content {
            return Err(format!("{name}: {section} {content}, expected {} {}", expected[1], expected[2]));
        }
    }
    Ok(())
}

fn retention(case: &Value) -> Result<(), String> {
    let found = parse_retention(case["def"].as_str().unwrap());
    match (&found, &case["carbon"]) {
        (Err(_), Value::String(_)) => Ok(()),
        (Ok((step, points)), expected) if json!([step, points]) == *expected => Ok(()),
        _ => Err(format!("{}: {found:?}, expected {}", case["def"], case["carbon"])),
    }
}
