//! `/explain` tells what an answer is made of, and why a value is null.

use std::fs;

use crate::stack::{Plumbago, folder, now, path};

#[test]
fn each_reason_for_a_missing_value_is_told() {
    let folder = folder();
    let (schemas, aggregation) = (folder.path().join("schemas.conf"), folder.path().join("aggregation.conf"));
    fs::write(&schemas, "[all]\npattern = .*\nretentions = 10s:10m,60s:1h\n").unwrap();
    fs::write(&aggregation, "[all]\npattern = .*\nxFilesFactor = 0.5\naggregationMethod = sum\n").unwrap();
    let rules = ["--schemas", path(&schemas), "--aggregation", path(&aggregation)];
    let up = Plumbago::up(folder.path(), &[&["--no-agent"][..], &rules].concat());
    let minute = now() / 60 * 60 - 180;
    up.send(&format!("a.b 1 {minute}\na.b 9 {}\n", minute + 10));
    up.get("/flush");
    up.send(&format!("a.b 3 {}\na.new 4 {}\n", minute + 70, minute + 70));
    let explain = |target: &str, at: u64, more: &str| {
        up.json(&format!("/explain?target={target}&from=-9min&format=json&at={at}{more}"))
    };
    let why = |target: &str, at: u64, more: &str| {
        let told = explain(target, at, more);
        told["series"][0]["why"].as_str().or(told["why"].as_str()).unwrap_or_default().to_owned()
    };
    let contains = |text: String, part: &str| assert!(text.contains(part), "{text:?} lacks {part:?}");
    contains(why("a.b", minute, ""), "known, 1");
    contains(why("a.b", minute + 20, ""), "no point ever came for that slot of 10 s");
    contains(why("a.b", minute - 60, ""), "before its first point");
    contains(why("a.b", minute - 100_000, ""), "outside");
    contains(why("a.b", minute, "&from=-30min"), "xFilesFactor 0.5");
    contains(why("removeAboveValue(a.b,5)", minute + 10, ""), "removeAboveValue() made it null");
    contains(why("nosuch.*", minute, ""), "no series that matches `nosuch.*`");
    contains(why("a.b", minute, "&maxDataPoints=5&xFilesFactor=0.9"), "maxDataPoints joins");

    let told = explain("scale(a.*,10)", minute + 70, "");
    let stages = &told["targets"][0]["stages"];
    assert_eq!((&stages[0]["read"][1]["name"], &stages[1]["function"]), (&"a.new".into(), &"scale".into()), "{told}");
    assert_eq!(stages[1]["given"][0]["known-at"], 2);
    assert_eq!((&told["read"][0]["file"], &told["read"][0]["method"]), (&"a/b.wsp".into(), &"sum".into()));
    assert_eq!(told["read"][0]["archives"][0]["known"], 2);
    assert_eq!(told["read"][0]["waiting"]["points"], 1);
    contains(told["read"][1]["why"].as_str().unwrap().to_owned(), "in the cache only");
    assert_eq!(told["series"][0]["value"], 30.0);

    let text = up.get(&format!("/explain?target=scale(a.b,10)&from=-9min&format=text&at={minute}")).text();
    assert!(text.contains("file a/b.wsp") && text.contains("scale(): given 1 series"), "{text}");
    assert_eq!(up.get("/explain").status, 400);
    assert_eq!(up.get("/explain?target=a.b&at=bogus").status, 400);
    assert!(up.terminate().success());
}
