//! What a host of many OSDs costs: `ceph_round [OSDS]` serves that many admin sockets with a recorded answer and tells how
//! long a round of the collector takes, on the wall and on the processor. The serving threads are not counted.

use std::error::Error;
use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::time::{Duration, Instant};
use std::{env, fs, process, thread};

use collectors::{COLLECTORS, Out, Site, Slot};
use rustix::time::{ClockId, clock_gettime};
use whisper::Timestamp;

/// Rounds that are measured, after one in which the schemas are read.
const ROUNDS: u32 = 20;

fn main() -> Result<(), Box<dyn Error>> {
    let osds: u32 = env::args().nth(1).map_or(Ok(60), |count| count.parse())?;
    let root = env::temp_dir().join(format!("ceph_round.{}", process::id()));
    let result = measure(osds, &root);
    fs::remove_dir_all(&root)?;
    result
}

fn measure(osds: u32, root: &std::path::Path) -> Result<(), Box<dyn Error>> {
    let recorded = concat!(env!("CARGO_MANIFEST_DIR"), "/src/ceph/testdata/ceph-16.2/osd.0.");
    let schema: &'static [u8] = fs::read(format!("{recorded}perf_schema.json"))?.leak();
    let dump: &'static [u8] = fs::read(format!("{recorded}perf_dump.json"))?.leak();
    fs::create_dir_all(root.join("var/run/ceph"))?;
    for id in 0..osds {
        let listener = UnixListener::bind(root.join(format!("var/run/ceph/ceph-osd.{id}.asok")))?;
        thread::spawn(move || serve(&listener, schema, dump));
    }
    let entry = COLLECTORS.iter().find(|entry| entry.name == "ceph").ok_or("there is no collector for Ceph")?;
    let mut collector = (entry.build)(&Site::below(root), toml::Table::new())?;
    let mut out = Out::default();
    let mut round = |secs: u32| -> Result<(Duration, Duration, usize), Box<dyn Error>> {
        let slot = Slot { time: Timestamp::from_secs(secs), monotonic: Duration::from_secs(secs.into()) };
        let (wall, cpu) = (Instant::now(), processor());
        out.begin(slot);
        collector.run(slot, &mut out)?;
        Ok((wall.elapsed(), processor() - cpu, out.len()))
    };
    let (wall, cpu, samples) = round(0)?;
    println!("first round of {osds} daemons: {wall:?} on the wall, {cpu:?} of processor, {samples} samples");
    let rounds = (1..=ROUNDS).map(|number| round(number * 10)).collect::<Result<Vec<_>, _>>()?;
    let median = |mut times: Vec<Duration>| {
        times.sort_unstable();
        times[times.len() / 2]
    };
    let wall = median(rounds.iter().map(|round| round.0).collect());
    let cpu = median(rounds.iter().map(|round| round.1).collect());
    println!("median of {ROUNDS} rounds: {wall:?} on the wall, {cpu:?} of processor");
    Ok(())
}

fn serve(listener: &UnixListener, schema: &[u8], dump: &[u8]) {
    for mut peer in listener.incoming().flatten() {
        let mut request = [0; 1024];
        let Ok(length) = peer.read(&mut request) else { continue };
        let request = String::from_utf8_lossy(&request[..length]);
        let answer = match &*request {
            request if request.contains("perf schema") => schema,
            request if request.contains("perf dump") => dump,
            _ => b"ERROR: (22) Invalid argument",
        };
        // Who asked may have given up.
        let _ = peer.write_all(&(answer.len() as u32).to_be_bytes()).and_then(|()| peer.write_all(answer));
    }
}

/// What this thread has used so far.
fn processor() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs() as u32)
}
