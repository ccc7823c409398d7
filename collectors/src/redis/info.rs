//! The text of `INFO`: `key:value` lines below headings.

use crate::ask::Place;
use crate::proc::{lines, text};
use crate::{Fail, Out, Slot};

/// A key, and group and name of its metric.
pub(super) type Name = (&'static str, [&'static str; 2]);

/// All names, or those that Diamond has.
pub(super) fn names(diamond: bool) -> &'static [Name] {
    if diamond { &NAMES[..NAMES.len() - 1] } else { &NAMES }
}

/// Keys of Redis, those of before 2.6 too, and what Diamond calls them. The last is ours.
const NAMES: [Name; 27] = [
    ("blocked_clients", ["clients", "blocked"]),
    ("connected_clients", ["clients", "connected"]),
    ("client_longest_output_list", ["clients", "longest_output_list"]),
    ("used_cpu_sys", ["cpu.parent", "sys"]),
    ("used_cpu_sys_children", ["cpu.children", "sys"]),
    ("used_cpu_user", ["cpu.parent", "user"]),
    ("used_cpu_user_children", ["cpu.children", "user"]),
    ("evicted_keys", ["keys", "evicted"]),
    ("expired_keys", ["keys", "expired"]),
    ("keyspace_hits", ["keyspace", "hits"]),
    ("keyspace_misses", ["keyspace", "misses"]),
    ("rdb_changes_since_last_save", ["last_save", "changes_since"]),
    ("changes_since_last_save", ["last_save", "changes_since"]),
    ("rdb_last_save_time", ["last_save", "time"]),
    ("last_save_time", ["last_save", "time"]),
    ("used_memory", ["memory", "internal_view"]),
    ("used_memory_rss", ["memory", "external_view"]),
    ("mem_fragmentation_ratio", ["memory", "fragmentation_ratio"]),
    ("total_commands_processed", ["process", "commands_processed"]),
    ("total_connections_received", ["process", "connections_received"]),
    ("uptime_in_seconds", ["process", "uptime"]),
    ("pubsub_channels", ["pubsub", "channels"]),
    ("pubsub_patterns", ["pubsub", "patterns"]),
    ("master_sync_in_progress", ["replication", "master_sync_in_progress"]),
    ("connected_slaves", ["slaves", "connected"]),
    ("master_last_io_seconds_ago", ["slaves", "last_io"]),
    ("rejected_connections", ["process", "connections_rejected"]),
];

/// Publishes what `info` of the server at `place` says below `redis.INSTANCE`, all as gauges with the digits they have.
///
/// # Errors
/// [`Fail::Parse`] when it is no text of Redis.
pub(super) fn publish(
    instance: &str,
    place: &Place,
    info: &[u8],
    (names, databases): (&[Name], usize),
    slot: Slot,
    out: &mut Out,
) -> Result<(), Fail> {
    let before = out.len();
    let (mut used, mut limit) = (None, None);
    for (_, line) in lines(info) {
        let Some((key, value)) = text(line).and_then(|line| line.trim_end().split_once(':')) else { continue };
        match key {
            "role" => publish_role(instance, value == "master", out),
            "master_link_status" => gauge(out, instance, ["replication", "master_link_status"], bit(value == "up")),
            "used_memory" => used = value.parse::<f64>().ok(),
            "maxmemory" => limit = value.parse::<f64>().ok(),
            "rdb_last_save_time" | "last_save_time" => {
                if let Ok(saved) = value.parse::<i64>() {
                    let since = slot.time.as_i64().saturating_sub(saved);
                    gauge(out, instance, ["last_save", "time_since"], &since.to_string());
                }
            }
            _ => {}
        }
        if let Some((_, name)) = names.iter().find(|(known, _)| *known == key) {
            gauge(out, instance, *name, value);
        }
        let database = key.strip_prefix("db").and_then(|number| number.parse::<usize>().ok());
        if database.is_some_and(|number| number < databases) {
            for (name, value) in value.split(',').filter_map(|pair| pair.split_once('=')) {
                gauge(out, instance, [key, name], value);
            }
        }
    }
    if out.len() == before {
        return Err(Fail::parse(place.to_string(), 1, "lines of `key:value`, as INFO has them", info));
    }
    if let (Some(used), Some(limit)) = (used, limit) {
        let percent = if limit > 0.0 { 100.0 * used / limit } else { 0.0 };
        out.gauge(&["redis", instance, "memory", "used_percent"], percent).decimals(2);
    }
    Ok(())
}

/// A master has no master, so nothing is to be synchronized.
fn publish_role(instance: &str, master: bool, out: &mut Out) {
    gauge(out, instance, ["replication", "master"], bit(master));
    if master {
        gauge(out, instance, ["replication", "master_sync_in_progress"], "0");
        gauge(out, instance, ["replication", "master_link_status"], "0");
    }
}

fn bit(set: bool) -> &'static str {
    if set { "1" } else { "0" }
}

/// Publishes a number with as many decimals as it has.
fn gauge(out: &mut Out, instance: &str, [group, name]: [&str; 2], value: &str) {
    // `1e5`, `inf` and the like are no numbers of Redis.
    let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-'));
    let Some(number) = value.parse::<f64>().ok().filter(|_| digits) else { return };
    let decimals = value.split_once('.').map_or(0, |(_, decimals)| decimals.len().min(9));
    let mut parts = ["redis", instance, "", "", ""];
    let mut length = 2;
    for part in group.split('.').chain([name]) {
        parts[length] = part;
        length += 1;
    }
    out.gauge(&parts[..length], number).decimals(u8::try_from(decimals).unwrap_or(9));
}
