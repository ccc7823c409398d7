//! One host, measured: a folder per subject.
//!
//! A collector is a folder here and a line in the table below; README.md beside `src` says how to add one. The agent
//! decides when a collector runs and what becomes of its values; a collector opens files and sockets of this host and
//! nothing else.

#[cfg(any(feature = "services", feature = "postgres"))]
mod ask;
mod change;
mod clean;
mod collector;
mod counter;
mod dial;
mod ears;
mod fail;
#[cfg(feature = "services")]
mod http;
mod kept;
mod origin;
mod out;
mod proc;
mod registry;
mod rpc;
mod sample;
mod snmp;
mod stall;
mod style;

pub use ceph::{Naming as CephNaming, replay as replay_ceph, replay_cluster as replay_ceph_cluster};
pub use change::Change;
pub use clean::{clean, clean_as_diamond};
pub use collector::{Class, Collector, Slot, Spec};
pub use counter::{Bits, moved};
pub use ears::{Ears, Heard};
pub use fail::Fail;
pub use kept::{Kept, KeptRow};
pub use origin::Origin;
pub use out::{Mark, Out};
pub use registry::{Built, Compat, Entry, Made, Settings, SettingsFault, Site};
pub use sample::{Added, Sample, Scope, Unit, Value};
pub use style::Style;

const LINUX: bool = cfg!(target_os = "linux");

// folder: whether it is on when its table says nothing about it => the feature that it needs
registry::collectors! {
    cpu: LINUX,
    memory: LINUX,
    loadavg: LINUX,
    vmstat: LINUX,
    procstat: LINUX,
    softirq: LINUX,
    interrupts: false,
    uptime: LINUX,
    entropy: false,
    diskspace: LINUX,
    diskusage: LINUX,
    pressure: LINUX,
    filestat: LINUX,
    conntrack: LINUX,
    nfs: LINUX,
    nfsd: LINUX,
    mdstat: LINUX,
    processes: false,
    cgroup: LINUX,
    sensors: LINUX,
    thermal: false,
    network: LINUX,
    tcp: LINUX,
    udp: LINUX,
    ip: LINUX,
    sockstat: LINUX,
    netstat: false,
    files: false,
    logtail: false => "services",
    prometheus: false => "services",
    httpjson: false => "services",
    nginx: false => "services",
    postgres: false => "postgres",
    memcached: false => "services",
    redis: false => "services",
    ceph: LINUX,
    sysinfo: !LINUX => "portable",
}

#[cfg(test)]
mod testing;
#[cfg(test)]
mod hostile;
