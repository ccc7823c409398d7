//! The daemon's own counters as metrics, under the names carbon gives them.

use std::sync::Arc;
use std::time::Duration;

use carbon_line::MetricName;
use tokio_util::sync::CancellationToken;
use whisper::{Point, Timestamp};

use crate::batch::Batch;
use crate::intake::{Intake, now, seconds};
use crate::stats::Snapshot;

/// Feeds the counters through the cache each `interval` until `stop` fires.
pub(crate) async fn run(intake: Arc<Intake>, interval: Duration, host: String, stop: CancellationToken) {
    let prefix = format!("carbon.agents.{}", instance(&host));
    let mut before = intake.stats.snapshot();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(interval) => {}
        }
        let after = intake.stats.snapshot();
        let time = Timestamp::saturating_from(now() as i64);
        let mut batch = Batch::new();
        for (name, value) in metrics(&before, &after, intake.cache.points(), intake.cache.series()) {
            if let Ok(name) = MetricName::parse(&format!("{prefix}.{name}")) {
                batch.push((intake.names.intern(&name), Point { time, value }));
            }
        }
        intake.cache.insert(&batch, 0, seconds());
        before = after;
    }
}

/// The host as one part of a name.
fn instance(host: &str) -> String {
    let kernel = || std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = if host.is_empty() { kernel() } else { host.to_owned() };
    let host = host.trim().replace(['.', '/'], "_");
    if host.is_empty() { "localhost".to_owned() } else { host }
}

/// What happened since the last report, and what is now. Averages appear only when something happened.
fn metrics(before: &Snapshot, after: &Snapshot, points: usize, series: usize) -> Vec<(String, f64)> {
    let since = |counter: fn(&Snapshot) -> u64| counter(after).saturating_sub(counter(before)) as f64;
    let updates = since(|stats| stats.updates);
    let stored = since(|stats| stats.stored);
    let mut out = vec![
        ("metricsReceived", since(|stats| stats.received)),
        ("committedPoints", stored),
        ("updateOperations", updates),
        ("creates", since(|stats| stats.creates)),
        ("errors", since(|stats| stats.errors)),
        ("dropped", since(|stats| stats.dropped)),
        ("activeConnections", after.connections as f64),
        ("connections.turnedAway", since(|stats| stats.turned_away)),
        ("connections.broken", since(|stats| stats.broken)),
        ("connections.timedOut", since(|stats| stats.timeouts)),
        ("udp.datagrams", since(|stats| stats.datagrams)),
        ("udp.kernelDrops", since(|stats| stats.kernel_drops)),
        ("cache.size", points as f64),
        ("cache.queues", series as f64),
        ("cache.queries", since(|stats| stats.queries)),
        ("cache.bulk_queries", since(|stats| stats.bulk_queries)),
        ("cache.overflow", 0.0),
        ("cache.overwritten", since(|stats| stats.overwritten)),
        ("cache.pauses", since(|stats| stats.pauses)),
    ];
    if updates > 0.0 {
        out.push(("pointsPerUpdate", stored / updates));
        out.push(("avgUpdateTime", since(|stats| stats.update_micros) / 1e6 / updates));
    }
    let refused = before
        .refused
        .iter()
        .zip(&after.refused)
        .map(|(before, after)| (format!("refused.{}", after.0), after.1.saturating_sub(before.1) as f64));
    out.into_iter().map(|(name, value)| (name.to_owned(), value)).chain(refused).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Stats;

    #[test]
    fn a_report_tells_what_happened_since_the_last() {
        let stats = Stats::default();
        let before = stats.snapshot();
        stats.refuse(carbon_line::Reject::Value);
        let after = Snapshot { updates: 2, stored: 5, ..stats.snapshot() };
        let metrics = metrics(&before, &after, 7, 3);
        let value = |name: &str| metrics.iter().find(|(found, _)| found == name).map(|(_, value)| *value);
        assert_eq!((value("refused.value"), value("refused.time")), (Some(1.0), None));
        assert_eq!((value("pointsPerUpdate"), value("cache.size")), (Some(2.5), Some(7.0)));
    }

    #[test]
    fn a_host_is_one_part_of_a_name() {
        assert_eq!(instance("web01.example.org"), "web01_example_org");
        assert!(!instance("").contains('.'));
    }
}
