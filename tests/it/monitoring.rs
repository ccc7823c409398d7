//! What a monitoring system sees: `/metrics` that it can read, `/health` that it can trust.

use std::collections::{HashMap, HashSet};

use crate::stack::{Plumbago, folder, now, path, wait_for};

/// Reads the Prometheus text format as strictly as its own tools do, and gives values by name and labels.
#[track_caller]
fn read(text: &str) -> HashMap<String, f64> {
    let mut values = HashMap::new();
    let mut seen = HashSet::new();
    let (mut family, mut kind) = (String::new(), String::new());
    assert!(text.ends_with('\n'));
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            family = rest.split_once(' ').expect("a help text").0.to_owned();
            assert!(seen.insert(family.clone()), "{family} comes twice");
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, found) = rest.split_once(' ').expect("a type");
            assert_eq!(name, family, "help stands above type");
            assert!(["counter", "gauge", "summary"].contains(&found), "{line}");
            kind = found.to_owned();
        } else {
            let (series, number) = line.rsplit_once(' ').expect("a value");
            let name = series.split('{').next().unwrap();
            let allowed: &[&str] = if kind == "summary" { &["_sum", "_count"] } else { &[""] };
            assert!(allowed.iter().any(|suffix| name == format!("{family}{suffix}")), "{line} below {family}");
            assert!(name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b':'), "{line}");
            if let Some(labels) = series.strip_prefix(name).filter(|labels| !labels.is_empty()) {
                check_labels(labels);
            }
            let number = number.replace("Inf", "inf").parse().unwrap_or_else(|_| panic!("a number in {line}"));
            assert!(values.insert(series.to_owned(), number).is_none(), "{series} comes twice");
        }
    }
    values
}

/// `{name="value",...}` with `\\`, `\"` and `\n` as the only escapes.
#[track_caller]
fn check_labels(labels: &str) {
    let mut rest = labels.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).expect("braces");
    loop {
        let (name, value) = rest.split_once("=\"").expect("a quoted value");
        assert!(name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') && !name.is_empty(), "{labels}");
        let mut escaped = false;
        let end = value.char_indices().find(|(_, c)| {
            let ends = *c == '"' && !escaped;
            assert!(!escaped || ['\\', '"', 'n'].contains(c), "{labels}");
            escaped = *c == '\\' && !escaped;
            ends
        });
        rest = &value[end.expect("a closing quote").0 + 1..];
        match rest.strip_prefix(',') {
            Some(more) => rest = more,
            None => break assert!(rest.is_empty(), "{labels}"),
        }
    }
}

#[test]
fn numbers_can_be_read_and_a_query_is_still_a_query() {
    let folder = folder();
    let plumbago = Plumbago::up(folder.path(), &["--no-agent"]);
    plumbago.send(&format!("shed.door 1 {}\nshed.door high {0}\n", now()));
    assert_eq!(plumbago.json("/metrics?query=shed.*")[0]["text"], "door");
    assert_eq!(plumbago.get("/render?target=").status, 200);
    assert_eq!(plumbago.get("/nonsense").status, 404);

    let answer = plumbago.get("/metrics");
    assert_eq!((answer.status, &*answer.kind), (200, "text/plain; version=0.0.4; charset=utf-8"));
    let values = read(&answer.text());
    assert_eq!(values["plumbago_carbon_received_points_total"], 1.0);
    assert_eq!(values["plumbago_carbon_decoded_points_total{protocol=\"line\"}"], 1.0);
    assert_eq!(values["plumbago_carbon_refused_total{reason=\"value\"}"], 1.0);
    assert_eq!(values["plumbago_http_requests_total{path=\"/metrics\",status=\"200\"}"], 1.0);
    assert_eq!(values["plumbago_http_requests_total{path=\"other\",status=\"404\"}"], 1.0);
    assert_eq!(values["plumbago_http_request_duration_seconds_count{path=\"/render\"}"], 1.0);
    assert_eq!(values["plumbago_healthy{part=\"carbon\"}"], 1.0);
    assert!(values["process_resident_memory_bytes"] > 1e6);
}

#[test]
fn an_agent_and_a_carbon_on_their_own_tell_how_they_are_when_asked_to() {
    let folder = folder();
    let data = folder.path().join("data");
    let arguments = ["carbon", "--data", path(&data), "--plaintext", "127.0.0.1:0"];
    let silent = Plumbago::start(folder.path(), &arguments);
    assert_eq!(silent.http, None, "off until asked for");
    assert!(silent.terminate().success());
    let carbon = Plumbago::start(folder.path(), &[&arguments[..], &["--http", "127.0.0.1:0"]].concat());
    assert_eq!(carbon.json("/health")["status"], "ok");
    assert!(read(&carbon.get("/metrics?query=x").text()).contains_key("plumbago_carbon_waiting_points"));
    assert_eq!(carbon.get("/render?target=a").status, 404);

    let config = folder.path().join("agent.toml");
    let destination = carbon.plaintext.as_ref().unwrap();
    let text = format!(
        "[store]\ndata = {:?}\n[agent]\ninterval = \"1s\"\ndestination = {destination:?}\n\
         [destination.away]\naddress = \"nowhere.invalid:2003\"\n\
         [route.cut]\nfrom = [\"loadavg\"]\nto = [\"away\"]\n[route.all]\nto = [\"carbon\"]\n\
         [http]\nlisten = \"127.0.0.1:0\"\n",
        folder.path().join("agent")
    );
    std::fs::write(&config, text).unwrap();
    let agent = Plumbago::start(folder.path(), &["agent", "--config", path(&config)]);
    wait_for("a run of a collector", || {
        let values = read(&agent.get("/metrics").text());
        (values["plumbago_agent_run_seconds_count{collector=\"loadavg\"}"] > 0.0).then_some(())
    });
    let health = &agent.json("/health")["agent"];
    assert!(health["collectors"]["loadavg"]["runs"].as_u64() > Some(0));
    let told = wait_for("lines for both destinations", || {
        let values = read(&agent.get("/metrics").text());
        let waits = |of: &str| values[&format!("plumbago_agent_{of}_points{{destination=\"away\"}}")];
        let sent = values["plumbago_agent_sent_points_total{destination=\"carbon\"}"];
        (waits("queued") + waits("spooled") > 0.0 && sent > 0.0).then_some(values)
    });
    assert_eq!(told["plumbago_agent_lost_points_total{destination=\"away\",cause=\"full\"}"], 0.0);
    assert!(told["plumbago_agent_route_points_total{route=\"cut\"}"] > 0.0);
    assert_eq!(agent.json("/health")["agent"]["destinations"]["away"]["sent"], 0);
}
