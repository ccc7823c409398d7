use std::fs;
use std::process::Command;
use std::time::Duration;

use crate::testing::{Program, collect, collect_soon, collector, fixture, raw, serve, slot, try_collect};
use crate::{Collector, Out, Value};

fn asking(body: &str, options: &str) -> Box<dyn Collector> {
    let address = serve(format!("HTTP/1.1 200 OK\r\n\r\n{body}").into_bytes());
    let (before, target) = options.split_once('|').unwrap_or(("", options));
    collector(
        "prometheus",
        "/".as_ref(),
        &format!("{before}\n[targets.app]\nurl = 'http://{address}/metrics'\n{target}"),
    )
}

fn recorded() -> String {
    fs::read_to_string(fixture("prometheus/testdata/made-up/metrics")).unwrap()
}

#[test]
fn types_decide_what_becomes_of_a_value() {
    let samples = collect(&mut *asking(&recorded(), ""), 0);
    let value = |name: &str| samples[&format!("prometheus.app.{name}")].value;
    assert_eq!(value("http_requests_total.code.200.method.post"), Value::Total(1027.0));
    assert_eq!(value("build_info.path.C:_x_\"y\".version.1_2_3"), Value::Gauge(1.0));
    assert_eq!(value("queue_length"), Value::Gauge(12.5));
    assert_eq!(value("request_seconds.path._"), Value::Avg { sum: 53.5, count: 250 });
    assert_eq!(value("gc_seconds"), Value::Avg { sum: 0.25, count: 100 });
    assert_eq!(value("gc_seconds.quantile.0_5"), Value::Gauge(4.9e-5));
    assert_eq!(value("untyped_thing"), Value::Gauge(5.0));
    assert_eq!(value("jobs_total"), Value::Total(7.0));
    assert_eq!(samples.len(), 10, "the two above, one without a number, and no buckets");
}

#[test]
fn metrics_labels_and_buckets_are_chosen() {
    let names = |options| collect(&mut *asking(&recorded(), options), 0).into_keys().collect::<Vec<_>>();
    let chosen = names("metrics = ['gc_', 'queue']\nexclude = ['gc_seconds$']");
    assert_eq!(chosen, ["prometheus.app.queue_length"]);
    let chosen = names("metrics = ['http']\ndrop-labels = ['method']");
    assert_eq!(chosen, ["prometheus.app.http_requests_total.code.200", "prometheus.app.http_requests_total.code.400"]);
    let chosen = names("metrics = ['request_']\nbuckets = true");
    assert_eq!(chosen.len(), 3);
    assert!(chosen.contains(&"prometheus.app.request_seconds_bucket.le.0_1.path._".to_owned()));
}

#[test]
fn a_line_that_is_not_understood_is_named_and_the_others_are_published() {
    let mut out = Out::default();
    out.begin(slot(0));
    let fail =
        asking("a 1\nb{ 2\nc 3\n# TYPE h histogram\nh_count NaN\nh_sum 1", "").run(slot(0), &mut out).unwrap_err();
    assert!(
        fail.to_string().contains("line 2: expected a metric in the text form of Prometheus, found `b{ 2`"),
        "{fail}"
    );
    assert_eq!(out.samples().map(|(name, _)| name).collect::<Vec<_>>(), ["prometheus.app.a", "prometheus.app.c"]);
}

#[test]
fn an_exporter_with_too_much_to_say_is_cut_off() {
    let many: String = (0..30).map(|at| format!("m{at} 1\n")).collect();
    let mut out = Out::default();
    out.begin(slot(0));
    let fail = asking(&many, "most = 20|").run(slot(0), &mut out).unwrap_err();
    assert!(fail.to_string().contains("no more values than `most` says, found `m20 1`"), "{fail}");
    assert_eq!(out.len(), 20);
    assert_eq!(collect(&mut *asking(&many, "most = 30|"), 0).len(), 30);
    let fail = try_collect(&mut *asking(&many, "longest = 50|"), 0).unwrap_err();
    assert!(fail.to_string().contains("more than 50 bytes"), "{fail}");
}

#[test]
fn one_exporter_that_hangs_does_not_silence_the_others() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let up = serve(b"HTTP/1.1 200 OK\r\n\r\nup 1\n".to_vec());
    let options = format!(
        "patience = '300ms'\ntargets.a.url = 'http://{}/'\ntargets.b.url = 'http://{up}/'",
        silent.local_addr().unwrap()
    );
    let mut out = Out::default();
    out.begin(slot(0));
    let mut one = collector("prometheus", "/".as_ref(), &options);
    let fail = one.run(slot(0), &mut out).unwrap_err();
    assert!(fail.to_string().contains("gave no answer within"), "{fail}");
    assert!(one.spec().deadline > Duration::from_secs(1));
    assert_eq!(out.samples().map(|(name, _)| name).collect::<Vec<_>>(), ["prometheus.b.up"]);
}

#[test]
fn values_are_numbers() {
    let samples = collect(&mut *asking("a +Inf\nb 1e3\n", ""), 0);
    assert!(raw(&samples["prometheus.app.a"]).is_nan(), "the agent leaves it out");
    assert_eq!(raw(&samples["prometheus.app.b"]), 1000.0);
}

#[test]
fn a_recorded_node_exporter_is_understood() {
    let body = fs::read_to_string(fixture("prometheus/testdata/node_exporter-1.5/metrics")).unwrap();
    let samples = collect(&mut *asking(&body, ""), 0);
    let values = body.lines().filter(|line| !line.starts_with('#')).count();
    assert_eq!(samples.len(), values - 1, "sum and count of one summary are one");
    assert!(matches!(samples["prometheus.app.node_cpu_seconds_total.cpu.0.mode.idle"].value, Value::Total(_)));
    assert!(matches!(samples["prometheus.app.go_gc_duration_seconds"].value, Value::Avg { .. }));
}

#[test]
fn a_real_node_exporter_answers() {
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut command = Command::new("prometheus-node-exporter");
    command.arg(format!("--web.listen-address=127.0.0.1:{port}"));
    let Some(_exporter) = Program::start("node_exporter", &mut command) else { return };
    let options = format!("targets.node.url = 'http://127.0.0.1:{port}/metrics'");
    let samples = collect_soon(&mut *collector("prometheus", "/".as_ref(), &options));
    assert!(raw(&samples["prometheus.node.node_load1"]) >= 0.0);
}
