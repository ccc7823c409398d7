//! What this host asks of NFS servers, from `/proc/net/rpc/nfs`. Names are those of Diamond's NfsCollector.

use std::time::Duration;

use serde::Deserialize;

use crate::proc::{ProcFile, fields, lines, number};
use crate::rpc::{PROC2, PROC3, Row, publish};
use crate::{Class, Collector, Fail, Made, Out, Site, Slot, Spec};

const ROWS: [Row; 4] = [
    Row { word: "net", group: &["net"], names: &["packets", "udpcnt", "tcpcnt", "tcpconn"] },
    Row { word: "rpc", group: &["rpc"], names: &["calls", "retrans", "authrefrsh"] },
    PROC2,
    PROC3,
];

/// Procedures of NFS 4 as every kernel numbers them, behind the number of them.
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
    ],
};

/// The same with what follows since Linux 3.13; before it the order behind `rel_lkowner` changed from kernel to kernel.
const PROC4_LATER: Row = Row {
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

/// How many procedures of NFS 4 Linux 3.13 counts.
const LATER: u64 = 54;

/// `[collectors.nfs]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Options {}

struct Nfs {
    rpc: ProcFile,
}

pub(crate) fn build(site: &Site, options: toml::Table) -> Made {
    let Options {} = options.try_into()?;
    Ok(Box::new(Nfs { rpc: ProcFile::new(site.path("proc/net/rpc/nfs")) }))
}

impl Collector for Nfs {
    fn spec(&self) -> Spec {
        Spec { name: "nfs", class: Class::Fast, default_interval: None, deadline: Duration::from_secs(1) }
    }

    fn run(&mut self, _: Slot, out: &mut Out) -> Result<(), Fail> {
        let (path, table) = self.rpc.read()?;
        publish(path, table, "nfs", &ROWS, out)?;
        let counted = lines(table).find(|(_, line)| line.starts_with(b"proc4 "));
        let counted = counted.and_then(|(_, line)| fields(line).nth(1)).and_then(number).unwrap_or_default();
        let row = if counted < LATER { PROC4 } else { PROC4_LATER };
        publish(path, table, "nfs", &[row], out)
    }
}

#[cfg(test)]
mod tests;
