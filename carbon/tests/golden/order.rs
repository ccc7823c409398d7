//! Replays in which order carbon's strategies wrote what its cache held.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use carbon::{Cache, Due, Stats, Strategy};
use carbon_line::MetricName;
use carbon_storage::NameTable;
use golden::Tally;
use serde_json::Value;
use whisper::{Point, Timestamp};

/// What is replayed here.
pub(crate) const FILES: &[&str] = &["cache_strategies.json"];

pub(crate) fn replay(folder: &Path, tally: &mut Tally) {
    let Ok(text) = fs::read(folder.join(FILES[0])) else { return };
    let cases: Vec<Value> = serde_json::from_slice(&text).unwrap();
    for (index, case) in cases.iter().enumerate() {
        for (strategy, order) in case["order"].as_object().unwrap() {
            tally.check(&format!("{} {index} {strategy}", FILES[0]), check(case, strategy, order));
        }
    }
}

fn check(case: &Value, strategy: &str, order: &Value) -> Result<(), String> {
    let names = Arc::new(NameTable::new());
    let cache = Cache::new(Arc::clone(&names), Arc::new(Stats::default()), usize::MAX);
    for store in case["stores"].as_array().unwrap() {
        let time = Timestamp::from_secs(store[1].as_u64().unwrap() as u32);
        let id = names.intern(&MetricName::parse(store[0].as_str().unwrap()).unwrap());
        cache.insert(&[(id, Point { time, value: store[2].as_f64().unwrap() })], 0, 0);
    }
    let known: Strategy = serde_json::from_value(strategy.into()).map_err(|error| error.to_string())?;
    let due = cache.due(0, 1, &Due::everything());
    let taken = cache.take(&cache.in_order(due, known, Timestamp::from_secs(u32::MAX)));
    let ours: Vec<String> = taken.batch.iter().map(|pending| pending.name.to_string()).collect();
    let theirs: Vec<String> = serde_json::from_value(order.clone()).unwrap();
    // Series with equal claims come in any order.
    let claim = |name: &String| match known {
        Strategy::Naive => Value::from(name.as_str()),
        Strategy::TimeSorted => case["oldest"][name].clone(),
        _ => case["counts"][name].clone(),
    };
    if ours.len() != theirs.len() || ours.iter().map(claim).ne(theirs.iter().map(claim)) {
        return Err(format!("{ours:?}, expected {theirs:?}"));
    }
    let drained: HashMap<&str, Vec<(u32, f64)>> = taken
        .batch
        .iter()
        .map(|pending| (&*pending.name, pending.points.iter().map(|point| (point.time.secs(), point.value)).collect()))
        .collect();
    let expected: HashMap<&str, Vec<(u32, f64)>> = case["drained_points"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, points)| (name.as_str(), serde_json::from_value(points.clone()).unwrap()))
        .collect();
    if drained == expected { Ok(()) } else { Err(format!("{drained:?}, expected {expected:?}")) }
}
