//! The real collectd sends to our port.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use golden::peer;

use crate::stack::{Plumbago, folder, path, wait_for};

struct Collectd(Child);

impl Drop for Collectd {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn what_collectd_writes_can_be_charted() {
    let Some(program) = ["/usr/sbin/collectd", "/usr/local/sbin/collectd"].iter().find(|path| Path::new(path).exists())
    else {
        return peer::skip("collectd", "no collectd is installed");
    };
    let folder = folder();
    let plumbago = Plumbago::up(folder.path(), &["--no-agent"]);
    let (host, port) = plumbago.plaintext.as_ref().unwrap().rsplit_once(':').unwrap();
    let config = folder.path().join("collectd.conf");
    let text = format!(
        r#"
Hostname "testhost"
Interval 1
BaseDir "{base}"
PIDFile "{base}/collectd.pid"
LoadPlugin load
LoadPlugin memory
LoadPlugin write_graphite
<Plugin write_graphite>
  <Node "plumbago">
    Host "{host}"
    Port "{port}"
    Protocol "tcp"
    Prefix "collectd."
  </Node>
</Plugin>
"#,
        base = path(folder.path()),
    );
    fs::write(&config, text).unwrap();
    let child =
        Command::new(program).args(["-f", "-C", path(&config)]).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let _collectd = Collectd(child.unwrap());

    let load = wait_for("collectd's load", || {
        Some(plumbago.points("collectd.testhost.load.load.shortterm")).filter(|points| !points.is_empty())
    });
    assert!(load.iter().all(|(_, value)| *value >= 0.0));
    let found = plumbago.json("/metrics/find?query=collectd.testhost.memory.*");
    assert!(found.as_array().is_some_and(|names| names.len() > 2), "{found}");
    assert!(plumbago.terminate().success());
    assert!(folder.path().join("data/whisper/collectd/testhost/load/load/shortterm.wsp").exists());
}
