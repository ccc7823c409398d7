//! What an index of very many names costs: `names FOLDER COUNT` makes COUNT empty archives below FOLDER where there are
//! none, and prints CPU time and memory of each step. The names are those of a fleet, 100 a host.

#![allow(clippy::unwrap_used, reason = "an example that cannot go on fails")]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{env, fs};

use carbon_line::Pattern;
use carbon_storage::{Find, ListQuery, NameIndex, StorageRules, WhisperTree};

fn main() {
    let arguments: Vec<String> = env::args().collect();
    let [_, folder, count] = &arguments[..] else { panic!("usage: names FOLDER COUNT") };
    let (folder, count) = (Path::new(folder), count.parse::<usize>().unwrap());
    make(&folder.join("whisper"), count / 100);
    let tree = WhisperTree::read_only(&folder.join("whisper"), StorageRules::default());
    let (snapshot, walk) = (folder.join("names.index"), Arc::new(tree.clone()));
    let rss = resident();
    let index = NameIndex::new(tree.clone(), walk.clone(), usize::MAX);
    measured("list the whole tree", || complete(&index));
    println!("{} names, {} bytes each by its own count", index.len(), index.bytes() / index.len());
    println!("resident: {} bytes a name", (resident() - rss) / index.len());
    measured("save", || index.save(&snapshot).unwrap());
    println!("snapshot: {} bytes", fs::metadata(&snapshot).unwrap().len());
    drop(index);
    let rss = resident();
    let index = NameIndex::new(tree, walk, usize::MAX);
    measured("load", || assert!(index.load(&snapshot).unwrap()));
    println!("resident: {} bytes a name", resident().saturating_sub(rss) / index.len());
    let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
    let patterns = [
        "servers.host-00000{1,2,3}-*.{cpu,iostat}.*.{user,system,await}",
        "servers.*.cpu.*.user",
        "servers.*-prod.memory.meminfo.Mem*",
        "*.*.*.*.*",
        "**",
    ];
    let find = |pattern: &str| {
        let query = ListQuery::all(Pattern::parse(pattern).unwrap());
        runtime.block_on(index.list(&query)).unwrap().value.len()
    };
    for pattern in patterns {
        measured(&format!("{pattern}, first, compared with folders"), || println!("{} found", find(pattern)));
    }
    measured("compare what was not asked for", || complete(&index));
    for pattern in patterns {
        let rounds = 10;
        measured(&format!("{rounds} x {pattern}"), || (0..rounds).for_each(|_| _ = find(pattern)));
    }
}

/// 100 series of a host: folders, and what lies in each of them.
const LEAVES: [(&str, &[&str], &[&str]); 5] = [
    (
        "cpu",
        &["total", "cpu0", "cpu1", "cpu2", "cpu3"],
        &["user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal"],
    ),
    ("iostat", &["sda", "sdb", "nvme0n1"], &["reads", "writes", "read_bytes", "write_bytes", "await", "util"]),
    ("network", &["eth0", "eth1"], &["rx_byte", "tx_byte", "rx_packets", "tx_packets", "rx_errors", "tx_errors"]),
    ("memory", &["meminfo"], &["MemTotal", "MemFree", "Buffers", "Cached", "SwapFree", "Dirty"]),
    (
        "ceph",
        &["osd-0", "osd-1", "osd-2", "osd-3"],
        &["l1/avgcount", "l1/sum", "l2/avgcount", "l2/sum", "l3/avgcount", "l3/sum"],
    ),
];

fn make(root: &Path, hosts: usize) {
    if root.join("servers").exists() {
        return;
    }
    for host in 0..hosts {
        let site = ["fra1-prod", "ams2-prod", "lon3-test"][host % 3];
        let folder = root.join(format!("servers/host-{host:06}-{site}"));
        for (group, devices, leaves) in LEAVES {
            for (device, leaf) in devices.iter().flat_map(|device| leaves.iter().map(move |leaf| (device, leaf))) {
                let file = folder.join(format!("{group}/{device}/{leaf}.wsp"));
                fs::create_dir_all(file.parent().unwrap()).unwrap();
                fs::write(file, "").unwrap();
            }
        }
    }
}

fn complete(index: &NameIndex) {
    let mut tending = index.tending();
    while !tending.is_complete() {
        tending.step();
    }
}

fn measured(what: &str, work: impl FnOnce()) {
    let (begun, cpu) = (Instant::now(), cpu());
    work();
    println!(
        "{what}: {:.3} ms CPU, {:.3} ms",
        (self::cpu() - cpu).as_secs_f64() * 1e3,
        begun.elapsed().as_secs_f64() * 1e3
    );
}

fn cpu() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn resident() -> usize {
    let statm = fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}
