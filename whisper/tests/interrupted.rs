//! What a crash leaves behind: every sequence of writes is cut at every step, and the file must open with all slots that
//! were not being written intact.

#![allow(clippy::unwrap_used, reason = "a test may stop where its input is not what it must be")]

use std::cell::Cell;
use std::{fs, io};

use whisper::layer::{Memory, ReadAt, WriteAt};
use whisper::{CreateOptions, Error, MergeWindow, Point, Timestamp, Whisper};

const NOW: u32 = 1_750_000_020;

/// Performs a number of writes whole, one more only up to `torn` bytes, and refuses the rest.
struct Cut<'a> {
    inner: &'a Memory,
    whole: Cell<usize>,
    torn: usize,
}

impl ReadAt for Cut<'_> {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.inner.read_at(buf, offset)
    }
}

impl WriteAt for Cut<'_> {
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        if let Some(left) = self.whole.get().checked_sub(1) {
            self.whole.set(left);
            return self.inner.write_all_at(bytes, offset);
        }
        self.inner.write_all_at(&bytes[..self.torn.min(bytes.len())], offset)?;
        Err(io::Error::other("cut"))
    }
}

fn options() -> CreateOptions {
    let mut options = CreateOptions::new("10:12,60:10,300:12".parse().unwrap());
    options.x_files_factor = whisper::XFilesFactor::new(0.0).unwrap();
    options
}

fn point(age: u32, value: f64) -> Point {
    Point { time: Timestamp::from_secs(NOW - age), value }
}

fn filled() -> Vec<u8> {
    let memory = Memory::new(Vec::new(), 1 << 20);
    let mut file = Whisper::create_over(memory, "x.wsp", &options()).unwrap();
    let points: Vec<Point> = (0..300).map(|at| point(600 + at * 10, f64::from(at))).collect();
    file.update_many(&points, Timestamp::from_secs(NOW - 600)).unwrap();
    file.into_layer().into_bytes()
}

/// Runs `change` with its writes cut at every step and in the middle of slots, and compares what is left slot by slot.
fn cut_everywhere(change: impl Fn(&mut Whisper<Cut<'_>>) -> Result<(), Error>) {
    let before = filled();
    let whole = Memory::new(before.clone(), 1 << 20);
    change(&mut Whisper::over(Cut { inner: &whole, whole: Cell::new(usize::MAX), torn: 0 }, "x.wsp").unwrap()).unwrap();
    let after = whole.into_bytes();
    assert_ne!(before, after, "the change changes something");
    for torn in [0, 1, 4, 7, 12, 13, 24, 50] {
        let mut steps = 0;
        loop {
            let memory = Memory::new(before.clone(), 1 << 20);
            let cut = Cut { inner: &memory, whole: Cell::new(steps), torn };
            let done = change(&mut Whisper::over(cut, "x.wsp").unwrap()).is_ok();
            check(&before, &memory.to_bytes(), &after, torn, done);
            if done {
                break;
            }
            steps += 1;
        }
        assert!(steps >= 3, "the point and two coarser ones are at least three writes");
    }
}

fn check(before: &[u8], left: &[u8], after: &[u8], torn: usize, done: bool) {
    let header = 16 + 3 * 12;
    assert_eq!(left.len(), before.len());
    assert_eq!(left[..header], before[..header], "the header stays");
    let file = Whisper::over(left, "x.wsp").unwrap();
    let newest = Timestamp::from_secs(NOW);
    file.fetch(Timestamp::from_secs(NOW - 3600), newest, newest).unwrap();
    let slots = |bytes: &[u8]| bytes[header..].chunks_exact(12).map(<[u8]>::to_vec).collect::<Vec<_>>();
    let (left_slots, old, new) = (slots(left), slots(before), slots(after));
    let strange = (0..old.len()).filter(|at| left_slots[*at] != old[*at] && left_slots[*at] != new[*at]).count();
    // A write cut within a slot can leave that one slot half old, half new, and no other.
    assert!(strange <= usize::from(!torn.is_multiple_of(12)), "{strange} slots are neither old nor new");
    assert!(!done || left == after);
}

#[test]
fn an_update_cut_at_any_write_leaves_all_other_slots_intact() {
    cut_everywhere(|file| file.update(point(0, 7.5), Timestamp::from_secs(NOW)));
}

#[test]
fn a_batch_cut_at_any_write_leaves_all_other_slots_intact() {
    let points: Vec<Point> = [0, 10, 20, 40, 50, 110, 200, 260, 900].map(|age| point(age, f64::from(age))).into();
    cut_everywhere(|file| file.update_many(&points, Timestamp::from_secs(NOW)));
}

#[test]
fn a_merge_that_fails_leaves_the_old_file_and_nothing_beside_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.wsp");
    fs::write(&path, filled()).unwrap();
    let failed = Whisper::change_whole(&path, |copy| {
        copy.update(point(0, 1.0), Timestamp::from_secs(NOW))?;
        let other = Memory::new(Vec::new(), 1 << 20);
        let other = Whisper::create_over(other, "other.wsp", &CreateOptions::new("10:5".parse().unwrap()))?;
        copy.merge(&other, MergeWindow::default(), Timestamp::from_secs(NOW))
    });
    assert!(matches!(failed, Err(Error::UnlikeArchives { .. })));
    assert_eq!(fs::read(&path).unwrap(), filled());
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn a_creation_that_fails_at_any_write_leaves_no_file() {
    let size = options().retentions.file_size() as usize;
    for limit in (0..size).step_by(7) {
        let cut = Whisper::create_over(Memory::new(Vec::new(), limit), "x.wsp", &options());
        assert!(matches!(cut, Err(Error::Io { .. })), "a full disk at {limit} bytes is seen");
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.wsp");
    let taken = Whisper::create(&path, &options()).and_then(|_| Whisper::create(&path, &options()));
    assert!(matches!(taken, Err(Error::Exists { .. })));
    let nowhere = Whisper::create(dir.path().join("no/x.wsp"), &options());
    assert!(matches!(nowhere, Err(Error::NotFound { .. })));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "only the file itself is left");
}

#[test]
fn directories_and_fifos_named_wsp_are_refused_without_waiting() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("folder.wsp");
    fs::create_dir(&folder).unwrap();
    let fifo = dir.path().join("fifo.wsp");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    for path in [folder, fifo] {
        for opened in [Whisper::open(&path), Whisper::open_read_only(&path)] {
            let error = opened.unwrap_err();
            assert!(matches!(error, Error::NotAFile { .. }) && error.is_corrupt(), "{error}");
        }
    }
}
