//! A real graphite-web over our tree and our cache: what still waits is in its answer.

use std::path::Path;
use std::process::Command;

use golden::peer;
use serde_json::Value;

use crate::stack::{Plumbago, folder, now, path};

/// A Python that can import graphite-web: the one that `PLUMBAGO_GRAPHITE_WEB` names, or the usual one.
fn python() -> Option<String> {
    let python = std::env::var("PLUMBAGO_GRAPHITE_WEB").unwrap_or_else(|_| "python3".to_owned());
    let look = "import importlib.util, sys; sys.exit(not importlib.util.find_spec('graphite.carbonlink'))";
    let here = Command::new(&python).args(["-c", look]).output().is_ok_and(|done| done.status.success());
    if here {
        return Some(python);
    }
    let remedy =
        "make one by `python3 -m venv DIR && DIR/bin/pip install graphite-web==1.1.10` and name DIR/bin/python";
    peer::skip("graphite-web", &format!("{python} cannot import it; {remedy} in PLUMBAGO_GRAPHITE_WEB"));
    None
}

/// One line of answer for each question.
fn ask(python: &str, folder: &Path, carbonlink: &str, bulk: &str, questions: &[&str]) -> Vec<String> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/graphite_web.py");
    let tree = folder.join("data/whisper");
    let done = Command::new(python)
        .args([script, path(folder), path(&tree), carbonlink, bulk])
        .args(questions)
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// The known values of each series, by its name.
fn values(answer: &str) -> Vec<(String, Vec<f64>)> {
    let series: Vec<Value> = serde_json::from_str(answer).unwrap_or_else(|fault| panic!("{fault} in {answer}"));
    let known = |series: &Value| {
        let points = series["datapoints"].as_array().unwrap().iter();
        (series["target"].as_str().unwrap().to_owned(), points.filter_map(|point| point[0].as_f64()).collect())
    };
    let mut found: Vec<_> = series.iter().map(known).collect();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

/// Three points each of two plain series and a tagged one, five seconds apart.
fn lines(first: u64, base: u32) -> String {
    let line = |(i, name): (u32, &str)| {
        (0..3).map(|n| format!("{name} {} {}\n", base + 10 * i + n, first + 5 * u64::from(n))).collect::<String>()
    };
    (0..).zip(["a.b", "a.c", "disk.used;server=web01;dc=a"]).map(line).collect()
}

#[test]
fn graphite_web_answers_with_the_points_that_still_wait() {
    let Some(python) = python() else { return };
    let folder = folder();
    let waiting = ["--no-agent", "--max-wait", "1h", "--carbonlink", "127.0.0.1:0"];
    let start = now() / 5 * 5 - 60;
    let plumbago = Plumbago::up(folder.path(), &waiting);
    plumbago.send(&lines(start, 100));
    assert!(plumbago.terminate().success(), "the first points are in their files");
    let plumbago = Plumbago::up(folder.path(), &waiting);
    plumbago.send(&lines(start + 15, 200));
    let carbonlink = plumbago.carbonlink.clone().unwrap();

    let of = |base: f64| [0.0, 1.0, 2.0, 100.0, 101.0, 102.0].map(|n| base + n).to_vec();
    let plain = format!("/render?target=a.*&from={}&until={}&format=json", start - 5, start + 30);
    let tagged = plain.replace("a.*", "disk.used%3Bdc%3Da%3Bserver%3Dweb01");
    for bulk in ["single", "bulk"] {
        let answers = ask(&python, folder.path(), &carbonlink, bulk, &[&plain, &tagged]);
        assert_eq!(values(&answers[0]), [("a.b".to_owned(), of(100.0)), ("a.c".to_owned(), of(110.0))], "{bulk}");
        assert_eq!(values(&answers[1]), [("disk.used;dc=a;server=web01".to_owned(), of(120.0))], "{bulk}");
    }
    let answers = ask(&python, folder.path(), &carbonlink, "single", &["get a.b", "set a.b max", "get a.b"]);
    assert!(answers[0].contains("'average'") && answers[2].contains("'max'"), "{answers:?}");
}
