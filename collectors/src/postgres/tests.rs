use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{fs, thread};

use proptest::prelude::*;

use crate::testing::{Program, collect, collect_soon, collector, fixture, raw, slot, try_collect};
use crate::{Fail, Out, Value};

/// A message of a server: its letter, its length, its body.
fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
    [&[tag], &length[..], body].concat()
}

const OK: &[u8] = b"R\0\0\0\x08\0\0\0\0";
const READY: &[u8] = b"Z\0\0\0\x05I";

/// A table with text in it.
fn table(columns: &[&str], row: &[&str]) -> Vec<u8> {
    let mut described = u16::try_from(columns.len()).unwrap().to_be_bytes().to_vec();
    for column in columns {
        described.extend([column.as_bytes(), &[0; 19]].concat());
    }
    let mut values = u16::try_from(row.len()).unwrap().to_be_bytes().to_vec();
    for value in row {
        values.extend([&u32::try_from(value.len()).unwrap().to_be_bytes()[..], value.as_bytes()].concat());
    }
    [message(b'T', &described), message(b'D', &values), message(b'C', b"SELECT 1\0")].concat()
}

/// A server that lets everybody in and gives `answer` to each question.
fn serve(greeting: Vec<u8>, answer: Vec<u8>) -> SocketAddr {
    serve_all(greeting, vec![answer])
}

/// The same, with an answer to each question in turn, and the last one to all that follow.
fn serve_all(greeting: Vec<u8>, answers: Vec<Vec<u8>>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for mut peer in listener.incoming().map_while(Result::ok) {
            let mut said =
                std::iter::once(&greeting).chain(&answers).chain(std::iter::repeat(&answers[answers.len() - 1]));
            let mut bytes = [0; 4096];
            while let Ok(1..) = peer.read(&mut bytes) {
                if said.next().is_none_or(|said| peer.write_all(said).is_err()) {
                    break;
                }
            }
        }
    });
    address
}

fn options(address: SocketAddr) -> String {
    format!("address = '{address}'\npatience = '20s'\n")
}

#[test]
fn rows_become_names_and_counts_become_rates() {
    let columns = ["k1", "datid", "datname", "numbackends", "xact_commit", "blk_read_time", "stats_reset"];
    let row = ["my.db", "5", "my.db", "3", "812", "1.5", "2026-11-21 10:00:00+00"];
    let answer = [table(&columns, &row), READY.to_vec()].concat();
    let address = serve([OK, READY].concat(), answer);
    let mut collector = collector("postgres", "/".as_ref(), &options(address));
    let mut out = Out::default();
    out.begin(slot(0));
    collector.run(slot(0), &mut out).unwrap();
    let samples: Vec<_> = out.samples().map(|(name, sample)| (name.to_owned(), sample.value)).collect();
    let value = |name: &str| samples.iter().find(|(found, _)| found == name).map(|(_, value)| *value);
    assert_eq!(value("postgres.database.my_db.numbackends"), Some(Value::Gauge(3.0)));
    assert_eq!(value("postgres.database.my_db.xact_commit"), Some(Value::Counter { raw: 812, bits: crate::Bits::B64 }));
    assert_eq!(value("postgres.database.my_db.blk_read_time"), Some(Value::Total(1.5)));
    assert_eq!(value("postgres.up"), Some(Value::Gauge(1.0)));
    assert!(!samples.iter().any(|(name, _)| name.ends_with("id") || name.ends_with("_reset")), "{samples:?}");
}

#[test]
fn what_version_15_answers_is_published() {
    let recorded = fs::read(fixture("postgres/testdata/postgres-15/answers")).unwrap();
    let (mut answers, mut begin, mut at) = (Vec::new(), 0, 0);
    while let Some(length) = recorded.get(at + 1..at + 5) {
        let last = recorded[at] == b'Z';
        at += 1 + u32::from_be_bytes(length.try_into().unwrap()) as usize;
        if last {
            answers.push(recorded[begin..at].to_vec());
            begin = at;
        }
    }
    let greeting = answers.remove(0);
    assert_eq!((answers.len(), at), (11, recorded.len()));
    let options = options(serve_all(greeting, answers)) + "database = 'shop'\ntables = true\n";
    let samples = collect(&mut *collector("postgres", "/".as_ref(), &options), 0);
    let value = |name: &str| raw(samples.get(&format!("postgres.{name}")).unwrap_or_else(|| panic!("{name}")));
    assert_eq!(
        (value("up"), value("database.postgres.blks_read"), value("database.shop.tup_inserted")),
        (1.0, 69.0, 540.0)
    );
    assert_eq!((value("database.shop.size"), value("database.template1.blks_hit")), (7_732_583.0, 83_850.0));
    assert_eq!((value("database.postgres.session_time"), value("wal.written_byte")), (154.676, 26_434_328.0));
    assert_eq!((value("shop.connections.active"), value("shop.locks.accesssharelock")), (1.0, 1.0));
    assert_eq!((value("bgwriter.buffers_alloc"), value("server.max_connections")), (1791.0, 100.0));
    assert_eq!(
        (value("shop.tables.sales.orders.n_tup_ins"), value("shop.tables.sales.orders.vacuum_count")),
        (500.0, 1.0)
    );
    let later = |name: &String| name.starts_with("postgres.checkpointer") || name.contains("stats_reset");
    assert!(!samples.keys().any(later), "since version 17, and a time");
}

#[test]
fn a_refusal_is_told_in_the_servers_words_and_the_server_is_down() {
    let error = message(b'E', b"SFATAL\0C28P01\0Mpassword authentication failed\0\0");
    let mut refused = collector("postgres", "/".as_ref(), &options(serve(error, Vec::new())));
    let mut out = Out::default();
    out.begin(slot(0));
    let fail = refused.run(slot(0), &mut out).unwrap_err();
    assert!(fail.to_string().ends_with("answers: password authentication failed"), "{fail}");
    assert_eq!(
        out.samples().map(|(name, sample)| (name.to_owned(), raw(sample))).last(),
        Some(("postgres.up".to_owned(), 0.0))
    );
    let wanted = message(b'R', &3_u32.to_be_bytes());
    let fail =
        try_collect(&mut *collector("postgres", "/".as_ref(), &options(serve(wanted, Vec::new()))), 0).unwrap_err();
    assert!(fail.to_string().contains("no password-file is set"), "{fail}");
}

#[test]
fn a_question_that_this_version_does_not_know_is_left_out() {
    let error = message(b'E', b"SERROR\0C42P01\0Mrelation does not exist\0\0");
    let answer = [error, READY.to_vec()].concat();
    let address = serve([OK, READY].concat(), answer);
    assert_eq!(raw(&collect(&mut *collector("postgres", "/".as_ref(), &options(address)), 0)["postgres.up"]), 0.0);
}

#[test]
fn what_is_no_server_of_postgres_is_refused() {
    for greeting in [
        b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(),
        b"R\xff\xff\xff\xff\0\0\0\0".to_vec(),
        b"D\x7f\xff\xff\xff".to_vec(),
        b"D\0\0\0\x06\xff\xff".to_vec(),
        message(b'R', &99_u32.to_be_bytes()),
        message(b'R', &[&11_u32.to_be_bytes()[..], b"r=a,s=b,i=4000000000"].concat()),
    ] {
        let address = serve(greeting.clone(), Vec::new());
        let fail = try_collect(&mut *collector("postgres", "/".as_ref(), &options(address)), 0).unwrap_err();
        assert!(matches!(fail, Fail::Parse { .. } | Fail::TooLong { .. }), "{greeting:?}: {fail}");
    }
}

#[test]
fn one_server_that_never_answers_costs_the_others_nothing() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let up = serve([OK, READY].concat(), [table(&["size"], &["7"]), READY.to_vec()].concat());
    let options = format!(
        "patience = '300ms'\n[instances.a]\naddress = '{}'\n[instances.b]\naddress = '{up}'\n",
        silent.local_addr().unwrap()
    );
    let mut out = Out::default();
    out.begin(slot(0));
    let fail = collector("postgres", "/".as_ref(), &options).run(slot(0), &mut out).unwrap_err();
    assert!(matches!(fail, Fail::Timeout { .. }), "{fail}");
    let found = |name: &str| out.samples().find(|(found, _)| *found == name).map(|(_, sample)| raw(sample));
    assert_eq!((found("postgres.a.up"), found("postgres.b.up")), (Some(0.0), Some(1.0)));
    assert_eq!(found("postgres.b.bgwriter.size"), Some(7.0));
}

/// Debian keeps the programs of each version apart.
fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?.flatten().map(|version| version.path().join("bin"));
    versions.filter(|bin| bin.join("initdb").is_file()).max()
}

/// A command that runs as `postgres`, because the server refuses to run as root.
fn as_postgres(program: &Path, user: Option<u32>) -> Command {
    use std::os::unix::process::CommandExt as _;
    let mut command = Command::new(program);
    if let Some(user) = user {
        command.uid(user).gid(user);
    }
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

#[test]
fn a_real_postgres_answers_with_a_password() {
    let Some(bin) = programs() else {
        return golden::peer::skip("postgres", "there is no /usr/lib/postgresql/VERSION/bin/initdb");
    };
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let (data, password) = (folder.path().join("data"), folder.path().join("password"));
    fs::create_dir(&data).unwrap();
    fs::write(&password, "secret word\n").unwrap();
    let root = fs::metadata("/proc/self").map(|seen| std::os::unix::fs::MetadataExt::uid(&seen)).unwrap() == 0;
    // Any user but root will do.
    let user = root.then_some(65_534);
    if user.is_some() {
        chown(&data, user, user).unwrap();
        chown(&password, user, user).unwrap();
    }
    let made = as_postgres(&bin.join("initdb"), user)
        .args(["--no-sync", "-U", "postgres", "--auth=scram-sha-256", "--locale=C", "-D"])
        .arg(&data)
        .arg(format!("--pwfile={}", password.display()))
        .status()
        .unwrap();
    assert!(made.success());
    let mut server = as_postgres(&bin.join("postgres"), user);
    server.arg("-D").arg(&data).args(["-c", "listen_addresses=", "-c", "fsync=off", "-k"]).arg(folder.path());
    let Some(_server) = Program::start("postgres", &mut server) else { return };
    let options = format!(
        "address = 'unix:{}/.s.PGSQL.5432'\npassword-file = '{}'\ntables = true\npatience = '20s'\n",
        folder.path().display(),
        password.display()
    );
    let samples = collect_soon(&mut *collector("postgres", "/".as_ref(), &options));
    let value = |name: &str| raw(samples.get(name).unwrap_or_else(|| panic!("{name} in {:?}", samples.keys())));
    assert_eq!(value("postgres.up"), 1.0);
    assert!(value("postgres.database.postgres.size") > 1e6);
    assert!(value("postgres.database.postgres.numbackends") >= 1.0);
    assert_eq!(value("postgres.replication.in_recovery"), 0.0);
    assert!(value("postgres.server.max_connections") >= 1.0);
    assert!(value("postgres.wal.written_byte") > 0.0);
    assert!(samples.contains_key("postgres.database.template1.xact_commit"), "{:?}", samples.keys());
}

proptest! {
    #[test]
    fn no_answer_is_too_strange(answer in prop::collection::vec(any::<u8>(), 0..200)) {
        let address = serve([OK, READY, &answer].concat(), Vec::new());
        let options = format!("address = '{address}'\npatience = '5ms'\n");
        let _ = try_collect(&mut *collector("postgres", "/".as_ref(), &options), 0);
    }
}
