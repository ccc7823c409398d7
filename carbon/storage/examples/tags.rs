//! What an index of very many tagged series costs: `tags FOLDER COUNT` prints CPU time and memory of each step. The
//! series are those of a fleet, 100 a host, with five tags each.

#![allow(clippy::unwrap_used, reason = "an example that cannot go on fails")]

use std::path::Path;
use std::time::{Duration, Instant};
use std::{env, fs};

use carbon_line::MetricName;
use carbon_storage::{TagExpression, TagIndex, TagQuery, Tags, ValueTest};

fn main() {
    let arguments: Vec<String> = env::args().collect();
    let [_, folder, count] = &arguments[..] else { panic!("usage: tags FOLDER COUNT") };
    let (list, count) = (Path::new(folder).join("tags.index"), count.parse::<usize>().unwrap());
    let names: String = (0..count).map(|n| name(n) + "\n").collect();
    fs::write(&list, &names).unwrap();
    drop(names);
    let rss = resident();
    let mut opened = None;
    measured("open", || opened = Some(TagIndex::open(&list, None, usize::MAX).unwrap()));
    let index = opened.unwrap();
    println!("{} series, {} bytes each by its own count", index.len(), index.bytes() / index.len());
    println!("resident: {} bytes a series", (resident() - rss) / index.len());
    let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
    let equals = |tag: &str, value: &str| TagExpression {
        tag: tag.into(),
        negated: false,
        test: ValueTest::Equals(value.into()),
    };
    let find = |wanted: &[TagExpression]| runtime.block_on(index.series(wanted, usize::MAX)).unwrap().unwrap().len();
    let one = [equals("host", "host00042"), equals("name", "cpu.user")];
    let many = [equals("name", "cpu.user"), equals("dc", "fra1")];
    for (what, wanted) in [("of one host", &one), ("of a data centre", &many)] {
        println!("{} found", find(wanted));
        measured(&format!("10 x series {what}"), || (0..10).for_each(|_| _ = find(wanted)));
    }
    let query =
        |wanted: &[TagExpression]| TagQuery { wanted: wanted.to_vec(), limit: Some(100), ..TagQuery::default() };
    for (what, query) in [("all", query(&[])), ("of a data centre", query(&many))] {
        measured(&format!("10 x values of host, {what}"), || {
            (0..10).for_each(|_| _ = runtime.block_on(index.values("host", &query)).unwrap());
        });
        measured(&format!("10 x tags, {what}"), || {
            (0..10).for_each(|_| _ = runtime.block_on(index.tags(&query)).unwrap());
        });
    }
    let gone = [MetricName::parse(&name(count / 2)).unwrap()];
    measured("take one out", || runtime.block_on(index.remove(&gone)).unwrap());
    measured("save that", || index.save().unwrap());
}

fn name(n: usize) -> String {
    let (host, kind) = (n / 100, ["user", "system", "idle", "iowait", "nice"][n % 5]);
    let site = ["fra1", "ams2", "lon3"][host % 3];
    format!("cpu.{kind};cpu=cpu{:02};dc={site};host=host{host:05};rack=r{:03}", n / 5 % 20, host / 40)
}

fn measured(what: &str, work: impl FnOnce()) {
    let (begun, cpu) = (Instant::now(), cpu());
    work();
    let (cpu, elapsed) = (self::cpu() - cpu, begun.elapsed());
    println!("{what}: {:.3} ms CPU, {:.3} ms", cpu.as_secs_f64() * 1e3, elapsed.as_secs_f64() * 1e3);
}

fn cpu() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn resident() -> usize {
    let statm = fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}
