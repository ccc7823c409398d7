use proptest::prelude::*;

use super::*;

const VALUES: [f64; 14] = [
    0.0,
    -0.0,
    1.0,
    0.25,
    -7.3,
    1e300,
    f64::NAN,
    f64::INFINITY,
    f64::MIN,
    12345.678,
    9e15,
    -9.3e18,
    1e-300,
    4294967.295,
];

fn page_of(number: u64, slots: impl Iterator<Item = (u32, f64)>) -> Bytes {
    let mut page = [0; PAGE as usize];
    let (places, _) = page[(SLOT - before(number)) % SLOT..].as_chunks_mut::<SLOT>();
    places.iter_mut().zip(slots).for_each(|(place, (time, value))| *place = slot_of(time, value.to_bits()));
    page
}

fn minutes(count: u32, value: impl Fn(u32) -> f64) -> impl Iterator<Item = (u32, f64)> {
    (0..count).map(move |minute| (1_750_000_020 + minute * 60, value(minute)))
}

/// How many bytes a page takes, which has to come back.
fn size(number: u64, page: &Bytes) -> usize {
    let (code, mut decoded) = (encode(number, page), [1; PAGE as usize]);
    assert!(decode(number, &code, &mut decoded).is_some() && decoded == *page);
    code.len()
}

#[test]
fn slots_begin_where_a_file_has_them() {
    for number in 0..100 {
        assert_eq!((12 + number * PAGE - before(number) as u64) % 12, 4, "the offset of every slot behind 16 bytes");
    }
}

#[test]
fn a_page_takes_what_is_new_in_it() {
    for number in 0..3 {
        assert_eq!(size(number, &[0; PAGE as usize]), 0);
        assert!(size(number, &page_of(number, minutes(341, |_| 0.25))) < 48);
        let (flags, whole) = (|minute| f64::from(minute % 7 / 6), f64::from);
        assert!(size(number, &page_of(number, minutes(300, flags))) < 450);
        assert!(size(number, &page_of(number, minutes(340, whole))) < 2 * 340 + 64);
        let price = |minute| f64::from(minute * 7_919 % 100_003) / 100.0;
        assert!(size(number, &page_of(number, minutes(340, price))) < 4 * 340 + 64);
        assert!(size(number, &page_of(number, minutes(100, |minute| f64::from(minute).sqrt()))) < 9 * 100 + 64);
    }
}

#[test]
fn only_whole_slots_behind_the_last_are_appended() {
    for number in 0..3 {
        let first = number * PAGE + ((SLOT - before(number)) % SLOT) as u64;
        let code = encode(number, &page_of(number, minutes(100, f64::from)));
        let end = decode(number, &code, &mut [0; PAGE as usize]).unwrap();
        let appended = |bytes: &[u8], offset| append(number, &code, &end, bytes, offset).is_some();
        let (at, last) = (first + 1200, (number + 1) * PAGE - 1);
        assert!(appended(&[1; 24], at) && appended(&[1; 24], at + 120), "{number}");
        assert!(!appended(&[1; 23], at) && !appended(&[1; 24], at + 1) && !appended(&[1; 24], at - 12));
        assert!(!appended(&[1; 24], last) && !appended(&[1; 24], number * PAGE + PAGE));
    }
}

proptest! {
    #[test]
    fn any_bytes_come_back(
        number in 0u64..1000,
        mut bytes in prop::collection::vec(any::<u8>(), PAGE as usize),
        quiet in prop::collection::vec((0..PAGE as usize, 0..2000usize, any::<u8>()), 0..8),
    ) {
        for (from, count, byte) in quiet {
            bytes.iter_mut().skip(from).take(count).for_each(|each| *each = byte);
        }
        size(number, bytes.first_chunk().unwrap());
    }

    #[test]
    fn slots_of_all_kinds_come_back(
        number in 0u64..3,
        slots in prop::collection::vec((0u32..4, prop::sample::select(VALUES.to_vec())), 341),
    ) {
        let mut time = 1_750_000_000;
        let slots = slots.into_iter().map(|(steps, value)| {
            time += steps * 60;
            if steps == 3 { (0, value) } else { (time, value) }
        });
        size(number, &page_of(number, slots));
    }

    #[test]
    fn what_is_appended_comes_back(
        number in 0u64..3,
        writes in prop::collection::vec((1usize..60, 0usize..3, 0u32..4, prop::sample::select(VALUES.to_vec())), 1..12),
    ) {
        let (mut page, mut code) = ([0; PAGE as usize], encode(number, &[0; PAGE as usize]));
        let mut from = (SLOT - before(number)) % SLOT;
        for (count, skipped, steps, value) in writes {
            let slot = |index| slot_of(1_750_000_000 + index * steps, (value + f64::from(index / 5)).to_bits());
            let bytes: Vec<u8> = (0..count as u32).flat_map(slot).collect();
            from += skipped * SLOT;
            let Some(place) = page.get_mut(from..).and_then(|page| page.get_mut(..bytes.len())) else { break };
            place.copy_from_slice(&bytes);
            let end = decode(number, &code, &mut [0; PAGE as usize]).unwrap();
            code = append(number, &code, &end, &bytes, number * PAGE + from as u64).unwrap();
            let mut decoded = [1; PAGE as usize];
            prop_assert!(decode(number, &code, &mut decoded).is_some() && decoded == page);
            prop_assert!(code.len() <= encode(number, &page).len() + 16, "{} {}", code.len(), encode(number, &page).len());
            from += bytes.len();
        }
    }

    #[test]
    fn what_is_decoded_is_a_page(number in 0u64..3, code in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut page = [0; PAGE as usize];
        if decode(number, &code, &mut page).is_some() {
            size(number, &page);
        }
    }
}

#[test]
fn what_is_no_code_is_refused() {
    let refused = |code: &[u8]| decode(0, code, &mut [0; PAGE as usize]).is_none();
    assert!(refused(&[TIME]) && refused(&[TIME, 0, 0, 1]) && refused(&[DECIMAL + 1, 1]) && refused(&[64, 1]));
    assert!(refused(&[RUN + LONGEST; 8]), "more slots than a page has");
    assert!(!refused(&[RUN + LONGEST; 7]) && !refused(&[]));
}
