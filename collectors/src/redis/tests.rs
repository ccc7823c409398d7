use std::fs;
use std::process::Command;

use proptest::prelude::*;

use super::{body, info};
use crate::ask::Place;
use crate::testing::{
    Program, agrees_with_diamond, collect, collect_soon, collector, fixture, raw, serve, slot, try_collect,
};
use crate::{Collector, Out, Style, Value};

fn asking(answer: &str, auth: &str) -> Box<dyn Collector> {
    let address = serve(answer.as_bytes().to_vec());
    collector("redis", "/".as_ref(), &format!("instances = {{ a = {{ address = '{address}' {auth} }} }}"))
}

fn bulk(info: &str) -> String {
    format!("${}\r\n{info}\r\n", info.len())
}

#[test]
fn a_recorded_answer_is_read() {
    let info = fs::read_to_string(fixture("redis/testdata/redis-7.0/info")).unwrap();
    let samples = collect(&mut *asking(&bulk(&info), ""), 0);
    let value = |name: &str| raw(&samples[&format!("redis.a.{name}")]);
    assert_eq!(value("memory.internal_view"), 991_072.0);
    assert_eq!(value("memory.used_percent"), 0.0);
    assert_eq!(value("replication.master"), 1.0);
    assert_eq!(value("db0.expires"), 1.0);
    assert_eq!(value("last_save.time_since"), f64::from(slot(0).time.secs()) - 1_795_247_336.0);
    assert_eq!(samples["redis.a.cpu.parent.sys"].value, Value::Gauge(0.007_919));
    assert_eq!(samples["redis.a.cpu.parent.sys"].style, Style::Decimals(6));
}

#[test]
fn a_replica_says_whether_its_master_is_there() {
    let info = "role:slave\r\nmaster_link_status:down\r\nmaster_sync_in_progress:1\r\nused_memory:50\r\nmaxmemory:200\r\ndb16:keys=1\r\n";
    let samples = collect(&mut *asking(&bulk(info), ""), 0);
    assert_eq!(raw(&samples["redis.a.replication.master"]), 0.0);
    assert_eq!(raw(&samples["redis.a.replication.master_link_status"]), 0.0);
    assert_eq!(raw(&samples["redis.a.memory.used_percent"]), 25.0);
    assert!(!samples.contains_key("redis.a.db16.keys"));
}

#[test]
fn a_password_is_answered_first() {
    let answer = format!("+OK\r\n{}", bulk("role:master\r\n"));
    assert_eq!(collect(&mut *asking(&answer, ", auth = 'agent secret'"), 0).len(), 3);
    let refused = "-WRONGPASS invalid username-password pair\r\n-NOAUTH Authentication required.\r\n";
    let fail = try_collect(&mut *asking(refused, ", auth = 'x'"), 0).unwrap_err();
    assert!(fail.to_string().contains("answers: -WRONGPASS invalid"), "{fail}");
}

#[test]
fn what_is_no_whole_answer_is_refused() {
    for (answer, expected) in [
        ("", "expected the whole answer to INFO"),
        ("$500\r\nrole:master\r\n", "expected the whole answer to INFO"),
        ("-NOAUTH Authentication required.\r\n", "answers: -NOAUTH"),
        ("$-1\r\n", "answers: $-1"),
        ("$18446744073709551615\r\n", "answers: $18446744073709551615"),
        ("HTTP/1.1 400 Bad Request\r\n\r\n", "answers: HTTP/1.1 400"),
        ("$5\r\nhello\r\n", "as INFO has them"),
    ] {
        let fail = try_collect(&mut *asking(answer, ""), 0).unwrap_err();
        assert!(fail.to_string().contains(expected), "{answer}: {fail}");
    }
}

#[test]
fn a_real_redis_answers() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("socket");
    let mut command = Command::new("redis-server");
    command.args(["--port", "0", "--save", "", "--requirepass", "secret", "--unixsocket"]).arg(&socket);
    let Some(_redis) = Program::start("redis", command.current_dir(folder.path())) else { return };
    let options = format!("instances = {{ r = {{ address = 'unix:{}', auth = 'secret' }} }}", socket.display());
    let samples = collect_soon(&mut *collector("redis", "/".as_ref(), &options));
    assert_eq!(raw(&samples["redis.r.clients.connected"]), 1.0);
}

#[test]
fn diamond_reads_the_same_but_for_what_is_ours() {
    let info = fs::read_to_string(fixture("redis/testdata/redis-7.0/info")).unwrap();
    let expected = fixture("redis/testdata/redis-7.0/expected.diamond.txt");
    agrees_with_diamond(&mut *asking(&bulk(&info), ""), &expected, &["redis.a.process.connections_rejected"]);
}

proptest! {
    #[test]
    fn no_answer_is_too_strange(answer in "([$+*:-]|OK|[0-9]{1,21}|\r\n|x){0,12}", before in 0_usize..2) {
        if let Some(Ok((start, end))) = body(answer.as_bytes(), before) {
            prop_assert!(start <= end && end <= answer.len());
        }
    }

    #[test]
    fn no_info_is_too_strange(text in "(role|db[0-9]{1,3}|used_memory|maxmemory|rdb_last_save_time|:|=|,|[0-9.-]{1,20}|\\n|x){0,30}") {
        let place = Place::parse("unix:/redis").unwrap();
        let _ = info::publish("a", &place, text.as_bytes(), (info::names(false), 16), slot(0), &mut Out::default());
    }
}
