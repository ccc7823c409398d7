//! Any bytes as a Whisper file: opening, checking, reading, and writing must end with an answer or an error, in bounded
//! memory, and never touch a byte past the file's end by more than a slot.
#![no_main]

use libfuzzer_sys::fuzz_target;
use whisper::layer::Memory;
use whisper::{DiffOptions, MergeWindow, Point, Seconds, Timestamp, Whisper};

fuzz_target!(|data: &[u8]| {
    let Some((numbers, bytes)) = data.split_at_checked(16) else { return };
    let number = |at: usize| u32::from_be_bytes([numbers[at], numbers[at + 1], numbers[at + 2], numbers[at + 3]]);
    let (from, span, now, time) = (number(0), number(4), number(8), number(12));
    let Ok(file) = Whisper::over(bytes, "fuzz.wsp") else { return };
    let _ = file.header().verify(bytes.len() as u64);
    for archive in 0..file.header().archives.len().min(4) {
        let mut slots = 0_u64;
        let _ = file.slots(archive, |_, _| slots += 1);
        assert!(slots * 12 <= bytes.len() as u64, "a slot that the file does not have");
    }
    let (from, now) = (i64::from(from), i64::from(now));
    for step in [None, file.header().archives.first().map(|archive| u64::from(archive.step))] {
        let _ = file.fetch_seconds(&Seconds { from, until: from + i64::from(span), now, step });
    }
    let mut values = Vec::new();
    let clock = Timestamp::saturating_from(now);
    let _ = file.fetch_into(Timestamp::saturating_from(from), clock, clock, &mut values);

    let limit = bytes.len() + 4096;
    let Ok(mut written) = Whisper::over(Memory::new(bytes.to_vec(), limit), "written.wsp") else { return };
    let point = |age: u32| Point { time: Timestamp::saturating_from(now - i64::from(age)), value: f64::from(age) };
    let _ = written.update(Point { time: Timestamp::from_secs(time), value: 1.0 }, clock);
    let _ = written.update_many(&[0, 1, 2, 60, 61, 300, time % 100_000].map(point), clock);
    let _ = written.merge(&file, MergeWindow { from: Some(from), until: Some(from + i64::from(span)) }, clock);
    let _ = written.diff(&file, DiffOptions::default(), clock);
    let _ = written.fill(&file, clock);
});
