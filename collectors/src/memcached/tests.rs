use std::fs;
use std::process::Command;

use proptest::prelude::*;

use super::{Memcached, Options, publish};
use crate::ask::Place;
use crate::testing::{
    Program, agrees_with_diamond, collect, collect_soon, collector, fixture, raw, serve, try_collect,
};
use crate::{Bits, Collector, Out, Value};

fn asking(answer: &str) -> Box<dyn Collector> {
    let address = serve(answer.as_bytes().to_vec());
    collector("memcached", "/".as_ref(), &format!("hosts = {{ web = '{address}' }}"))
}

#[test]
fn counters_and_gauges_are_told_apart() {
    let answer = fs::read_to_string(fixture("memcached/testdata/memcached-1.6/stats")).unwrap();
    let samples = collect(&mut *asking(&answer), 0);
    assert_eq!(samples["memcached.web.limit_maxbytes"].value, Value::Gauge(67_108_864.0));
    assert_eq!(samples["memcached.web.cmd_get"].value, Value::Counter { raw: 2, bits: Bits::B64 });
    assert_eq!(samples["memcached.web.rusage_user"].value, Value::Total(0.007_306));
    assert!(!samples.keys().any(|name| name.ends_with(".version") || name.ends_with(".pid")));
}

#[test]
fn what_is_no_whole_answer_is_refused() {
    for (answer, expected) in [
        ("ERROR\r\n", "answers: ERROR"),
        ("STAT bytes 5\r\nSTA", "answers: STAT bytes 5"),
        ("", "answers: "),
        ("hello\r\nEND\r\n", "line 1: expected `STAT NAME VALUE` or `END`, found `hello"),
    ] {
        let fail = try_collect(&mut *asking(answer), 0).unwrap_err();
        assert!(fail.to_string().contains(expected), "{fail}");
    }
    assert_eq!(collect(&mut *asking("STAT\r\nSTAT a\r\nSTAT b text\r\nSTAT c 5\r\nEND\r\n"), 0).len(), 1);
}

#[test]
fn a_server_that_is_down_does_not_silence_the_others() {
    let up = serve(b"STAT bytes 5\r\nEND\r\n".to_vec());
    let options = format!("hosts = {{ b = '{up}', a = 'unix:/nowhere/memcached.sock' }}");
    let mut out = crate::Out::default();
    let slot = crate::testing::slot(0);
    out.begin(slot);
    let fail = collector("memcached", "/".as_ref(), &options).run(slot, &mut out).unwrap_err();
    assert_eq!(fail.to_string(), "cannot reach /nowhere/memcached.sock");
    assert_eq!(out.samples().map(|(name, _)| name.to_owned()).collect::<Vec<_>>(), ["memcached.b.bytes"]);
}

#[test]
fn a_real_memcached_answers() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("socket");
    let mut command = Command::new("memcached");
    command.args(["-u", "root", "-s"]).arg(&socket);
    let Some(_server) = Program::start("memcached", &mut command) else { return };
    let options = format!("hosts = {{ here = 'unix:{}' }}", socket.display());
    let mut collector = collector("memcached", "/".as_ref(), &options);
    let samples = collect_soon(&mut *collector);
    assert_eq!(raw(&samples["memcached.here.curr_items"]), 0.0);
}

#[test]
fn diamond_reads_the_same() {
    let answer = fs::read_to_string(fixture("memcached/testdata/memcached-1.6/stats")).unwrap();
    let expected = fixture("memcached/testdata/memcached-1.6/expected.diamond.txt");
    agrees_with_diamond(&mut *asking(&answer), &expected, &[]);
}

#[test]
fn diamonds_habits_make_rates_of_what_are_gauges() {
    let address = serve(b"STAT max_connections 1024\r\nSTAT curr_items 1\r\nEND\r\n".to_vec());
    let settings: crate::Settings =
        toml::from_str(&format!("[memcached]\nenabled = true\ncompat = 'diamond'\nhosts = {{ web = '{address}' }}"))
            .unwrap();
    let built = settings.build(&crate::Site::default()).unwrap();
    let mut found = built.into_iter().find(|built| built.collector.spec().name == "memcached").unwrap();
    assert_eq!(found.compat, crate::Compat::Diamond);
    let samples = collect(&mut *found.collector, 0);
    assert!(matches!(samples["memcached.web.max_connections"].value, Value::Counter { .. }));
    assert!(matches!(samples["memcached.web.curr_items"].value, Value::Gauge(_)));
}

proptest! {
    #[test]
    fn no_answer_is_too_strange(answer in "(STAT|END|bytes|[0-9.e-]{1,21}|[ \\nx]){0,20}") {
        let place = Place::parse("unix:/memcached").unwrap();
        let one = Memcached { options: Options::default(), gauges: &[], digits: 0 };
        let _ = publish("a", &place, answer.as_bytes(), &one, &mut Out::default());
    }
}
