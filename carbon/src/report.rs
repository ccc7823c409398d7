//! The daemon's own counters as metrics, under the names carbon gives them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use carbon_journal::Journal;
use carbon_line::{MetricName, Reject};
use tokio_util::sync::CancellationToken;
use whisper::{Point, Timestamp};

use crate::batch::Batch;
use crate::clock::now;
use crate::intake::Intake;
use crate::stats::Snapshot;
use crate::usage;

/// Feeds the counters through the cache each `interval` until `stop` fires.
pub(crate) async fn run(intake: Arc<Intake>, interval: Duration, host: String, stop: CancellationToken) {
    let prefix = format!("carbon.agents.{}", instance(&host));
    let mut before = intake.stats.snapshot();
    let mut usage = Usage::begin();
    let mut journal = intake.journal.clone().map(journal_numbers);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(interval) => {}
        }
        let after = intake.stats.snapshot();
        let time = Timestamp::saturating_from(now() as i64);
        let mut batch = Batch::new();
        let counted = metrics(&before, &after, intake.cache.points(), intake.cache.series());
        let more = journal.iter_mut().flat_map(|numbers| numbers()).chain(intake.others.numbers());
        for (name, value) in counted.into_iter().chain(usage.next()).chain(more) {
            if let Ok(name) = MetricName::parse(&format!("{prefix}.{name}")) {
                batch.push((intake.names.intern(&name), Point { time, value }));
            }
        }
        intake.accept_own(&mut batch);
        before = after;
    }
}

/// How large the journal is, and the seconds that the disk took to make points safe.
fn journal_numbers(journal: Arc<Journal>) -> impl FnMut() -> Vec<(String, f64)> {
    let mut before = journal.snapshot();
    move || {
        let now = journal.snapshot();
        let syncs = now.syncs.saturating_sub(before.syncs);
        let mean = now.sync_time.saturating_sub(before.sync_time).as_secs_f64() / syncs as f64;
        let mut out = vec![
            ("journal.bytes".to_owned(), now.bytes_on_disk as f64),
            ("journal.segments".to_owned(), now.segments as f64),
            ("journal.longestSyncTime".to_owned(), now.longest_sync.as_secs_f64()),
        ];
        if syncs > 0 {
            out.push(("journal.avgSyncTime".to_owned(), mean));
        }
        before = now;
        out
    }
}

/// CPU time and memory, as carbon's `cpuUsage` (per cent of one processor) and `memUsage` (bytes).
struct Usage {
    cpu: Option<Duration>,
    at: Instant,
}

impl Usage {
    fn begin() -> Usage {
        Usage { cpu: usage::cpu_time(), at: Instant::now() }
    }

    /// What was used since the last time.
    fn next(&mut self) -> impl Iterator<Item = (String, f64)> + use<> {
        let (before, now) = (std::mem::replace(self, Usage::begin()), Instant::now());
        let passed = now.saturating_duration_since(before.at).as_secs_f64();
        let spent = before.cpu.zip(self.cpu).map(|(before, now)| now.saturating_sub(before).as_secs_f64());
        let cpu = spent.filter(|_| passed > 0.0).map(|spent| ("cpuUsage".to_owned(), 100.0 * spent / passed));
        let memory = usage::resident_bytes().map(|bytes| ("memUsage".to_owned(), bytes as f64));
        cpu.into_iter().chain(memory)
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
        // New series wait for their turn here; none is dropped.
        ("droppedCreates", 0.0),
        ("errors", since(|stats| stats.errors)),
        ("dropped", since(|stats| stats.dropped)),
        ("blacklistMatches", since(|stats| stats.refused(Reject::Denied.reason()))),
        ("whitelistRejects", since(|stats| stats.refused(Reject::NotAllowed.reason()))),
        ("activeConnections", after.connections as f64),
        ("connections.turnedAway", since(|stats| stats.turned_away)),
        ("connections.broken", since(|stats| stats.broken)),
        ("connections.timedOut", since(|stats| stats.timeouts)),
        ("connections.evicted", since(|stats| stats.evicted)),
        ("udp.datagrams", since(|stats| stats.datagrams)),
        ("udp.kernelDrops", since(|stats| stats.kernel_drops)),
        ("cache.size", points as f64),
        ("cache.queues", series as f64),
        ("cache.queries", since(|stats| stats.queries)),
        ("cache.bulk_queries", since(|stats| stats.bulk_queries)),
        ("cache.overflow", since(|stats| stats.shed)),
        ("cache.overwritten", since(|stats| stats.overwritten)),
        ("cache.pauses", since(|stats| stats.pauses)),
    ];
    if updates > 0.0 {
        out.push(("pointsPerUpdate", stored / updates));
        out.push(("avgUpdateTime", since(|stats| stats.update_micros) / 1e6 / updates));
    }
    let bulk = since(|stats| stats.bulk_queries);
    if bulk > 0.0 {
        out.push(("cache.bulk_queries_average_size", since(|stats| stats.bulk_names) / bulk));
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
    fn lists_and_bulk_queries_have_the_names_that_carbon_gives_them() {
        let stats = Stats::default();
        let before = stats.snapshot();
        for reject in [Reject::Denied, Reject::Denied, Reject::Denied, Reject::NotAllowed] {
            stats.refuse(reject);
        }
        let after = Snapshot { bulk_queries: 2, bulk_names: 9, shed: 4, ..stats.snapshot() };
        let metrics = metrics(&before, &after, 0, 0);
        let value = |name: &str| metrics.iter().find(|(found, _)| found == name).map(|(_, value)| *value);
        assert_eq!((value("blacklistMatches"), value("whitelistRejects")), (Some(3.0), Some(1.0)));
        assert_eq!((value("cache.bulk_queries_average_size"), value("cache.overflow")), (Some(4.5), Some(4.0)));
        assert_eq!((value("droppedCreates"), value("pointsPerUpdate")), (Some(0.0), None));
    }

    #[test]
    fn what_is_used_is_told_each_time() {
        let mut usage = Usage::begin();
        let names: Vec<String> = usage.next().map(|(name, _)| name).collect();
        assert!(names.contains(&"memUsage".to_owned()), "{names:?}");
    }

    #[test]
    fn a_host_is_one_part_of_a_name() {
        assert_eq!(instance("web01.example.org"), "web01_example_org");
        assert!(!instance("").contains('.'));
    }
}
