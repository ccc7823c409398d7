//! Functions against expectations written down in `*.test` files, and how often they read.
//!
//! ```text
//! window 40s                                what is asked for: this long, up to the last value
//! load 10s  servers.a.load  1 2 _ 4         a series by its step; `_` is a gap
//! eval scale(servers.a.load,10)             a target, then each series of its answer:
//!      "scale(servers.a.load,10)"  -30s/10s  10 20 _ 40      name, first time before the end, step, values
//! !! unknown function scael                 or the beginning of the message that refuses it
//! ```

#![expect(clippy::unwrap_used, reason = "a test may end here")]

mod page;
mod table;

use render::eval::{EvalError, Evaluated, Limits, Request, evaluate};
use render::target::Target;
use table::{NOW, Table};

async fn answer(table: &Table, targets: &[&str], request: &Request) -> Result<Evaluated, EvalError> {
    let targets: Result<Vec<Target>, _> = targets.iter().map(|text| Target::parse(text)).collect();
    evaluate(&targets?, request, table, table).await
}

/// The answer as the files write it.
async fn shown(table: &Table, target: &str, request: &Request) -> Vec<Expected> {
    match answer(table, &[target], request).await {
        Err(error) => vec![Expected::Refusal(error.to_string())],
        Ok(evaluated) => evaluated
            .series
            .into_iter()
            .map(|s| Expected::Series { name: s.name, start: s.start - NOW, step: s.step, values: s.values.to_vec() })
            .collect(),
    }
}

#[derive(Debug)]
enum Expected {
    Series { name: String, start: i64, step: i64, values: Vec<f64> },
    Refusal(String),
}

impl Expected {
    /// Whether `got` is what was written down: numbers to nine digits, messages by how they begin.
    fn allows(&self, got: &Expected) -> bool {
        let close = |a: f64, b: f64| {
            a == b || a.is_nan() && b.is_nan() || (a - b).abs() <= (1e-9 * a.abs().max(b.abs())).max(1e-12)
        };
        match (self, got) {
            (Expected::Refusal(expected), Expected::Refusal(got)) => got.starts_with(expected.as_str()),
            (
                Expected::Series { name, start, step, values },
                Expected::Series { name: got_name, start: got_start, step: got_step, values: got },
            ) => {
                (name, start, step, values.len()) == (got_name, got_start, got_step, got.len())
                    && values.iter().zip(got).all(|(a, b)| close(*a, *b))
            }
            _ => false,
        }
    }
}

fn values(words: &str) -> Vec<f64> {
    words.split_whitespace().map(|word| if word == "_" { f64::NAN } else { word.parse().unwrap() }).collect()
}

fn secs(word: &str) -> i64 {
    word.trim_end_matches('s').parse().unwrap()
}

fn expected(line: &str) -> Expected {
    if let Some(message) = line.strip_prefix("!! ") {
        return Expected::Refusal(message.to_owned());
    }
    let (name, rest) = line.trim().strip_prefix('"').and_then(|rest| rest.rsplit_once('"')).unwrap();
    let (times, numbers) = rest.trim().split_once(' ').unwrap_or((rest.trim(), ""));
    let (start, step) = times.split_once('/').unwrap();
    Expected::Series { name: name.to_owned(), start: secs(start), step: secs(step), values: values(numbers) }
}

#[track_caller]
fn check(file: &str, text: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (mut table, mut window) = (Table::default(), 60);
    let mut lines = text.lines().enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#')).peekable();
    let mut faults = Vec::new();
    while let Some((number, line)) = lines.next() {
        if let Some(load) = line.strip_prefix("load ") {
            let mut words = load.trim().splitn(3, char::is_whitespace).map(str::trim);
            let step = secs(words.next().unwrap());
            let (name, numbers) = words
                .next()
                .and_then(|_| load.trim().split_once(char::is_whitespace))
                .map_or(("", ""), |(_, rest)| rest.trim().split_once(char::is_whitespace).unwrap());
            table.load(name, step, values(numbers));
        } else if let Some(length) = line.strip_prefix("window ") {
            window = secs(length);
        } else if let Some(target) = line.strip_prefix("eval ") {
            let mut wanted = Vec::new();
            while let Some((_, line)) = lines.next_if(|(_, line)| line.starts_with([' ', '!'])) {
                wanted.push(expected(line));
            }
            let request = Request::new(NOW - window, NOW, NOW);
            let got = runtime.block_on(shown(&table, target, &request));
            if wanted.len() != got.len() || !wanted.iter().zip(&got).all(|(wanted, got)| wanted.allows(got)) {
                faults.push(format!("{file}:{}: {target}\n  expected {wanted:?}\n  found    {got:?}", number + 1));
            }
        } else {
            panic!("{file}:{}: {line}", number + 1);
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn transforming_functions_answer_as_graphite_web() {
    check("transform.test", include_str!("transform.test"));
}

#[test]
fn combining_functions_answer_as_graphite_web() {
    check("combine.test", include_str!("combine.test"));
}

#[test]
fn functions_with_windows_answer_as_graphite_web() {
    check("windows.test", include_str!("windows.test"));
}

#[test]
fn choosing_and_naming_functions_answer_as_graphite_web() {
    check("choose.test", include_str!("choose.test"));
}

#[test]
fn without_series_most_arguments_are_not_looked_at() {
    check("empty.test", include_str!("empty.test"));
}

#[test]
fn where_graphite_web_fails_we_say_why_or_answer() {
    check("refusals.test", include_str!("refusals.test"));
}

fn two_series() -> Table {
    let mut table = Table::default();
    table.load("a.x", 10, (0..100).map(f64::from).collect());
    table.load("a.y", 10, (0..100).map(f64::from).collect());
    table
}

fn last_minute() -> Request {
    Request::new(NOW - 60, NOW, NOW)
}

#[tokio::test]
async fn a_series_is_read_once_however_often_it_is_named() {
    let table = two_series();
    let targets = ["sumSeries(a.*)", "a.x", "asPercent(a.x,sumSeries(a.*))", "scale(a.*,2)"];
    let evaluated = answer(&table, &targets, &last_minute()).await.unwrap();
    assert_eq!(evaluated.series.len(), 5);
    assert_eq!(*table.reads.lock().unwrap(), [(-60, 0, 2)]);
}

#[tokio::test]
async fn windows_that_arguments_tell_are_read_in_the_first_round() {
    let table = two_series();
    answer(&table, &["movingAverage(timeShift(a.x,'1min'),'30s')"], &last_minute()).await.unwrap();
    let mut reads = table.reads.lock().unwrap().clone();
    reads.sort_unstable();
    assert_eq!(reads, [(-150, -60, 1), (-120, -60, 1), (-90, 0, 1), (-60, 0, 1)]);
    assert_eq!(table.finds.load(std::sync::atomic::Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_window_that_depends_on_the_step_is_read_in_a_further_round() {
    let table = two_series();
    answer(&table, &["movingAverage(a.x,3)", "stacked(a.y)", "stacked(a.y)"], &last_minute()).await.unwrap();
    assert_eq!(*table.reads.lock().unwrap(), [(-60, 0, 2), (-90, 0, 1)]);
}

#[tokio::test]
async fn stacks_are_not_counted_twice_when_a_target_needs_a_further_round() {
    let table = two_series();
    let targets = ["stacked(a.x)", "stacked(movingAverage(a.y,1))"];
    let evaluated = answer(&table, &targets, &last_minute()).await.unwrap();
    let last: Vec<f64> = evaluated.series.iter().map(|series| *series.values.last().unwrap()).collect();
    assert_eq!(last, [99.0, 198.0]);
}

#[tokio::test]
async fn x_files_factor_of_one_target_does_not_reach_the_next() {
    let mut table = two_series();
    table.load("a.z", 10, vec![f64::NAN]);
    let targets = ["sumSeries(setXFilesFactor(a.*,1))", "sumSeries(a.*)"];
    let evaluated = answer(&table, &targets, &last_minute()).await.unwrap();
    assert!(evaluated.series[0].values.iter().all(|value| value.is_nan()));
    assert!(evaluated.series[1].values.iter().all(|value| !value.is_nan()));
}

#[tokio::test]
async fn templates_reach_into_windows_of_look_back_functions() {
    let table = two_series();
    let mut request = last_minute();
    let evaluated = answer(&table, &["template(movingAverage(a.$name,3),name='x')"], &request).await.unwrap();
    assert_eq!(evaluated.series[0].name, "movingAverage(a.x,3)");
    request.template = vec![("name".to_owned(), "y".to_owned())];
    let evaluated = answer(&table, &["template(movingAverage(a.$name,3),name='x')"], &request).await.unwrap();
    assert_eq!(evaluated.series[0].name, "movingAverage(a.y,3)");
}

/// Graphite-web sees the request's clocks there as if they were the server's: the server here has UTC, four and a half
/// hours behind Kabul.
#[tokio::test]
async fn some_functions_read_the_clocks_of_the_request_as_the_servers() {
    const AHEAD: i64 = 16_200;
    let table = two_series();
    let request = Request { tz: jiff::tz::TimeZone::get("Asia/Kabul").unwrap(), ..last_minute() };
    let first = async |target: &str| answer(&table, &[target], &request).await.unwrap().series.swap_remove(0);
    let time = first("time('x',30)").await;
    assert_eq!((time.start, time.end), (NOW - 60 + AHEAD, NOW + AHEAD));
    assert_eq!(time.values[..], [(NOW - 60 + AHEAD) as f64, (NOW - 30 + AHEAD) as f64]);
    let sin = first("sin('x',2,30)").await;
    assert_eq!((sin.start, sin.values[0]), (NOW - 60, ((NOW - 60 + AHEAD) as f64).sin() * 2.0));
    let uneven = first("time('x',22.5)").await;
    let seconds: Vec<f64> = uneven.values.iter().map(|second| second - uneven.start as f64).collect();
    assert_eq!((uneven.step, &seconds[..]), (22, &[0.0, 22.0, 45.0][..]));
    let line = first("verticalLine('now-20s')").await;
    assert_eq!((line.start, line.name), (NOW - 20 + AHEAD, format!("verticalLine({})", NOW - 20 + AHEAD)));
    let regression = first("linearRegression(a.x)").await;
    assert_eq!(regression.name, format!("linearRegression(a.x, {}, {})", NOW - 60 + AHEAD, NOW + AHEAD));
    // Intervals of seventy seconds begin elsewhere then.
    let sums = first("integralByInterval(a.x,'70s')").await;
    let here = answer(&table, &["integralByInterval(a.x,'70s')"], &last_minute()).await.unwrap().series.swap_remove(0);
    assert_ne!(sums.values, here.values);
}

#[tokio::test]
async fn limits_name_themselves_and_what_was_found() {
    let table = two_series();
    let limited = |limits| Request { limits, ..last_minute() };
    let nested = "movingAverage(".repeat(40) + "a.x" + &",'10s')".repeat(40);
    for (target, limits, expected) in [
        ("a.*", Limits { series: 1, ..Limits::default() }, "over the limit of 1 series: this request has 2"),
        ("a.*", Limits { points: 11, ..Limits::default() }, "over the limit of 11 points: this request has 12"),
        ("scale(a.x,2)", Limits { nodes: 2, ..Limits::default() }, "over the limit of 2 nodes: this request has 3"),
        ("time('x',1)", Limits { points: 59, ..Limits::default() }, "over the limit of 59 points"),
        ("summarize(a.x,'1s')", Limits { points: 30, ..Limits::default() }, "over the limit of 30 points"),
        (nested.as_str(), Limits { calls: 500, ..Limits::default() }, "over the limit of 500 calls"),
    ] {
        let error = answer(&table, &[target], &limited(limits)).await.unwrap_err();
        assert!(error.is_clients() && error.to_string().starts_with(expected), "{error}");
    }
}

#[tokio::test]
async fn a_fault_points_at_its_argument() {
    let table = two_series();
    for (target, position) in [
        ("scale(a.x, 'ten')", 11),
        ("alias(scael(a.x,2),'y')", 6),
        ("movingAverage(a.x,windowSize='5parsecs')", 29),
        ("divideSeries(a.x, a.*)", 18),
    ] {
        let error = answer(&table, &[target], &last_minute()).await.unwrap_err();
        assert_eq!(error.place().map(|place| place.position), Some(position), "{error}");
    }
}
