//! Our half of `benches/compare/whisper/run.py`: prints CPU microseconds per operation, one `name number` a line.

use std::path::Path;

use whisper::{CreateOptions, Error, Point, Timestamp, Whisper};

const BEGIN: u32 = 1_750_000_020;

fn main() -> Result<(), Error> {
    let folder = std::env::args().nth(1).unwrap_or_else(|| ".".into());
    let folder = Path::new(&folder);
    let retentions = "60s:1d,5m:7d,1h:1y".parse::<whisper::Retentions>()?;
    let options = CreateOptions::new(retentions);
    let (now, from) = (Timestamp::from_secs(BEGIN), Timestamp::from_secs(BEGIN - 86_400));
    let point = |age: u32| Point { time: Timestamp::from_secs(BEGIN - age * 60), value: f64::from(age) };
    let points = |count: u32| (0..count).rev().map(point).collect::<Vec<_>>();
    // A third each for the minutes, the five minutes and the hours.
    let aged = |secs: u32| Point { time: Timestamp::from_secs(BEGIN - secs), value: f64::from(secs) };
    let hours = (1..=480).rev().map(|age| aged(7 * 86_400 + age * 3600));
    let fives = (1..=480).rev().map(|age| aged(86_400 + age * 300));
    let across = hours.chain(fives).chain(points(480)).collect::<Vec<_>>();
    let path = folder.join("ours.wsp");
    let mut file = Whisper::create(&path, &options)?;
    let (ten, day) = (points(10), points(1440));
    file.update_many(&day, now)?;
    let mut values = Vec::new();

    measure("fetch-1440-known", 20_000, |_| file.fetch_into(from, now, now, &mut values).map(|_| ()))?;
    measure("fetch-1440-unknown", 20_000, |_| {
        Whisper::open_read_only(&path)?.fetch_into(from, now, now, &mut values).map(|_| ())
    })?;
    measure("update-1-known", 20_000, |_| file.update(ten[9], now))?;
    measure("update-1-unknown", 20_000, |_| Whisper::open(&path)?.update(ten[9], now))?;
    measure("update-10-known", 20_000, |_| file.update_many(&ten, now))?;
    measure("update-10-unknown", 20_000, |_| Whisper::open(&path)?.update_many(&ten, now))?;
    measure("update-1440-known", 4_000, |_| file.update_many(&day, now))?;
    measure("update-1440-unknown", 4_000, |_| Whisper::open(&path)?.update_many(&day, now))?;
    measure("update-1440-across-known", 4_000, |_| file.update_many(&across, now))?;
    measure("update-1440-across-unknown", 4_000, |_| Whisper::open(&path)?.update_many(&across, now))?;
    measure("create-sparse", 4_000, |count| {
        Whisper::create(folder.join(format!("ours-{count}.wsp")), &options).map(|_| ())
    })
}

/// The least of five rounds, so that a neighbour's noise does not count.
fn measure(name: &str, times: u32, mut run: impl FnMut(u32) -> Result<(), Error>) -> Result<(), Error> {
    let mut least = f64::INFINITY;
    for round in 0..5 {
        let before = cpu_seconds();
        for at in 0..times / 5 {
            run(round * (times / 5) + at)?;
        }
        least = least.min((cpu_seconds() - before) / f64::from(times / 5));
    }
    println!("{name} {:.3}", least * 1e6);
    Ok(())
}

/// User and system time of this process.
fn cpu_seconds() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
