//! What is asked of a server, and what its answers are called. A column `k1`, `k2` is a part of the name, a column `v` has
//! no name of its own, and every other column whose value is a number is called as the server calls it.

use super::session::Table;
use crate::proc::number;
use crate::{Bits, Out, Style, Unit};

/// A question with the path of its answers.
pub(super) struct Query {
    pub(super) sql: &'static str,
    /// `$1` and `$2` stand for the columns `k1` and `k2`.
    path: &'static [&'static str],
    /// Whether the numbers count events; those in [`GAUGES`] never do.
    counts: bool,
}

const GAUGES: [&str; 7] =
    ["numbackends", "n_live_tup", "n_dead_tup", "n_mod_since_analyze", "n_ins_since_vacuum", "size", "xid_age"];

/// Asked of each server.
pub(super) const SERVER: [Query; 10] = [
    Query {
        sql: "select datname as k1, d.* from pg_stat_database d where datname is not null",
        path: &["database", "$1"],
        counts: true,
    },
    Query {
        sql: "select datname as k1, pg_database_size(oid) as size, age(datfrozenxid) as xid_age from pg_database \
              where datallowconn and has_database_privilege(oid, 'CONNECT')",
        path: &["database", "$1"],
        counts: false,
    },
    Query {
        sql: "select datname as k1, replace(state, ' ', '_') as k2, count(*) as v from pg_stat_activity \
              where datname is not null and state is not null group by 1, 2",
        path: &["$1", "connections", "$2"],
        counts: false,
    },
    Query {
        sql: "select datname as k1, count(*) filter (where wait_event_type = 'Lock') as waiting, \
              coalesce(extract(epoch from max(now() - query_start) filter (where state = 'active')), 0) as query, \
              coalesce(extract(epoch from max(now() - xact_start)), 0) as transaction \
              from pg_stat_activity where datname is not null and pid <> pg_backend_pid() group by 1",
        path: &["$1", "longest_running"],
        counts: false,
    },
    Query {
        sql: "select d.datname as k1, lower(l.mode) as k2, count(*) as v from pg_locks l \
              join pg_database d on d.oid = l.database group by 1, 2",
        path: &["$1", "locks", "$2"],
        counts: false,
    },
    Query { sql: "select * from pg_stat_bgwriter", path: &["bgwriter"], counts: true },
    // Since version 17.
    Query { sql: "select * from pg_stat_checkpointer", path: &["checkpointer"], counts: true },
    Query {
        sql: "select pg_wal_lsn_diff(case when pg_is_in_recovery() then pg_last_wal_receive_lsn() \
              else pg_current_wal_lsn() end, '0/0') as written_byte",
        path: &["wal"],
        counts: true,
    },
    Query {
        sql: "select pg_is_in_recovery()::int as in_recovery, case when pg_is_in_recovery() then \
              coalesce(extract(epoch from now() - pg_last_xact_replay_timestamp()), 0) else 0 end as delay, \
              (select count(*) from pg_stat_replication) as standbys, \
              (select coalesce(max(pg_wal_lsn_diff(case when pg_is_in_recovery() then pg_last_wal_replay_lsn() \
              else pg_current_wal_lsn() end, replay_lsn)), 0) from pg_stat_replication) as lag_byte",
        path: &["replication"],
        counts: false,
    },
    Query {
        sql: "select current_setting('max_connections') as max_connections, \
              (select count(*) from pg_stat_activity where datname is not null) as connections, \
              extract(epoch from now() - pg_postmaster_start_time()) as uptime",
        path: &["server"],
        counts: false,
    },
];

/// Asked of the database that the session is in, when it is wanted.
pub(super) const TABLES: Query = Query {
    sql: "select current_database() as k1, schemaname || '.' || relname as k2, t.* from pg_stat_user_tables t \
          order by relid limit 1000",
    path: &["$1", "tables", "$2"],
    counts: true,
};

/// Publishes `table`, the answer to `query`, below `root`; for Diamond counts as they stand, and without decimals.
pub(super) fn publish(root: &[&str], query: &Query, table: &Table, diamond: bool, out: &mut Out) {
    for row in &table.rows {
        let value = |name: &str| {
            let at = table.columns.iter().position(|column| column == name)?;
            row.get(at)?.as_deref()
        };
        let keys = [value("k1").unwrap_or_default(), value("k2").unwrap_or_default()];
        let mut path: Vec<&str> = root.to_vec();
        for part in query.path {
            match *part {
                "$1" => path.push(keys[0]),
                // `schema.table` is two parts.
                "$2" => path.extend(keys[1].splitn(2, '.')),
                part => path.push(part),
            }
        }
        for (column, value) in table.columns.iter().zip(row) {
            // Numbers of objects and of processes are no numbers.
            let name = matches!(column.as_str(), "k1" | "k2") || column.ends_with("id");
            if let Some(value) = value.as_deref().filter(|_| !name) {
                let counts = query.counts && !diamond && !GAUGES.contains(&column.as_str());
                let digits = if diamond { Style::Decimals(0) } else { Style::Significant(6) };
                publish_value(&mut path, column, value, (counts, digits), out);
            }
        }
    }
}

fn publish_value<'a>(
    path: &mut Vec<&'a str>,
    column: &'a str,
    value: &str,
    (counts, digits): (bool, Style),
    out: &mut Out,
) {
    let named = column != "v";
    if named {
        path.push(column);
    }
    let unit = if column == "size" || column.ends_with("byte") { Unit::Bytes } else { Unit::None };
    match (number(value.as_bytes()), value.parse::<f64>()) {
        (Some(count), _) if counts => drop(out.counter(path, count, Bits::B64).style(digits).unit(unit)),
        (None, Ok(sum)) if counts && sum.is_finite() => drop(out.total(path, sum).style(digits)),
        (Some(number), _) => drop(out.gauge(path, number as f64).unit(unit)),
        (None, Ok(number)) if number.is_finite() => drop(out.gauge(path, number).style(digits)),
        _ => {}
    }
    if named {
        path.pop();
    }
}
