use whisper::Interval;

use super::*;

const BEGUN: u32 = 1_700_000_101;

fn config(text: &str) -> RouteConfig {
    toml::from_str(text).unwrap()
}

fn build(text: &str) -> Result<Route, Vec<String>> {
    let known = |source: &str| ["cpu", "memory", "agent"].contains(&source);
    config(text).build("r", Interval::from_secs(10).unwrap(), &["carbon", "far"], &known, BEGUN)
}

fn route(text: &str) -> Route {
    build(text).unwrap()
}

#[track_caller]
fn passes(text: &str, lines: &str, expected: &str) {
    let mut out = String::new();
    route(text).pass(lines, BEGUN, &mut out);
    assert_eq!(out, expected);
}

#[test]
fn names_are_kept_dropped_and_renamed() {
    let lines = "s.a.cpu.user 1 5\ns.a.cpu.idle 2.50 5\ns.a.memory.free 3 5\n";
    passes("", lines, lines);
    passes("keep = [\"*.*.cpu.*\"]\ndrop = [\"**.idle\"]", lines, "s.a.cpu.user 1 5\n");
    passes(
        "keep = [\"~cpu\"]\nrename = [{ match = \"s.*.**\", to = \"hosts.$1.$2\" }, { match = \"~idle$\", to = \"free\" }]",
        lines,
        "hosts.a.cpu.user 1 5\nhosts.a.cpu.free 2.50 5\n",
    );
}

#[test]
fn a_name_that_is_none_any_more_is_left_out() {
    passes("rename = [{ match = \"a.*\", to = \"$1..b\" }]", "a.x 1 5\nb.x 1 5\n", "b.x 1 5\n");
    passes("rename = [{ match = \"a.*\", to = \"../etc/$1\" }]", "a.x 1 5\n", "");
}

#[test]
fn values_are_scaled() {
    passes("scale = 8", "a 2.5 5\nb -1 5\nc x 5\n", "a 20 5\nb -8 5\n");
    passes("scale = 0.001", "a 1 5\nb 123456789 5\n", "a 0.001 5\nb 123456.789 5\n");
}

/// Values of six slots of 10 s, one a slot, in a window of a minute; gives what was sent a slot after its end.
fn aggregated(method: &str) -> String {
    let mut route = route(&format!("aggregate = {method:?}\nover = 6"));
    let (start, mut out) = (1_700_000_160, String::new());
    for (at, value) in [3.0, 1.0, 4.0, 1.0, 5.0, 9.0].into_iter().enumerate() {
        let time = start + 10 * at as u32;
        route.pass(&format!("a {value} {time}\n"), time, &mut out);
    }
    assert_eq!(out, "");
    route.look(start + 69, &mut out);
    assert_eq!(out, "", "a slot of patience");
    route.look(start + 70, &mut out);
    out
}

#[test]
fn a_window_gives_one_value_at_its_first_second() {
    for (method, value) in
        [("avg", "3.833333333"), ("min", "1"), ("max", "9"), ("last", "9"), ("sum", "23"), ("p50", "3"), ("p95", "9")]
    {
        assert_eq!(aggregated(method), format!("a {value} 1700000160\n"), "{method}");
    }
}

#[test]
fn a_later_value_ends_the_window_of_its_series_at_once() {
    let mut route = route("aggregate = \"max\"\nover = \"1m\"");
    let mut out = String::new();
    route.pass("a 1 1700000160\na 2 1700000210\na 7 1700000220\n", 1_700_000_220, &mut out);
    assert_eq!(out, "a 2 1700000160\n");
    out.clear();
    route.pass("a 100 1700000219\n", 1_700_000_221, &mut out);
    route.finish(&mut out);
    assert_eq!(out, "a 7 1700000220\n", "what comes late changes nothing, and a stop sends what there is");
    assert_eq!(route.counts().dropped, 1);
}

#[test]
fn the_window_of_a_start_belongs_to_whoever_was_before() {
    let mut route = route("aggregate = \"sum\"\nover = \"1m\"");
    let mut out = String::new();
    route.pass("a 1 1700000110\na 1 1700000150\na 1 1700000160\n", BEGUN + 60, &mut out);
    route.finish(&mut out);
    assert_eq!(out, "a 1 1700000160\n");
}

#[test]
fn a_window_that_was_sent_is_not_sent_again() {
    let mut route = route("aggregate = \"sum\"\nover = \"1m\"");
    let mut out = String::new();
    route.pass("a 1 1700000160\n", 1_700_000_160, &mut out);
    route.look(1_700_000_230, &mut out);
    route.pass("a 5 1700000219\n", 1_700_000_231, &mut out);
    route.finish(&mut out);
    assert_eq!(out, "a 1 1700000160\n");
}

#[test]
fn memory_is_bounded_whatever_names_and_times_come() {
    let mut route = route("aggregate = \"p99\"\nover = \"1m\"\nseries = 100");
    let mut out = String::new();
    for number in 0..10_000 {
        route.pass(&format!("n{number} 1 1700000160\n"), 1_700_000_160, &mut out);
        route.pass(&format!("n1 1 1700000160\nn1 1 4294967295\nn1 1 {}\n", number % 7), 1_700_000_160, &mut out);
    }
    assert_eq!(route.counts().series, 100);
    assert!(route.counts().dropped > 20_000);
    out.clear();
    route.look(1_700_001_000, &mut out);
    assert_eq!((out.lines().count(), route.counts().series), (100, 0));
}

#[test]
fn names_without_end_are_not_all_remembered() {
    let mut route = route("keep = [\"a.*\"]");
    let mut out = String::new();
    for number in 0..2 * REMEMBERED {
        route.pass(&format!("b.{number} 1 5\n"), 5, &mut out);
    }
    assert!(route.decided.len() <= REMEMBERED && out.is_empty());
}

#[test]
fn faults_name_their_table_and_key() {
    let text = "from = [\"cpuu\"]\nkeep = [\"{a\"]\nrename = [{ match = \"a.*\", to = \"$2\" }]\nto = [\"nowhere\"]\n\
                aggregate = \"p0\"\nover = 6";
    let told = build(text).unwrap_err().join("\n");
    for part in ["[route.r] from", "cpuu", "keep", "rename", "$2", "nowhere", "carbon, far", "p0"] {
        assert!(told.contains(part), "{part} in {told}");
    }
    assert!(build("aggregate = \"avg\"").unwrap_err()[0].contains("over"));
    assert!(build("over = 3").unwrap_err()[0].contains("aggregate"));
    assert!(build("aggregate = \"avg\"\nover = \"soon\"").unwrap_err()[0].contains("soon"));
    assert!(build("aggregate = \"avg\"\nover = 0").unwrap_err()[0].contains("over"));
}
