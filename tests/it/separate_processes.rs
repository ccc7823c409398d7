//! Carbon, render and agent as three processes: render sees what waits in the cache of another carbon.

use std::fs;

use crate::stack::{Plumbago, folder, now, path, wait_for};

#[test]
fn three_processes_work_as_one() {
    let folder = folder();
    let data = folder.path().join("data");
    let carbon_config = folder.path().join("carbon.toml");
    // An hour in the cache: what render shows in this test cannot come from a file.
    let text = format!(
        "[store]\ndata = {data:?}\n[carbon]\nplaintext = [\"127.0.0.1:0\"]\ncarbonlink = [\"127.0.0.1:0\"]\nmax-wait = \"1h\"\n"
    );
    fs::write(&carbon_config, text).unwrap();
    let carbon = Plumbago::start(folder.path(), &["carbon", "--config", path(&carbon_config)]);

    let render_config = folder.path().join("render.toml");
    let link = carbon.carbonlink.as_ref().expect("carbon says where it answers cache queries");
    let text = format!("[store]\ndata = {data:?}\ncarbonlink = {link:?}\n[http]\nlisten = \"127.0.0.1:0\"\n");
    fs::write(&render_config, text).unwrap();
    let render = Plumbago::start(folder.path(), &["render", "--config", path(&render_config)]);

    carbon.send(&format!("waits.in.memory 3 {}\n", now()));
    let values =
        wait_for("the waiting point", || Some(render.points("waits.in.*")).filter(|points| !points.is_empty()));
    assert_eq!(values[0].1, 3.0);

    let agent_config = folder.path().join("agent.toml");
    let text = format!(
        "[agent]\nhost = \"probe\"\ninterval = \"1s\"\ndestination = {:?}\n",
        carbon.plaintext.as_ref().unwrap()
    );
    fs::write(&agent_config, text).unwrap();
    let agent = Plumbago::start(folder.path(), &["agent", "--config", path(&agent_config)]);
    wait_for("the agent's load", || (!render.points("servers.probe.loadavg.01").is_empty()).then_some(()));

    assert!(agent.terminate().success());
    assert!(render.terminate().success());
    assert!(carbon.terminate().success());
    assert!(data.join("whisper/waits/in/memory.wsp").exists(), "SIGTERM leaves nothing in memory");
}
