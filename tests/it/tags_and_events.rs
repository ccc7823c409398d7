//! Tagged series and events: found at once, known after a crash, and seen by a render in another process.

use std::fs;

use serde_json::json;

use crate::stack::{Plumbago, folder, now, path, wait_for};

const SERIES: &str = "disk.used;dc=a;server=w1";

fn found(program: &Plumbago) -> serde_json::Value {
    program.json("/tags/findSeries?expr=name%3Ddisk.used&expr=dc%3D~a%7Cb")
}

fn post(program: &Plumbago, path: &str, body: &str) -> u16 {
    let address = format!("{}{path}", program.http.as_ref().unwrap());
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let kind = if body.starts_with('{') { "application/json" } else { "application/x-www-form-urlencoded" };
    agent.post(address).content_type(kind).send(body).unwrap().status().as_u16()
}

#[test]
fn tags_and_events_are_known_at_once_and_after_a_crash() {
    let folder = folder();
    let up = Plumbago::up(folder.path(), &["--no-agent"]);
    up.send(&format!("disk.used;server=w1;dc=a 5 {}\n", now()));
    assert_eq!(found(&up), json!([SERIES]));
    assert_eq!(up.points("seriesByTag(%22server%3Dw1%22)").len(), 1);
    assert_eq!(post(&up, "/tags/tagSeries", "path=disk.used;dc=b"), 200);
    assert_eq!(post(&up, "/events/", r#"{"what": "deploy", "tags": ["web"], "data": "v1"}"#), 200);
    let list = folder.path().join("data/tags.index");
    let listed = || fs::read_to_string(&list).ok().filter(|text| text.contains("dc=b") && text.contains(SERIES));
    wait_for("the list", listed);
    up.signal("-KILL");
    up.ended();

    let up = Plumbago::up(folder.path(), &["--no-agent"]);
    assert_eq!(found(&up), json!([SERIES, "disk.used;dc=b"]));
    let events = up.json("/events/get_data?tags=web");
    assert_eq!((&events[0]["what"], &events[0]["data"]), (&json!("deploy"), &json!("v1")));
    assert!(up.terminate().success());
}

#[test]
fn a_render_of_its_own_follows_the_list_and_changes_nothing() {
    let folder = folder();
    let data = folder.path().join("data");
    let (data_option, any) = (path(&data), "127.0.0.1:0");
    let carbon = Plumbago::start(folder.path(), &["carbon", "--data", data_option, "--plaintext", any]);
    let config = folder.path().join("render.toml");
    fs::write(&config, format!("[store]\ndata = {data:?}\n[http]\nlisten = \"{any}\"\n")).unwrap();
    let render = Plumbago::start(folder.path(), &["render", "--config", path(&config)]);
    assert_eq!(found(&render), json!([]));
    carbon.send(&format!("{SERIES} 5 {}\n", now()));
    wait_for("the series", || (found(&render) == json!([SERIES])).then_some(()));
    assert_eq!(post(&render, "/tags/delSeries", &format!("path={SERIES}")), 503);
    assert_eq!(found(&render), json!([SERIES]));
    assert!(carbon.terminate().success());
    assert!(render.terminate().success());
}
