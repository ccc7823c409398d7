//! Tagged names: their normal form, their tags, and where their files lie.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use carbon_line::{MetricName, NameFault, Tagged, tags};
use carbon_storage::{Pending, SeriesId, StorageRules, Store, WhisperTree};
use golden::Tally;
use serde_json::Value;
use whisper::{Allocation, Point, Timestamp};

/// What is replayed here.
pub(crate) const FILES: &[&str] = &["tags.json"];

pub(crate) fn replay(folder: &Path, tally: &mut Tally) {
    let Ok(text) = fs::read_to_string(folder.join("tags.json")) else {
        return tally.skip("tags.json", "the folder has no such file");
    };
    let cases: Vec<Value> = serde_json::from_str(&text).unwrap();
    for (index, case) in cases.iter().enumerate() {
        let checks = [normal_form(case), paths(case), stored(case)];
        tally.check(&format!("tags.json {index} {}", case["input"]), checks.into_iter().collect());
    }
}

fn expect<T: PartialEq + std::fmt::Debug>(what: &str, found: T, expected: T) -> Result<(), String> {
    if found == expected { Ok(()) } else { Err(format!("{what}: {found:?}, expected {expected:?}")) }
}

fn normal_form(case: &Value) -> Result<(), String> {
    let parsed = Tagged::parse(case["input"].as_str().unwrap());
    let Some(normal) = case["normal"].as_str() else {
        return expect("refused", parsed.is_err(), true);
    };
    let mut parsed = parsed.map_err(|fault| fault.to_string())?;
    expect("normal form", parsed.to_string().as_str(), normal)?;
    let expected: BTreeMap<String, String> = serde_json::from_value(case["tags"].clone()).unwrap();
    parsed.tags.insert("name".to_owned(), parsed.name.clone());
    expect("tags", parsed.tags, expected)
}

fn paths(case: &Value) -> Result<(), String> {
    let (kept, text) = (case["stored_as"].as_str().unwrap(), |key: &str| case[key].as_str().unwrap());
    let bare = |key: &str| text(key).strip_suffix(".wsp").unwrap().to_owned();
    expect("decoded", tags::name_of_path(&bare("path_readable")).as_str(), text("decoded"))?;
    if !tags::is_tagged(kept) {
        return Ok(());
    }
    expect("hashed", tags::hashed_path(kept), bare("path_hashed"))?;
    // A slash would be a directory of its own, and so no file name.
    expect("readable", tags::readable_path(kept), Some(bare("path_readable")).filter(|_| !kept.contains('/')))
}

/// Writes a point under the name as it was sent and looks for the file that carbon makes.
fn stored(case: &Value) -> Result<(), String> {
    let kept = case["stored_as"].as_str().unwrap();
    let name = match MetricName::parse(case["input"].as_str().unwrap()) {
        Ok(name) => name,
        // Our own rule: carbon makes a file `.wsp` of no name at all, and directories of slashes.
        Err(NameFault::Empty) if kept.is_empty() => return Ok(()),
        Err(NameFault::Slash) if kept.contains('/') => return Ok(()),
        Err(fault) => return Err(fault.to_string()),
    };
    let folder = tempfile::tempdir().unwrap();
    let tree = WhisperTree::open(folder.path(), StorageRules::default(), Allocation::Sparse).unwrap();
    let now = Timestamp::from_secs(1_700_000_000);
    let batch = [Pending { series: SeriesId::new(0), name, points: vec![Point { time: now, value: 1.0 }] }];
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let report = runtime.block_on(tree.write(&batch, now));
    expect("refusals", report.refusals.len(), 0)?;
    // Dots that carbon turns into empty parts of a path are put in order by us.
    let expected = case["path_hashed"].as_str().unwrap().replace("//", "/").replace("/.wsp", ".wsp");
    expect(&format!("a file at {expected}"), folder.path().join(&expected).is_file(), true)
}
