//! A real browser drives the page: `tests/browser/page.mjs` opens, searches, graphs, zooms, saves and looks for faults.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use golden::peer;

use crate::stack::{Plumbago, folder, now, path, wait_for};

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// What an agent would send of a host, with values around which these move.
const SERIES: [(&str, f64); 14] = [
    ("cpu.total.user", 30.0),
    ("cpu.total.nice", 1.0),
    ("cpu.total.system", 10.0),
    ("cpu.total.idle", 155.0),
    ("cpu.total.iowait", 2.0),
    ("cpu.total.irq", 0.0),
    ("cpu.total.softirq", 1.0),
    ("cpu.total.steal", 1.0),
    ("loadavg.01", 1.5),
    ("memory.MemAvailable", 4e9),
    ("memory.MemTotal", 8e9),
    ("diskspace.root.byte_percentfree", 55.0),
    ("network.eth0.rx_bit", 2e6),
    ("network.eth0.tx_bit", 1e6),
];

/// A dashboard from somebody who means harm.
const HOSTILE: &str = r#"{ "title": "<img src=x onerror=alert(1)>",
  "variables": [{ "name": "v", "label": "<b>v</b>", "values": ["</script><script>alert(2)</script>"] }],
  "rows": [{ "title": "<script>alert(3)</script>", "panels": [
    { "kind": "text", "title": "<img src=x onerror=alert(1)>", "text": "<iframe src=javascript:alert(4)></iframe> $v" },
    { "kind": "chart", "title": "$v", "targets": ["alias(servers.web01.loadavg.01,'<img src=x onerror=alert(5)>')"] },
    { "kind": "table", "row": "<b>Host</b>", "link": "javascript:alert(6)",
      "columns": [{ "title": "<i>", "target": "aliasByNode(servers.*.loadavg.01,1)" }] },
    { "kind": "constructor", "title": "__proto__" }] }] }"#;

/// Chromium and the script's packages, or nothing.
pub(crate) fn browser() -> Option<(PathBuf, PathBuf)> {
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser");
    let named = std::env::var_os("PLUMBAGO_CHROMIUM").map(PathBuf::from);
    let chromium = named.unwrap_or_else(|| "/usr/bin/chromium".into());
    let missing = if !chromium.exists() {
        Some("it is not at /usr/bin/chromium; PLUMBAGO_CHROMIUM names another place")
    } else if !Command::new("node").arg("--version").output().is_ok_and(|done| done.status.success()) {
        Some("node is not there, which drives it")
    } else if !scripts.join("node_modules/playwright-core").is_dir() {
        Some("the packages that drive it are not there; run `npm ci` in tests/browser")
    } else {
        None
    };
    if let Some(why) = missing {
        peer::skip("chromium", why);
        return None;
    }
    Some((chromium, scripts))
}

/// Runs a script of the browser's to its good end.
pub(crate) fn drive(scripts: &Path, arguments: &[&str]) {
    let mut script = Command::new("node");
    script.current_dir(scripts).args(arguments);
    // For who wants to see what it saw.
    script.args(std::env::var_os("PLUMBAGO_PICTURES"));
    let done = script.output().unwrap();
    let told = String::from_utf8_lossy(&done.stdout);
    println!("{told}");
    assert!(done.status.success(), "{told}\n{}", String::from_utf8_lossy(&done.stderr));
}

/// Half an hour of three hosts, the third of which has been silent for ten minutes.
fn lines(now: u64) -> String {
    let line = |host: u64, step: u64| {
        let time = now / 5 * 5 - 5 * step;
        SERIES.iter().map(move |(name, base)| {
            let value = base * (1.0 + 0.3 * ((step + 40 * host) as f64 / 40.0).sin());
            format!("servers.web0{host}.{name} {value:.3} {time}\n")
        })
    };
    let steps = |host| if host == 3 { 120..360 } else { 0..360 };
    (1..=3).flat_map(|host| steps(host).flat_map(move |step| line(host, step))).collect()
}

#[test]
fn a_browser_opens_searches_graphs_zooms_and_saves() {
    let Some((chromium, scripts)) = browser() else { return };
    let folder = folder();
    let tokens = folder.path().join("tokens");
    fs::write(&tokens, format!("{TOKEN}\n")).unwrap();
    fs::set_permissions(&tokens, fs::Permissions::from_mode(0o600)).unwrap();
    let config = folder.path().join("plumbago.toml");
    fs::write(&config, format!("[http]\ntoken-file = {:?}\n", path(&tokens))).unwrap();
    let dashboards = folder.path().join("data/dashboards");
    fs::create_dir_all(&dashboards).unwrap();
    fs::write(dashboards.join("hostile.json"), HOSTILE).unwrap();
    fs::write(dashboards.join("broken.json"), "{ \"title\": \"half").unwrap();
    let plumbago = Plumbago::up(folder.path(), &["--no-agent", "--config", path(&config)]);
    plumbago.send(&lines(now()));
    wait_for("the hosts' names", || {
        let found = plumbago.json("/metrics/find?query=servers.*&format=json");
        (found.as_array()?.len() == 3).then_some(())
    });

    drive(&scripts, &["page.mjs", plumbago.http.as_deref().unwrap(), TOKEN, path(&chromium)]);
    assert!(dashboards.join("load-of-all.json").is_file(), "it is a file that can be kept in git");
}
