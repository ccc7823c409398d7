use std::fs;
use std::path::Path;

use crate::Style;
use crate::testing::{collect, collector, fixture, host, like_diamond, raw, try_collect};

/// A line of `/proc/PID/stat` of a process that used `ticks` in user space.
fn stat(pid: u32, name: &str, ticks: u64, started: u64, pages: u64) -> String {
    format!("{pid} ({name}) S 1 1 1 0 -1 0 0 0 0 0 {ticks} 0 0 0 20 0 2 0 {started} 0 {pages} 0 0\n")
}

fn process(root: &Path, pid: u32, stat: &str, cmdline: &str) {
    let folder = root.join("proc").join(pid.to_string());
    fs::create_dir_all(folder.join("fd")).unwrap();
    fs::write(folder.join("stat"), stat).unwrap();
    fs::write(folder.join("cmdline"), cmdline).unwrap();
    fs::write(folder.join("fd/0"), "").unwrap();
    fs::write(folder.join("io"), "rchar: 9\nsyscr: 3\nsyscw: 4\nread_bytes: 4096\nwrite_bytes: 0\n").unwrap();
    fs::write(folder.join("status"), "voluntary_ctxt_switches:\t7\nnonvoluntary_ctxt_switches:\t1\n").unwrap();
    fs::write(folder.join("statm"), "10 5 2 1 0 3 0\n").unwrap();
}

fn base() -> tempfile::TempDir {
    host(&[("proc/uptime", "1000.0 1.0\n"), ("proc/meminfo", "MemTotal: 1000 kB\n"), ("proc/self/x", "")])
}

const WEB: &str = "top = 0\n[process.web]\nname = 'nginx'\ncmdline = ['^unicorn']\ncount-workers = true";

#[test]
fn the_processes_of_a_group_are_added() {
    let host = base();
    process(host.path(), 10, &stat(10, "nginx", 100, 50_000, 5), "nginx: master\0");
    process(host.path(), 11, &stat(11, "ruby", 300, 90_000, 7), "unicorn\0-c\0x\0");
    process(host.path(), 12, &stat(12, "bash", 900, 90_000, 9), "");
    let mut one = collector("processes", host.path(), WEB);
    let samples = collect(&mut *one, 0);
    let value = |name: &str| raw(&samples[&format!("process.web.{name}")]);
    assert_eq!(value("workers_count"), 2.0);
    assert_eq!(value("cpu_times.user"), 4.0);
    assert_eq!(value("num_threads"), 4.0);
    assert_eq!(value("uptime"), 2.0 * 1000.0 - 1400.0);
    assert_eq!(value("num_fds"), 2.0);
    assert_eq!(value("io_counters.write_count"), 8.0);
    assert_eq!(value("num_ctx_switches.voluntary"), 14.0);
    assert_eq!(value("memory_info_ex.rss"), 10.0 * rustix::param::page_size() as f64);
    assert!(!samples.contains_key("process.web.cpu_percent"), "there is nothing to compare with yet");
    process(host.path(), 10, &stat(10, "nginx", 150, 50_000, 5), "nginx: master\0");
    process(host.path(), 13, &stat(13, "nginx", 20, 100_500, 5), "nginx: worker\0");
    assert_eq!(raw(&collect(&mut *one, 10)["process.web.cpu_percent"]), 7.0, "0.7 s of 10, the new one's included");
}

#[test]
fn processes_of_nginx_and_redis_are_added() {
    let options = "top = 0\n[process.web]\nname = 'nginx'\n[process.db]\ncmdline = ['^redis-server']\n[process.worker]\n\
                   cmdline = ['worker process']\ncount-workers = true";
    let samples = collect(&mut *collector("processes", &fixture("processes/testdata/linux-6"), options), 0);
    let value = |name: &str| raw(&samples[&format!("process.{name}")]);
    assert_eq!(value("worker.workers_count"), 2.0);
    assert_eq!((value("web.num_fds"), value("web.num_threads")), (36.0, 3.0));
    assert_eq!((value("web.io_counters.read_count"), value("web.io_counters.write_bytes")), (34.0, 20_480.0));
    assert_eq!((value("web.num_ctx_switches.voluntary"), value("web.num_ctx_switches.involuntary")), (24.0, 4.0));
    assert_eq!((value("db.cpu_times.user"), value("db.cpu_times.system")), (2.95, 2.02));
    assert_eq!((value("db.num_threads"), value("db.num_ctx_switches.voluntary")), (5.0, 140_692.0));
    assert_eq!(value("db.memory_info_ex.rss"), 3184.0 * rustix::param::page_size() as f64);
    assert!((value("db.uptime") - 53.78).abs() < 0.001);
}

#[test]
fn following_diamond_a_new_process_has_used_nothing() {
    let host = base();
    process(host.path(), 10, &stat(10, "nginx", 100, 50_000, 5), "nginx: master\0");
    let mut one = like_diamond("processes", host.path(), WEB);
    let first = collect(&mut *one, 0);
    assert_eq!(raw(&first["process.web.cpu_percent"]), 0.0);
    assert_eq!(first["process.web.cpu_times.user"].style, Style::Decimals(0));
    process(host.path(), 10, &stat(10, "nginx", 150, 50_000, 5), "nginx: master\0");
    process(host.path(), 13, &stat(13, "nginx", 20, 100_500, 5), "nginx: worker\0");
    assert_eq!(raw(&collect(&mut *one, 10)["process.web.cpu_percent"]), 5.0);
}

#[test]
fn a_number_that_comes_again_is_another_process() {
    let host = base();
    process(host.path(), 10, &stat(10, "nginx", 5000, 100, 5), "");
    let mut one = collector("processes", host.path(), WEB);
    collect(&mut *one, 0);
    process(host.path(), 10, &stat(10, "nginx", 100, 100_200, 5), "");
    assert_eq!(raw(&collect(&mut *one, 10)["process.web.cpu_percent"]), 10.0);
    process(host.path(), 10, &stat(10, "bash", 100, 100_200, 5), "");
    let samples = collect(&mut *one, 20);
    assert_eq!(samples.into_keys().collect::<Vec<_>>(), ["process.web.workers_count"], "it has become another program");
}

#[test]
fn the_commands_that_use_most_are_named() {
    let host = base();
    let run = |ticks: u64| {
        process(host.path(), 1, &stat(1, "kworker/0:1-events", ticks, 1, 0), "");
        process(host.path(), 2, &stat(2, "kworker/1:0", ticks, 1, 0), "");
        process(host.path(), 3, &stat(3, "cc1plus", 3 * ticks, 1, 40), "");
        process(host.path(), 4, &stat(4, "idle one", 0, 1, 30), "");
    };
    let mut one = collector("processes", host.path(), "top = 2");
    run(0);
    assert_eq!(
        collect(&mut *one, 0).into_keys().collect::<Vec<_>>(),
        ["process.top.memory.cc1plus", "process.top.memory.idle_one"]
    );
    run(100);
    let samples = collect(&mut *one, 10);
    assert_eq!(raw(&samples["process.top.cpu.cc1plus"]), 30.0);
    assert_eq!(raw(&samples["process.top.cpu.kworker"]), 20.0);
    assert_eq!(samples.len(), 4);
}

#[test]
fn a_damaged_process_is_named_and_the_others_are_published() {
    let host = base();
    process(host.path(), 1, "1 (init", "");
    process(host.path(), 2, &stat(2, "bash", 1, 1, 4), "");
    fs::create_dir_all(host.path().join("proc/77")).unwrap();
    let mut out = crate::Out::default();
    let slot = crate::testing::slot(0);
    out.begin(slot);
    let fail = collector("processes", host.path(), "").run(slot, &mut out).unwrap_err();
    assert!(fail.to_string().contains("expected a name in brackets"), "{fail}");
    assert_eq!(out.len(), 1);
}

#[test]
fn this_host_has_processes() {
    let samples = try_collect(&mut *collector("processes", Path::new("/"), "[process.me]\nselfmon = true"), 0).unwrap();
    assert!(raw(&samples["process.me.num_threads"]) >= 1.0);
    assert!(raw(&samples["process.me.num_fds"]) >= 3.0);
}
