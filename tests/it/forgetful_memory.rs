//! Where the page cache lets go of archives between two writes, pages are written from what is known of them, and that is
//! never older than the file.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use rustix::fs::{Advice, fadvise};
use whisper::{Point, Timestamp, Whisper};

use crate::stack::{Plumbago, folder, now, path};

const SERIES: usize = 60;
/// Minutes of a gathered write.
const MINUTES: u64 = 12;
const ROUNDS: u64 = 12;
/// The minute in each of them that we do not write, but a tool does in some.
const GAP: u64 = 5;

/// What a series holds at a minute: fractions, whole numbers, and values that stay.
fn value(series: usize, minute: u64) -> f64 {
    match series % 3 {
        0 => (minute * 37 % 101) as f64 / 100.0,
        1 => (minute / 5) as f64,
        _ => (minute as f64 + series as f64).sqrt(),
    }
}

fn lines(minutes: std::ops::Range<u64>, begin: u64) -> String {
    let at = |minute: u64| {
        (0..SERIES).map(move |series| format!("host.s{series} {} {}\n", value(series, minute), begin + minute * 60))
    };
    minutes.filter(|minute| minute % MINUTES != GAP).flat_map(at).collect()
}

/// Has the pages of all archives leave memory, as far as the file system lets go of them.
fn forget(files: &[PathBuf]) {
    for file in files {
        let file = File::open(file).unwrap();
        file.sync_all().unwrap();
        fadvise(&file, 0, None, Advice::DontNeed).unwrap();
    }
}

fn held(plumbago: &Plumbago) -> f64 {
    let metrics = plumbago.get("/metrics").text();
    let line = metrics.lines().find_map(|line| line.strip_prefix("plumbago_pages_bytes "));
    line.unwrap().parse().unwrap()
}

/// Whether changes of files in `folder` can be told apart, so that pages may be known: Linux 6.13 and later, on disk.
fn may_be_known(folder: &Path) -> bool {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let mut numbers = release.split(['.', '-']).map(|number| number.parse::<u32>().unwrap_or(0));
    let ext4 = rustix::fs::statfs(folder).unwrap().f_type == 0xef53;
    ext4 && (numbers.next(), numbers.next()) >= (Some(6), Some(13))
}

#[test]
fn what_others_write_while_pages_are_known_stays_and_so_does_all_of_ours() {
    let folder = folder();
    let schemas = folder.path().join("schemas.conf");
    fs::write(&schemas, "[all]\npattern = .*\nretentions = 60s:7d,5m:30d\n").unwrap();
    let up = || Plumbago::up(folder.path(), &["--no-agent", "--max-wait", "1h", "--schemas", path(&schemas)]);
    let begin = now() / 300 * 300 - (ROUNDS + 1) * MINUTES * 60;
    let tree = folder.path().join("data/whisper/host");
    let files: Vec<PathBuf> = (0..SERIES).map(|series| tree.join(format!("s{series}.wsp"))).collect();
    let is_filled = |round: u64| round % 3 == 1;
    let mut plumbago = up();
    let mut known = 0.0_f64;
    for round in 0..ROUNDS {
        if round == ROUNDS / 2 {
            assert!(plumbago.terminate().success());
            plumbago = up();
        }
        plumbago.send(&lines(round * MINUTES..(round + 1) * MINUTES, begin));
        assert_eq!(plumbago.get("/flush").status, 200);
        known = known.max(held(&plumbago));
        if is_filled(round) {
            for file in &files {
                let time = Timestamp::from_secs((begin + (round * MINUTES + GAP) * 60) as u32);
                let point = Point { time, value: -1.0 };
                Whisper::open(file).unwrap().update(point, Timestamp::from_secs(now() as u32)).unwrap();
            }
        }
        forget(&files);
    }
    assert!(plumbago.terminate().success());
    assert!(known > 0.0 || !may_be_known(folder.path()), "no page was known, so this has proved nothing");
    for (series, file) in files.iter().enumerate() {
        let time = |seconds: u64| Timestamp::from_secs(seconds as u32);
        let (from, until) = (time(begin - 60), time(begin - 60 + ROUNDS * MINUTES * 60));
        let found = Whisper::open_read_only(file).unwrap().fetch(from, until, time(now())).unwrap().unwrap();
        let expected = |minute: u64| match minute % MINUTES {
            GAP => is_filled(minute / MINUTES).then_some(-1.0),
            _ => Some(value(series, minute)),
        };
        let expected: Vec<Option<f64>> = (0..ROUNDS * MINUTES).map(expected).collect();
        assert_eq!(found.values, expected, "{}", file.display());
    }
}
