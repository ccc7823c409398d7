//! `[carbon]`: what is taken in, how much of it waits, and how it is written.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use carbon_storage::{NameList, NameLists, RuleError};
use serde::Deserialize;
use tracing::warn;

use crate::cache::Strategy;
use crate::watchdog::Patience;

/// All options of the daemon; an unknown key is an error.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// Where lines are taken in over TCP; port 0 takes a free one. Default ["127.0.0.1:2003"].
    pub plaintext: Vec<SocketAddr>,
    /// Where pickles are taken in over TCP, as carbon relays send them. Default [], nowhere.
    pub pickle: Vec<SocketAddr>,
    /// Where lines are taken in as datagrams. Nobody hears of a lost one but our counters. Default [], nowhere.
    pub udp: Vec<SocketAddr>,
    /// Bytes of datagrams the kernel keeps for us, as far as `net.core.rmem_max` allows; 0 leaves its own default.
    /// Default 4 MiB.
    pub udp_buffer: usize,
    /// Paths at which lines are taken in over unix sockets. Default [], nowhere.
    pub unix: Vec<PathBuf>,
    /// Who may connect there, as file permissions. Default 0o660: the owner and the group.
    pub unix_mode: u32,
    /// Where other processes, such as a separate renderer, may ask for waiting points. Default [], nowhere.
    pub carbonlink: Vec<SocketAddr>,
    /// Longest line in bytes; a longer one is refused and the connection goes on. Default 16 384.
    pub max_line: usize,
    /// Longest body of a pickle in bytes; a longer one closes the connection. Default 1 MiB.
    pub max_frame: usize,
    /// Bytes of unfinished lines and pickles held for all connections, beyond 4 KiB each; when it is passed, the
    /// connection that has been unfinished for longest is closed. Default 64 MiB.
    pub max_unfinished: usize,
    /// Connections held at once by all listeners; further ones wait in the kernel's queue. Default 20 000.
    pub max_connections: usize,
    /// Connections held at once by one address; further ones are closed. Unix sockets know no address. Default 15 000, so
    /// that one address leaves places for others.
    pub max_connections_per_peer: usize,
    /// Whether each TCP connection for lines or pickles begins with a PROXY header, version 1 or 2, that names the peer;
    /// one that does not is closed. Default false.
    pub proxy_protocol: bool,
    /// How long a peer may take until its next line or pickle is whole before its connection is closed. Default "1h".
    #[serde(with = "humantime_serde")]
    pub idle_timeout: Duration,
    /// How far ahead of our clock a timestamp may be. Default "10m".
    #[serde(with = "humantime_serde")]
    pub future_limit: Duration,
    /// Timestamps are rounded down to a multiple of this many whole seconds; "0s" leaves them. Default "0s".
    #[serde(with = "humantime_serde")]
    pub min_resolution: Duration,
    /// Carbon's `whitelist.conf`: when it has any pattern, only names in which one is found come in. Default none.
    pub allow_list: Option<PathBuf>,
    /// Carbon's `blacklist.conf`: names in which one of its patterns is found stay outside. Default none.
    pub deny_list: Option<PathBuf>,
    /// Bytes that waiting points may take up in memory; at four fifths of it listeners stop reading. A series takes up
    /// 48, its points some 3 to 9 each. A share of the limit of the whole process, so not in this table. Default 256 MiB.
    #[serde(skip)]
    pub max_bytes: usize,
    /// How long listeners stop reading for a cache that does not empty, before they let points in and the oldest of the
    /// noisiest prefix go. Default "1m".
    #[serde(with = "humantime_serde")]
    pub stall_for: Duration,
    /// Longest a point waits while the store keeps up; waiting gathers several points of a series into one write.
    /// Default: 30 steps of the series' finest archive, between 10 seconds and an hour.
    #[serde(with = "humantime_serde")]
    pub max_wait: Option<Duration>,
    /// In which order due series are written, as carbon's CACHE_WRITE_STRATEGY: "disk", in the order of their files, or
    /// "sorted", "max", "bucketmax", "timesorted", "naive". Default "disk".
    pub write_strategy: Strategy,
    /// With "timesorted", how old the oldest point of a series has to be, as carbon's MIN_TIMESTAMP_LAG. Default "0s".
    #[serde(with = "humantime_serde")]
    pub min_timestamp_lag: Duration,
    /// Series written a second by all writers together, as carbon's MAX_UPDATES_PER_SECOND; 0 for no limit. Default 0.
    pub updates_per_second: u32,
    /// Threads that write. One keeps up with what it need not read back, and spent about a seventh less CPU on it than two
    /// that meet in the kernel (benches/compare/ingest, scenario B); more help where the tree's metadata does not fit
    /// into memory. Default 1.
    pub writers: usize,
    /// How long a stop writes what waits before it leaves the rest to the journal, for the next start; without a journal,
    /// how long it tries again to store what the store refuses. Default "3s".
    #[serde(with = "humantime_serde")]
    pub drain_for: Duration,
    /// How often the daemon's own counters are stored as `carbon.agents.<host>.*`; "0s" never. Default "60s".
    #[serde(with = "humantime_serde")]
    pub report_interval: Duration,
    /// How long a trouble may last before health turns red; not in this table. Default 30 s without a due write, 5 s
    /// without a ready journal.
    #[serde(skip)]
    pub patience: Patience,
    /// The `<host>` in those names, with dots made underscores. Default "", this machine's name.
    pub host: String,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            plaintext: vec![SocketAddr::from(([127, 0, 0, 1], 2003))],
            pickle: Vec::new(),
            udp: Vec::new(),
            udp_buffer: 4 << 20,
            unix: Vec::new(),
            unix_mode: 0o660,
            carbonlink: Vec::new(),
            max_line: carbon_line::decoder::LONGEST_LINE,
            max_frame: carbon_line::frame::LONGEST_FRAME,
            max_unfinished: 64 << 20,
            max_connections: 20_000,
            max_connections_per_peer: 15_000,
            proxy_protocol: false,
            idle_timeout: Duration::from_secs(3600),
            future_limit: Duration::from_secs(600),
            min_resolution: Duration::ZERO,
            allow_list: None,
            deny_list: None,
            max_bytes: 256 << 20,
            stall_for: Duration::from_secs(60),
            max_wait: None,
            write_strategy: Strategy::Disk,
            min_timestamp_lag: Duration::ZERO,
            updates_per_second: 0,
            writers: 1,
            drain_for: Duration::from_secs(3),
            report_interval: Duration::from_secs(60),
            patience: Patience::default(),
            host: String::new(),
        }
    }
}

impl Config {
    /// Reads the allow and the deny list, and warns of lines that carbon, too, would pass over.
    ///
    /// # Errors
    /// Names the file and the line that cannot be used; a file that is named here must be there.
    pub fn lists(&self) -> Result<NameLists, RuleError> {
        let read = |path: &Option<PathBuf>| path.as_deref().map_or(Ok(NameList::default()), NameList::read);
        let lists = NameLists { allow: read(&self.allow_list)?, deny: read(&self.deny_list)? };
        for reason in lists.allow.skipped.iter().chain(&lists.deny.skipped) {
            warn!(reason, "A line of the allow or deny list is passed over.");
        }
        Ok(lists)
    }

    /// These options for a daemon that takes nothing in and only writes what is there.
    pub fn without_listeners(self) -> Config {
        let (plaintext, pickle, udp, unix, carbonlink) = Default::default();
        Config { plaintext, pickle, udp, unix, carbonlink, report_interval: Duration::ZERO, ..self }
    }

    /// Every value that makes no sense, each with its key; empty when all is well.
    pub fn validate(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut at_least_one = |key: &str, value: usize| {
            if value == 0 {
                faults.push(format!("carbon.{key} is 0, expected at least 1"));
            }
        };
        at_least_one("max-line", self.max_line);
        at_least_one("max-frame", self.max_frame);
        at_least_one("max-connections", self.max_connections);
        at_least_one("max-connections-per-peer", self.max_connections_per_peer);
        at_least_one("max-bytes", self.max_bytes);
        at_least_one("writers", self.writers);
        if self.max_unfinished < self.max_line.max(self.max_frame) {
            faults.push("carbon.max-unfinished is below max-line or max-frame, which would never fit".to_owned());
        }
        if self.idle_timeout.is_zero() {
            faults.push("carbon.idle-timeout is 0s, which would close every connection at once".to_owned());
        }
        faults
    }
}
