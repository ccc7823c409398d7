//! Datagrams that the kernel dropped because nobody had read those before them, as `/proc/net/udp` counts them.
//!
//! The socket itself would tell through `SO_RXQ_OVFL`, but only beside the next datagram that gets through, and after a
//! burst there may be none.

use std::fs;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::stats::Stats;

/// How often the kernel is asked.
const EVERY: Duration = Duration::from_secs(1);

/// The tables of sockets, for the old and the new addresses.
const TABLES: [&str; 2] = ["/proc/net/udp", "/proc/net/udp6"];

/// Follows the kernel's count for one socket.
#[derive(Debug)]
pub(crate) struct KernelDrops {
    stats: Arc<Stats>,
    inode: u64,
    seen: u32,
}

impl KernelDrops {
    /// For a socket of which `seen` drops have been counted already.
    pub(crate) fn of(socket: impl AsFd, stats: Arc<Stats>, seen: u32) -> KernelDrops {
        let inode = rustix::fs::fstat(socket).map_or(0, |found| found.st_ino);
        KernelDrops { stats, inode, seen }
    }

    /// What has been counted.
    pub(crate) fn seen(&self) -> u32 {
        self.seen
    }

    /// Looks once a second until `stop` fires, and gives itself back for a last look.
    pub(crate) async fn follow(mut self, stop: CancellationToken) -> Option<KernelDrops> {
        while stop.run_until_cancelled(tokio::time::sleep(EVERY)).await.is_some() {
            self = self.look().await?;
        }
        Some(self)
    }

    /// Counts what was dropped since the last look. `None` when the runtime ends.
    pub(crate) async fn look(mut self) -> Option<KernelDrops> {
        // The table is made while it is read, and is long where many sockets are.
        let looked = tokio::task::spawn_blocking(move || {
            if let Some(drops) = drops(&tables(), self.inode) {
                // The kernel counts in 32 bits, and goes round.
                self.stats.kernel_drops.fetch_add(u64::from(drops.wrapping_sub(self.seen)), Relaxed);
                self.seen = drops;
            }
            self
        });
        looked.await.ok()
    }
}

fn tables() -> String {
    TABLES.into_iter().filter_map(|table| fs::read_to_string(table).ok()).collect()
}

/// The last column of the row that has `inode` in its tenth.
fn drops(tables: &str, inode: u64) -> Option<u32> {
    let inode = inode.to_string();
    let row = tables.lines().find(|row| row.split_ascii_whitespace().nth(9) == Some(inode.as_str()))?;
    row.split_ascii_whitespace().next_back()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_is_found_by_its_inode() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n  \
                     711: 0100007F:07D3 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 40121 2 0000000000000000 17\n  \
                     712: 0100007F:07D4 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 40122 2 0000000000000000 0\n";
        assert_eq!((drops(table, 40121), drops(table, 40122), drops(table, 4012)), (Some(17), Some(0), None));
    }
}
