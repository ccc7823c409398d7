//! Replays what carbon itself accepted, refused, answered and read from its rule files.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod line;
mod lists;
mod order;
mod rules;
mod tags;

use std::fs;

use golden::Tally;

#[test]
fn golden_carbon_answers() {
    let Some(folder) = golden::folder("carbon") else { return };
    let mut tally = Tally::new("carbon");
    line::replay(&folder, &mut tally);
    rules::replay(&folder, &mut tally);
    tags::replay(&folder, &mut tally);
    lists::replay(&folder, &mut tally);
    order::replay(&folder, &mut tally);
    let built: Vec<&str> = [line::FILES, rules::FILES, tags::FILES, lists::FILES, order::FILES].concat();
    for entry in fs::read_dir(&folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name.ends_with(".json") && !built.contains(&name.as_str()) {
            tally.skip(&name, "what it is about is not built yet");
        }
    }
    tally.finish();
}

#[test]
fn lines_are_read_as_carbon_reads_them() {
    let mut tally = Tally::own("carbon");
    line::replay(&golden::own("carbon"), &mut tally);
    tally.finish();
}

#[test]
fn tags_are_read_as_carbon_reads_them() {
    let mut tally = Tally::own("carbon");
    tags::replay(&golden::own("carbon"), &mut tally);
    tally.finish();
}

#[test]
fn rule_files_are_read_as_carbon_reads_them() {
    let mut tally = Tally::own("storage");
    rules::replay(&golden::own("storage"), &mut tally);
    lists::replay(&golden::own("storage"), &mut tally);
    tally.finish();
}
