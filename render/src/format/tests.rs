//! Expected texts were taken from Python's `json`, `repr` and `csv`.

use jiff::tz::TimeZone;

use super::*;
use crate::series::{Consolidation, Series, Style};

fn series(name: &str, values: &[f64]) -> Series {
    Series {
        name: name.to_owned(),
        tags: crate::tags::parse(name),
        path_expression: name.to_owned(),
        start: 60,
        end: 60 + 60 * values.len() as i64,
        step: 60,
        values: values.into(),
        integers: false,
        consolidation: Consolidation::Average,
        values_per_point: 1,
        x_files_factor: 0.0,
        style: Style::default(),
    }
}

fn text(write: impl FnOnce(&mut Output) -> Result<(), TooLong>) -> String {
    let mut out = Output::with_limit(1 << 20);
    write(&mut out).unwrap();
    String::from_utf8(out.into_bytes()).unwrap()
}

#[test]
fn floats_are_printed_as_python_prints_them() {
    #[track_caller]
    fn check(value: f64, expected: &str) {
        let mut out = Vec::new();
        number::float(&mut out, value);
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
    check(0.0, "0.0");
    check(-0.0, "-0.0");
    check(5.0, "5.0");
    check(0.1, "0.1");
    check(-27.19, "-27.19");
    check(0.0001, "0.0001");
    check(0.00001, "1e-05");
    check(3.8800000000000003e-07, "3.8800000000000003e-07");
    check(1.2345e-5, "1.2345e-05");
    check(-9.5e-5, "-9.5e-05");
    check(254440303667045.0 / 16.0, "15902518979190.312");
    check(1152921504606846976.0, "1.152921504606847e+18");
    check(1e15, "1000000000000000.0");
    check(1.5e15, "1500000000000000.0");
    check(9007199254740993.0, "9007199254740992.0");
    check(1e16, "1e+16");
    check(1.7976931348623157e308, "1.7976931348623157e+308");
    check(5e-324, "5e-324");
    check(f64::NEG_INFINITY, "-inf");
}

#[test]
fn json_has_null_for_gaps_and_a_number_for_infinity() {
    let all = [series("a.b", &[1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY])];
    assert_eq!(
        text(|out| json(&all, Layout::Line, false, out)),
        r#"[{"target": "a.b", "tags": {"name": "a.b"}, "datapoints": [[1.0, 60], [null, 120], [1e9999, 180], [-1e9999, 240]]}]"#
    );
}

#[test]
fn json_tells_the_marks_of_functions_that_draw() {
    let mut one = series("a", &[1.0]);
    one.style =
        Style { color: Some("#ff0000ff".to_owned()), dashed: Some(5.0), second_y_axis: true, ..Style::default() };
    assert_eq!(
        text(|out| json(&[one.clone()], Layout::Line, false, out)),
        r##"[{"target": "a", "tags": {"name": "a"}, "style": {"color": "#ff0000ff", "dashed": 5.0, "secondYAxis": true}, "datapoints": [[1.0, 60]]}]"##
    );
    assert_eq!(
        Pieces::new(vec![one.clone()], false).flatten().collect::<Vec<_>>(),
        text(|out| json(&[one.clone()], Layout::Line, false, out)).into_bytes()
    );
}

#[test]
fn known_points_only_leaves_out_gaps_and_series_of_gaps() {
    let all = [series("gaps", &[f64::NAN]), series("a", &[f64::NAN, 2.0])];
    assert_eq!(
        text(|out| json(&all, Layout::Line, true, out)),
        r#"[{"target": "a", "tags": {"name": "a"}, "datapoints": [[2.0, 120]]}]"#
    );
}

#[test]
fn no_series_is_an_empty_list() {
    assert_eq!(text(|out| json(&[], Layout::Line, false, out)), "[]");
    assert_eq!(text(|out| json(&[], Layout::Pretty, false, out)), "[]");
    assert_eq!(text(|out| dygraph(&[], out)), "{}");
}

#[test]
fn series_without_points_stand_beside_others_only() {
    let (empty, known) = (series("empty", &[]), series("known", &[1.0]));
    assert_eq!(text(|out| json(std::slice::from_ref(&empty), Layout::Line, false, out)), "[]");
    assert!(text(|out| json(&[empty, known], Layout::Line, false, out)).contains("\"datapoints\": []"));
}

#[test]
fn values_past_the_end_of_a_series_do_not_keep_it() {
    let mut one = series("a", &[f64::NAN, f64::NAN, 5.0]);
    one.end = one.start + one.step;
    let all = std::slice::from_ref(&one);
    assert_eq!(text(|out| json(all, Layout::Line, true, out)), "[]");
    assert_eq!(Pieces::new(all.to_vec(), true).collect::<Vec<_>>().concat(), b"[]");
}

#[test]
fn pretty_json_reads_back_the_same() {
    let all = [series("a", &[1.0, 2.5]), series("b", &[])];
    let (line, pretty) =
        (text(|out| json(&all, Layout::Line, false, out)), text(|out| json(&all, Layout::Pretty, false, out)));
    assert!(pretty.starts_with("[\n  {\n    \"target\": \"a\",\n"), "{pretty}");
    let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
    assert_eq!(read(&line), read(&pretty));
}

#[test]
fn names_cannot_break_out_of_json_or_a_script() {
    let mut out = Vec::new();
    quote(&mut out, "a\"b\\c\n</script>\u{2028}é😀");
    let text = String::from_utf8(out).unwrap();
    assert_eq!(text, r#""a\"b\\c\n\u003c/script\u003e\u2028\u00e9\ud83d\ude00""#);
}

#[test]
fn integers_have_no_decimal_point() {
    let mut one = series("n", &[3.0, f64::NAN]);
    one.integers = true;
    assert_eq!(text(|out| raw(&[one], out)), "n,60,180,60|3,None\n");
}

#[test]
fn csv_quotes_names_and_uses_local_time() {
    let zone = TimeZone::get("Asia/Kolkata").unwrap();
    let all = [series("a,\"b\"", &[1.5, f64::NAN])];
    assert_eq!(
        text(|out| csv(&all, &zone, out)),
        "\"a,\"\"b\"\"\",1970-01-01 05:31:00,1.5\r\n\"a,\"\"b\"\"\",1970-01-01 05:32:00,\r\n"
    );
}

#[test]
fn rickshaw_and_dygraph_follow_their_libraries() {
    let all = [series("a", &[1.0]), series("b", &[f64::NAN])];
    assert_eq!(
        text(|out| rickshaw(&all[..1], Layout::Line, out)),
        r#"[{"target": "a", "datapoints": [{"x": 60, "y": 1.0}]}]"#
    );
    assert_eq!(text(|out| dygraph(&all, out)), r#"{"labels" : ["Time", "a", "b"], "data" : [[60000, 1.0, null]]}"#);
}

#[test]
fn a_long_answer_is_refused_not_cut() {
    let all = [series("a", &[1.0; 1000])];
    let mut out = Output::with_limit(100);
    assert_eq!(json(&all, Layout::Line, false, &mut out), Err(TooLong { limit: 100 }));
    let mut out = Output::with_limit(100);
    assert_eq!(raw(&all, &mut out), Err(TooLong { limit: 100 }));
    let mut out = Output::with_limit(100);
    assert_eq!(pickle(&all, &mut out), Err(TooLong { limit: 100 }));
}

#[test]
fn points_are_joined_in_buckets_that_do_not_move() {
    // Ten values of 60 s in at most 4 points: buckets of 180 s, the first whole one starts at 180.
    let values: Vec<f64> = (1..=10).map(f64::from).collect();
    let mut all = [series("a", &values)];
    fit_to(&mut all, 4);
    assert_eq!((all[0].start, all[0].step), (180, 180));
    assert_eq!(*all[0].values, [3.0, 6.0, 9.0]);
}

#[test]
fn a_bucket_with_too_few_values_is_unknown() {
    let mut all = [series("a", &[1.0, f64::NAN, f64::NAN, 4.0, 5.0, 6.0])];
    all[0].x_files_factor = 0.5;
    all[0].consolidation = Consolidation::Sum;
    fit_to(&mut all, 1);
    assert_eq!(*all[0].values, [16.0]);
    let mut all = [series("a", &[1.0, f64::NAN, f64::NAN, f64::NAN])];
    all[0].x_files_factor = 0.5;
    fit_to(&mut all, 1);
    assert!(all[0].values[0].is_nan());
}

#[test]
fn few_points_stay_as_they_are() {
    let mut all = [series("a", &[1.0, 2.0])];
    fit_to(&mut all, 2);
    assert_eq!(*all[0].values, [1.0, 2.0]);
    fit_to(&mut all, 0);
    assert_eq!(*all[0].values, [1.0, 2.0]);
}

#[test]
fn pieces_are_together_what_is_written_at_once() {
    let many: Vec<f64> = (0..5_000).map(|at| if at % 3 == 0 { f64::NAN } else { f64::from(at) / 7.0 }).collect();
    let gaps = vec![f64::NAN; 4_000];
    let all = [series("a.b", &many), series("gap", &gaps), series("x;y=<ä>", &many[..1]), series("none", &[])];
    for known_only in [false, true] {
        for shown in [&all[..], &all[..1], &all[1..2], &[]] {
            let pieces = Pieces::new(shown.to_vec(), known_only);
            let pieces: Vec<String> = pieces.map(|piece| String::from_utf8(piece).unwrap()).collect();
            let whole = pieces.concat();
            assert_eq!(whole, text(|out| json(shown, Layout::Line, known_only, out)));
            assert!(whole.len() <= longest(shown) && pieces.iter().all(|piece| piece.len() < 80_000));
            assert_eq!(pieces.len() > 1, shown.len() > 1 || shown.iter().any(|one| one.name == "a.b"));
        }
    }
}
