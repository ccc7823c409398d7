//! What this host asks of NFS servers, from `/proc/net/rpc/nfs`. Names are those of Diamond's NfsCollector.

use std::time::Duration;

use serde::Deserialize;

use crate::proc::{ProcFile, fields, lines, number};
use crate::rpc::{PROC2, PROC3, Row, publish, publish_count};
use crate::{Class, Collector, Fail, Made, Out, Site, Slot, Spec};

const ROWS: [Row; 4] = [
    Row { word: "net", group: &["net"], names: &["packets", "udpcnt", "tcpcnt", "tcpconn"] },
    Row { word: "rpc", group: &["rpc"], names: &["calls", "retrans", "authrefrsh"] },
    PROC2,
    PROC3,
];

/// Procedures of NFS 4 behind the number of them; those behind `rel_lkowner` as they stand since Linux 3.13. Before it
/// their order changed from kernel to kernel.
const PROC4: Row = Row {
    word: "proc4",
    group: &["v4"],
    names: &[
        "",
        "null",
        "read",
        "write",
        "commit",
        "open",
        "open_conf",
        "open_noat",
        "open_dgrd",
        "close",
        "setattr",
        "fsinfo",
        "renew",
        "setclntid",
        "confirm",
        "lock",
        "lockt",
        "locku",
        "access",
        "getattr",
        "lookup",
        "lookup_root",
        "remove",
        "rename",
        "link",
        "symlink",
        "create",
        "pathconf",
        "statfs",
        "readlink",
        "readdir",
        "server_caps",
        "delegreturn",
        "getacl",
        "setacl",
        "fs_locations",
        "rel_lkowner",
        "secinfo",
        "fsid_present",
        "exchange_id",
        "create_ses",
        "destroy_ses",
        "sequence",
        "get_lease_t",
        "reclaim_comp",
        "layoutget",
        "getdevinfo",
        "layoutcommit",
        "layoutreturn",
        "secinfo_no",
        "test_stateid",
        "free_stateid",
        "getdevlist",
        "bind_conn_to_ses",
        "destroy_clientid",
        "seek",
        "allocate",
        "deallocate",
        "layoutstats",
        "clone",
        "copy",
        "offload_cancel",
        "lookupp",
        "layouterror",
        "copy_notify",
        "getxattr",
        "setxattr",
        "listxattrs",
        "removexattr",
        "read_plus",
    ],
};

/// How many of them stand in the same place on every kernel.
const STEADY: usize = 37;

/// What Diamond has behind those, from the time when these were new; the last name had been there before.
const DIAMOND: [&str; 14] = [
    "exchange_id",
    "create_ses",
    "destroy_ses",
    "sequence",
    "get_lease_t",
    "reclaim_comp",
    "layoutget",
    "layoutcommit",
    "layoutreturn",
    "getdevlist",
    "getdevinfo",
    "ds_write",
    "ds_commit",
    "getdevlist",
];

/// How many procedures of NFS 4 Linux 3.13 counts.
const LATER: u64 = 54;

/// `[collectors.nfs]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Options {}

struct Nfs {
    rpc: ProcFile,
    diamond: bool,
}

pub(crate) fn build(site: &Site, options: toml::Table) -> Made {
    let Options {} = options.try_into()?;
    Ok(Box::new(Nfs { rpc: ProcFile::new(site.path("proc/net/rpc/nfs")), diamond: site.is_diamond() }))
}

impl Collector for Nfs {
    fn spec(&self) -> Spec {
        Spec { name: "nfs", class: Class::Fast, default_interval: None, deadline: Duration::from_secs(1) }
    }

    fn run(&mut self, _: Slot, out: &mut Out) -> Result<(), Fail> {
        let (path, table) = self.rpc.read()?;
        publish(path, table, "nfs", &ROWS, out)?;
        let (steady, _) = PROC4.names.split_at(STEADY);
        let Some((at, line)) = lines(table).find(|(_, line)| line.starts_with(b"proc4 ")) else { return Ok(()) };
        let counted = fields(line).nth(1).and_then(number).unwrap_or_default();
        let names = if self.diamond || counted < LATER { steady } else { PROC4.names };
        publish(path, table, "nfs", &[Row { names, ..PROC4 }], out)?;
        if self.diamond {
            let counts: Vec<&[u8]> = fields(line).skip(1 + STEADY).take(DIAMOND.len()).collect();
            for (nth, (name, digits)) in DIAMOND.iter().zip(&counts).enumerate() {
                // Of two with one name the later one is sent.
                if !DIAMOND[nth + 1..counts.len()].contains(name) {
                    publish_count(path, at, &["nfs", "v4", name], digits, out)?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
