//! Allow and deny lists, as carbon itself read and asked them.

use std::fs;
use std::path::Path;

use carbon_storage::NameList;
use golden::Tally;
use serde_json::Value;

/// What is replayed here.
pub(crate) const FILES: &[&str] = &["lists.json"];

pub(crate) fn replay(folder: &Path, tally: &mut Tally) {
    let Ok(text) = fs::read_to_string(folder.join("lists.json")) else {
        return tally.skip("lists.json", "the folder has no such file");
    };
    let cases: Vec<Value> = serde_json::from_str(&text).unwrap();
    for (index, case) in cases.iter().enumerate() {
        tally.check(&format!("lists.json {index}"), check(case));
    }
}

fn check(case: &Value) -> Result<(), String> {
    let list = NameList::parse(case["config"].as_str().unwrap()).map_err(|error| error.to_string())?;
    if Some(list.len() as u64) != case["patterns"].as_u64() {
        return Err(format!("{} patterns, expected {}", list.len(), case["patterns"]));
    }
    let asked = case["contains"].as_array().unwrap().iter().map(|pair| (pair[0].as_str().unwrap(), &pair[1]));
    let wrong = asked.filter(|(name, expected)| **expected != list.contains(name));
    match wrong.map(|(name, _)| name.to_owned()).collect::<Vec<_>>() {
        wrong if wrong.is_empty() => Ok(()),
        wrong => Err(format!("wrong about {wrong:?}")),
    }
}
