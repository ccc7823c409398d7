//! Any bytes as a segment and its names: points or damage, never a panic, and no more points than bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;

const POINTS: u8 = 1;
const NAMES: u8 = 2;

fuzz_target!(|data: &[u8]| {
    let Some((length, rest)) = data.split_first_chunk::<2>() else { return };
    let (names, points) = rest.split_at(usize::from(u16::from_le_bytes(*length)).min(rest.len()));
    check(names, points);
    check(&behind_head(NAMES, names), &behind_head(POINTS, points));
    // With every checksum right, so that what lies behind them is reached.
    check(&as_record(NAMES, names), &as_record(POINTS, points));
});

fn check(names: &[u8], points: &[u8]) {
    let mut seen = 0;
    let report = carbon_journal::dump(names, points, |name, _| {
        // Only the value of a tag may hold a slash.
        assert!(!name.as_str().split(';').next().is_some_and(|path| path.contains('/')));
        seen += 1;
    })
    .expect("reading from memory");
    assert_eq!(report.points, seen);
    assert!(report.points + report.nameless <= points.len() as u64);
}

/// The head of a file, twice as it must stand.
fn head(kind: u8) -> Vec<u8> {
    let mut copy = b"plumjrnl\x01\0".to_vec();
    copy.extend([kind, 0, 1, 0, 0, 0, 2 - kind, 0, 0, 0]);
    let crc = crc32fast::hash(&copy);
    copy.extend(crc.to_le_bytes());
    copy.repeat(2)
}

fn behind_head(kind: u8, bytes: &[u8]) -> Vec<u8> {
    [&head(kind), bytes].concat()
}

fn as_record(kind: u8, payload: &[u8]) -> Vec<u8> {
    let head = head(kind);
    let (length, crc) = ((payload.len() as u32).to_le_bytes(), crc32fast::hash(payload).to_le_bytes());
    let sealed = [&head[20..24], &48_u64.to_le_bytes(), &length, &crc].concat();
    let check = crc32fast::hash(&sealed).to_le_bytes();
    [&head, &length[..], &crc, &check, payload].concat()
}
