//! Function pipelines over 100 series of a day in minutes, from parsed target to series. `cargo bench --bench functions`.
//!
//! The store is a table in memory that copies what is asked for, so that what is measured is planning, the functions
//! and their copies.

use carbon_line::{MetricName, Pattern};
use carbon_storage::{Answer, Fetch, FetchQuery, Find, FindQuery, Node, NodeKind, Partial, Series, StorageError};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use render::eval::{Request, evaluate};
use render::target::Target;
use whisper::{Interval, Timestamp};

const SERIES: usize = 100;
const POINTS: i64 = 1_440;
const STEP: u32 = 60;
const UNTIL: i64 = 1_700_000_040;

/// Counters that grow by a different amount each minute, as far back as anyone asks.
struct Counters(Vec<MetricName>);

impl Counters {
    fn new() -> Counters {
        let name = |n: usize| MetricName::parse(&format!("servers.web{n:03}.net")).expect("a plain name");
        Counters((0..SERIES).map(name).collect())
    }

    fn series(&self, query: &FetchQuery) -> Vec<Series> {
        let step = Interval::from_secs(STEP).expect("not zero");
        let start = query.window.from.floor(step).secs() + STEP;
        let length = (query.window.until.floor(step).secs() - start) / STEP + 1;
        let value = |at: u32| f64::from((start / STEP + at).wrapping_mul(37) % 100_000);
        let values: Vec<f64> = (0..length).map(value).collect();
        let series = |name: &MetricName| Series {
            name: name.clone(),
            start: Timestamp::from_secs(start),
            step,
            values: values.clone(),
            layout: None,
        };
        query.names.iter().map(series).collect()
    }
}

impl Find for Counters {
    fn find<'a>(&'a self, query: &'a FindQuery) -> Answer<'a, Result<Partial<Vec<Node>>, StorageError>> {
        let matching = |pattern: &Pattern| {
            let names = self.0.iter().filter(|name| pattern.matches(name));
            names.map(|name| Node { path: name.to_string(), kind: NodeKind::Leaf }).collect()
        };
        Box::pin(async move { Ok(Partial::whole(matching(&query.pattern))) })
    }
}

impl Fetch for Counters {
    fn fetch<'a>(&'a self, query: &'a FetchQuery) -> Answer<'a, Result<Partial<Vec<Series>>, StorageError>> {
        Box::pin(async move { Ok(Partial::whole(self.series(query))) })
    }
}

fn functions(c: &mut Criterion) {
    let counters = Counters::new();
    let runtime = tokio::runtime::Runtime::new().expect("threads can be started");
    let request = Request::new(UNTIL - POINTS * i64::from(STEP), UNTIL, UNTIL);
    let mut group = c.benchmark_group("functions, 100 series x 1440 points");
    group.throughput(Throughput::Elements(SERIES as u64 * POINTS as u64));
    for (label, text) in [
        ("a path", "servers.*.net"),
        ("scale", "scale(servers.*.net,8)"),
        ("perSecond", "perSecond(servers.*.net)"),
        ("sumSeries", "sumSeries(servers.*.net)"),
        ("groupByNode, average", "groupByNode(servers.*.net,2,'average')"),
        ("percentileOfSeries", "percentileOfSeries(servers.*.net,95)"),
        ("summarize", "summarize(servers.*.net,'1h','max')"),
        ("movingAverage, minutes", "movingAverage(servers.*.net,'10min')"),
        ("movingMedian, points", "movingMedian(servers.*.net,10)"),
        ("the pipeline", "aliasByNode(movingAverage(scale(perSecond(servers.*.net),8),10),1)"),
    ] {
        let targets = [Target::parse(text).expect("a target")];
        group.bench_function(label, |b| {
            b.iter(|| {
                let evaluated = runtime.block_on(evaluate(&targets, &request, &counters, &counters)).expect("series");
                assert!(!evaluated.series.is_empty());
                evaluated
            });
        });
    }
    group.finish();
}

fn parse(c: &mut Criterion) {
    let text = "aliasByNode(movingAverage(scale(perSecond(servers.*.net),8),10),1)";
    c.bench_function("parse a target of five calls", |b| b.iter(|| Target::parse(text).expect("a target")));
}

criterion_group!(benches, parse, functions);
criterion_main!(benches);
