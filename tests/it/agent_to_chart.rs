//! From this host's counters to a picture, with nothing but `up`.

use crate::stack::{Plumbago, folder, wait_for};

#[test]
fn this_hosts_cpu_is_on_the_first_chart() {
    let folder = folder();
    let plumbago = Plumbago::up(folder.path(), &[]);
    let chart = plumbago.printed.lines().find_map(|line| line.strip_prefix("chart")).expect("it prints a first chart");
    let url = chart.trim().strip_prefix(plumbago.http.as_deref().unwrap()).expect("on its own address").to_owned();

    wait_for("this host's CPU", || (!plumbago.points("servers.*.cpu.total.user").is_empty()).then_some(()));
    let picture = plumbago.get(&url);
    assert_eq!((picture.status, picture.kind.as_str()), (200, "image/png"));
    assert!(picture.body.starts_with(b"\x89PNG"));
    let series = plumbago.json(&format!("{url}&format=json"));
    assert!(
        series.as_array().is_some_and(|series| series.len() > 2),
        "the chart has a line per kind of time: {series}"
    );

    for name in ["memory.MemTotal", "loadavg.01", "diskspace.*.byte_free", "agent.collectors.*.run_ms"] {
        let values = wait_for(name, || {
            let points = plumbago.points(&format!("servers.*.{name}"));
            (!points.is_empty()).then_some(points)
        });
        assert!(values.iter().all(|(_, value)| value.is_finite() && *value >= 0.0), "{name}: {values:?}");
    }
    assert!(plumbago.terminate().success());
}
