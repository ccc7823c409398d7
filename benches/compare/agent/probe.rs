//! Less than any agent can do: reads the files below `/proc` that Diamond's default set of collectors reads, each interval,
//! adds up the digits, and sends nothing. What it costs is the kernel's part and that of waking up once.
//!
//! `probe SECONDS`, for `run.py` beside it.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::thread::sleep;
use std::time::Duration;

const FILES: [&str; 6] =
    ["/proc/stat", "/proc/meminfo", "/proc/loadavg", "/proc/vmstat", "/proc/diskstats", "/proc/net/dev"];

fn main() -> io::Result<()> {
    let seconds = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(10);
    let files = FILES.iter().map(File::open).collect::<io::Result<Vec<File>>>()?;
    let (mut buffer, mut sum) = (vec![0; 64 << 10], 0_u64);
    loop {
        for file in &files {
            let mut filled = 0;
            while let more @ 1.. = file.read_at(&mut buffer[filled..], filled as u64)? {
                filled += more;
            }
            sum = buffer[..filled].iter().filter(|byte| byte.is_ascii_digit()).map(|byte| u64::from(*byte)).sum();
        }
        std::hint::black_box(sum);
        sleep(Duration::from_secs(seconds));
    }
}
