use proptest::prelude::*;

use super::flatten::publish;
use crate::testing::{collect, collector, fixture, raw, serve, slot, try_collect};
use crate::{Collector, Out, Style};

fn asking(json: &str, options: &str) -> Box<dyn Collector> {
    let address = serve(format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{json}").into_bytes());
    collector("httpjson", "/".as_ref(), &options.replace("URL", &format!("'http://{address}/stat'")))
}

const ANSWER: &str = r#"{"queue": {"waiting": 12, "by host": {"a.b": 2.5}, "names": ["x", 5]}, "ok": true, "text": "7",
    "word": "seven", "none": null, "large": 25276510208, "below": -3}"#;

#[test]
fn numbers_are_published_under_their_keys() {
    let samples = collect(&mut *asking(ANSWER, "url = URL"), 0);
    let value = |name: &str| raw(&samples[&format!("httpjson.{name}")]);
    assert_eq!(value("queue.waiting"), 12.0);
    assert_eq!(value("queue.by_host.a_b"), 2.5);
    assert_eq!((value("ok"), value("text"), value("below")), (1.0, 7.0, -3.0));
    assert_eq!(samples["httpjson.large"].style, Style::Decimals(0));
    assert_eq!(samples.len(), 6);
}

#[test]
fn what_etcd_says_of_itself_is_published() {
    let vars = std::fs::read_to_string(fixture("httpjson/testdata/etcd-3.4/vars.json")).unwrap();
    let samples = collect(&mut *asking(&vars, "targets.etcd = URL"), 0);
    let value = |name: &str| raw(&samples[&format!("httpjson.etcd.{name}")]);
    assert_eq!(value("file_descriptor_limit"), 20_000.0);
    assert_eq!((value("memstats.Alloc"), value("memstats.NumGC"), value("memstats.EnableGC")), (3_542_720.0, 2.0, 1.0));
    assert_eq!(value("memstats.GCCPUFraction"), 0.007_293_811_915_263_357);
    assert_eq!((value("raft_status.term"), value("raft_status.progress.8e9e05c52164694d.match")), (2.0, 4.0));
    let lists = |name: &String| ["cmdline", "PauseNs", "BySize"].iter().any(|list| name.contains(list));
    assert!(!samples.keys().any(lists), "lists have no names");
}

#[test]
fn several_services_have_names() {
    let samples = collect(&mut *asking(ANSWER, "targets.app = URL"), 0);
    assert_eq!(raw(&samples["httpjson.app.queue.waiting"]), 12.0);
}

#[test]
fn an_answer_counts_whole_or_not_at_all() {
    let deep = format!("{}1{}", "{\"a\":".repeat(500), "}".repeat(500));
    for json in ["", "{\"a\": 1", "{\"a\": 1} x", "hello", &deep] {
        let mut out = Out::default();
        out.begin(slot(0));
        let fail = asking(json, "url = URL").run(slot(0), &mut out).unwrap_err();
        assert!(fail.to_string().contains("expected JSON of numbers"), "{fail}");
        assert!(out.is_empty());
    }
    let fail = try_collect(&mut *asking(ANSWER, "most = 5\nurl = URL"), 0).unwrap_err();
    assert!(fail.to_string().contains("more numbers than `most` says"), "{fail}");
    assert!(collect(&mut *asking("5", "url = URL"), 0).is_empty());
}

proptest! {
    #[test]
    fn no_json_is_too_strange(json in "([\\[\\]{},:]|\"[a.]{0,2}\"|-?[0-9]{1,21}|1e999|true|null| ){0,30}") {
        let _ = publish(None, json.as_bytes(), (9, Style::Decimals(0)), &mut Out::default());
    }
}
