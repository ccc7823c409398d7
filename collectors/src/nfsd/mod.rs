//! What this host does as an NFS server, from `/proc/net/rpc/nfsd`. Names are those of Diamond's NfsdCollector.

use std::time::Duration;

use serde::Deserialize;

use crate::proc::{ProcFile, fields, lines, number};
use crate::rpc::{PROC2, PROC3, Row, publish};
use crate::{Class, Collector, Fail, Made, Out, Site, Slot, Spec};

const ROWS: [Row; 10] = [
    Row { word: "rc", group: &["reply_cache"], names: &["hits", "misses", "nocache"] },
    Row {
        word: "fh",
        group: &["filehandle"],
        names: &["stale", "total-lookups", "anonlookups", "dir-not-in-cache", "nodir-not-in-cache"],
    },
    Row { word: "io", group: &["input_output"], names: &["bytes-read", "bytes-written"] },
    // The number of threads before them is no counter.
    Row {
        word: "th",
        group: &["threads"],
        names: &[
            "",
            "fullcnt",
            "10-20-pct",
            "20-30-pct",
            "30-40-pct",
            "40-50-pct",
            "50-60-pct",
            "60-70-pct",
            "70-80-pct",
            "80-90-pct",
            "90-100-pct",
            "100-pct",
        ],
    },
    Row {
        word: "ra",
        group: &["read-ahead"],
        names: &[
            "cache-size",
            "10-pct",
            "20-pct",
            "30-pct",
            "40-pct",
            "50-pct",
            "60-pct",
            "70-pct",
            "80-pct",
            "90-pct",
            "100-pct",
            "not-found",
        ],
    },
    Row { word: "net", group: &["net"], names: &["cnt", "udpcnt", "tcpcnt", "tcpconn"] },
    Row { word: "rpc", group: &["rpc"], names: &["cnt", "badfmt", "badauth", "badclnt"] },
    PROC2,
    PROC3,
    Row { word: "proc4", group: &["v4"], names: &["", "null", "compound"] },
];

/// Operations of NFS 4 by their numbers, behind the number of them.
const OPERATIONS: Row = Row {
    word: "proc4ops",
    group: &["v4", "ops"],
    names: &[
        "",
        "op0-unused",
        "op1-unused",
        "op2-future",
        "access",
        "close",
        "commit",
        "create",
        "delegpurge",
        "delegreturn",
        "getattr",
        "getfh",
        "link",
        "lock",
        "lockt",
        "locku",
        "lookup",
        "lookup_root",
        "nverify",
        "open",
        "openattr",
        "open_conf",
        "open_dgrd",
        "putfh",
        "putpubfh",
        "putrootfh",
        "read",
        "readdir",
        "readlink",
        "remove",
        "rename",
        "renew",
        "restorefh",
        "savefh",
        "secinfo",
        "setattr",
        "setcltid",
        "setcltidconf",
        "verify",
        "write",
        "rellockowner",
        "bc_ctl",
        "bind_conn",
        "exchange_id",
        "create_ses",
        "destroy_ses",
        "free_stateid",
        "getdirdeleg",
        "getdevinfo",
        "getdevlist",
        "layoutcommit",
        "layoutget",
        "layoutreturn",
        "secinfononam",
        "sequence",
        "set_ssv",
        "test_stateid",
        "want_deleg",
        "destroy_clid",
        "reclaim_comp",
        "allocate",
        "copy",
        "copy_notify",
        "deallocate",
        "ioadvise",
        "layouterror",
        "layoutstats",
        "offloadcancel",
        "offloadstatus",
        "readplus",
        "seek",
        "write_same",
        "clone",
        "getxattr",
        "setxattr",
        "listxattrs",
        "removexattr",
    ],
};

/// How many of them Diamond knows, with the first.
const OPERATIONS_OF_DIAMOND: usize = 41;

/// What Diamond sends as a rate and is none: the threads, and how many columns follow.
const NO_RATES: [Row; 5] = [
    Row { word: "th", group: &["threads"], names: &["threads"] },
    Row { word: "proc2", group: &["v2"], names: &["unknown"] },
    Row { word: "proc3", group: &["v3"], names: &["unknown"] },
    Row { word: "proc4", group: &["v4"], names: &["unknown"] },
    Row { word: "proc4ops", group: &["v4", "ops"], names: &["unknown"] },
];

/// `[collectors.nfsd]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Options {}

struct Nfsd {
    rpc: ProcFile,
    diamond: bool,
}

pub(crate) fn build(site: &Site, options: toml::Table) -> Made {
    let Options {} = options.try_into()?;
    Ok(Box::new(Nfsd { rpc: ProcFile::new(site.path("proc/net/rpc/nfsd")), diamond: site.is_diamond() }))
}

impl Collector for Nfsd {
    fn spec(&self) -> Spec {
        Spec { name: "nfsd", class: Class::Fast, default_interval: None, deadline: Duration::from_secs(1) }
    }

    fn run(&mut self, _: Slot, out: &mut Out) -> Result<(), Fail> {
        let (path, table) = self.rpc.read()?;
        publish(path, table, "nfsd", &ROWS, out)?;
        if self.diamond {
            let (names, _) = OPERATIONS.names.split_at(OPERATIONS_OF_DIAMOND);
            publish(path, table, "nfsd", &[Row { names, ..OPERATIONS }], out)?;
            return publish(path, table, "nfsd", &NO_RATES, out);
        }
        publish(path, table, "nfsd", &[OPERATIONS], out)?;
        let threads = lines(table).find(|(_, line)| line.starts_with(b"th "));
        if let Some(threads) = threads.and_then(|(_, line)| fields(line).nth(1)).and_then(number) {
            out.gauge(&["nfsd", "threads", "threads"], threads as f64).decimals(3);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
