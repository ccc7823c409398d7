//! The bytes of a page in few.
//!
//! Slots follow one another by equal steps of time, and values mostly resemble the one before. So of each slot the times
//! are left out where they go on as before, and of the value those bytes that differ from the value before. A run of
//! slots that are all as foretold, as empty ones are, takes a byte for each 63. What lies before the first whole slot
//! and behind the last one is taken as it is. Any bytes come back as they were.

use super::PAGE;

/// Bytes of a slot: time and value, big-endian.
const SLOT: usize = 12;

/// Where slots begin, in bytes behind a multiple of their size: a header is 16 bytes and as many as a slot for each archive.
const BEGIN: usize = 16 % SLOT;

/// With the code of a slot: its time follows in four bytes.
const TIME: u8 = 0x80;

/// The codes of runs begin behind those of values: 1 for the same bits, and 8 times 8 for what differs.
const RUN: u8 = 64;
const LONGEST: u8 = 63;

/// A page of a file, as wide as every system has them; larger ones are made of those.
pub(super) type Bytes = [u8; PAGE as usize];

/// The slot that is expected next, from those before.
#[derive(Default)]
struct Foretold {
    time: u32,
    step: u32,
    value: u64,
}

impl Foretold {
    fn next(&self) -> u32 {
        self.time.wrapping_add(self.step)
    }

    fn follow(&mut self, time: u32, value: u64) {
        *self = Foretold { time, step: time.wrapping_sub(self.time), value };
    }
}

fn parts(slot: &[u8; SLOT]) -> (u32, u64) {
    let (time, value) = slot.split_at(4);
    let number = |bytes: &[u8]| bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
    (number(time) as u32, number(value))
}

fn slot_of(time: u32, value: u64) -> [u8; SLOT] {
    let mut slot = [0; SLOT];
    slot[..4].copy_from_slice(&time.to_be_bytes());
    slot[4..].copy_from_slice(&value.to_be_bytes());
    slot
}

/// How many bytes of page `number` belong to a slot that began on the page before.
fn begin(number: u64) -> usize {
    let offset = (number % SLOT as u64 * PAGE % SLOT as u64) as usize;
    (BEGIN + SLOT - offset) % SLOT
}

/// Page `number` of a file in few bytes.
pub(super) fn encode(number: u64, page: &Bytes) -> Box<[u8]> {
    let (head, rest) = page.split_at(begin(number));
    let (slots, tail) = rest.as_chunks::<SLOT>();
    let mut code = Vec::with_capacity(page.len() + page.len() / SLOT);
    code.extend_from_slice(head);
    let (mut foretold, mut run) = (Foretold::default(), 0);
    for slot in slots {
        let (time, value) = parts(slot);
        let (on_time, changed) = (time == foretold.next(), value ^ foretold.value);
        foretold.follow(time, value);
        if on_time && changed == 0 && run < LONGEST {
            run += 1;
            continue;
        }
        end_run(&mut code, &mut run);
        if on_time && changed == 0 {
            run = 1;
            continue;
        }
        put_slot(&mut code, (!on_time).then_some(time), changed);
    }
    end_run(&mut code, &mut run);
    code.extend_from_slice(tail);
    code.into()
}

fn end_run(code: &mut Vec<u8>, run: &mut u8) {
    if *run > 0 {
        code.push(RUN + *run);
        *run = 0;
    }
}

/// `changed` has those bits set in which the value differs from the one before.
fn put_slot(code: &mut Vec<u8>, time: Option<u32>, changed: u64) {
    let bytes = changed.to_be_bytes();
    let (lead, trail) = (changed.leading_zeros() as usize / 8, changed.trailing_zeros() as usize / 8);
    let what = if changed == 0 { 0 } else { 1 + lead * 8 + trail };
    code.push(what as u8 | if time.is_some() { TIME } else { 0 });
    time.into_iter().for_each(|time| code.extend_from_slice(&time.to_be_bytes()));
    if changed != 0 {
        code.extend_from_slice(&bytes[lead..bytes.len() - trail]);
    }
}

/// The page that `code` was made of; nothing if it was made of none.
pub(super) fn decode(number: u64, code: &[u8]) -> Option<Box<Bytes>> {
    let mut page = Box::new([0; PAGE as usize]);
    let (head, rest) = page.split_at_mut(begin(number));
    let (slots, tail) = rest.as_chunks_mut::<SLOT>();
    let mut code = code;
    head.copy_from_slice(code.split_off(..head.len())?);
    let (mut foretold, mut run) = (Foretold::default(), 0);
    for slot in slots {
        let (time, changed) = if run > 0 { (None, 0) } else { take_slot(&mut code, &mut run)? };
        run = run.saturating_sub(1);
        let (time, value) = (time.unwrap_or(foretold.next()), foretold.value ^ changed);
        foretold.follow(time, value);
        *slot = slot_of(time, value);
    }
    tail.copy_from_slice(code.split_off(..tail.len())?);
    (run == 0 && code.is_empty()).then_some(page)
}

/// The time of the next slot if it is not as foretold, and in which bits its value differs; `run` is how many, this one
/// included, are as foretold.
fn take_slot(code: &mut &[u8], run: &mut u8) -> Option<(Option<u32>, u64)> {
    let what = *code.split_off_first()?;
    if (RUN + 1..TIME).contains(&what) && what - RUN <= LONGEST {
        *run = what - RUN;
        return Some((None, 0));
    }
    let time = match what & TIME {
        0 => None,
        _ => Some(u32::from_be_bytes(*code.split_off(..4)?.first_chunk()?)),
    };
    let Some(differs) = usize::from(what & !TIME).checked_sub(1) else { return Some((time, 0)) };
    let (lead, trail) = (differs / 8, differs % 8);
    let mut bytes = [0; 8];
    let into = bytes.get_mut(lead..8_usize.checked_sub(trail)?)?;
    into.copy_from_slice(code.split_off(..into.len())?);
    Some((time, u64::from_be_bytes(bytes)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn page_of(number: u64, slots: impl Iterator<Item = (u32, f64)>) -> Bytes {
        let mut page = [0; PAGE as usize];
        let (places, _) = page[begin(number)..].as_chunks_mut::<SLOT>();
        places.iter_mut().zip(slots).for_each(|(place, (time, value))| *place = slot_of(time, value.to_bits()));
        page
    }

    fn minutes(count: u32, value: impl Fn(u32) -> f64) -> impl Iterator<Item = (u32, f64)> {
        (0..count).map(move |minute| (1_750_000_020 + minute * 60, value(minute)))
    }

    /// How many bytes a page takes, which has to come back.
    fn size(number: u64, page: &Bytes) -> usize {
        let code = encode(number, page);
        assert!(decode(number, &code).is_some_and(|decoded| *decoded == *page));
        code.len()
    }

    #[test]
    fn slots_begin_where_a_file_has_them() {
        for number in 0..100 {
            assert_eq!((number * PAGE + begin(number) as u64) % 12, 4, "the offset of every slot behind 16 bytes");
        }
    }

    #[test]
    fn a_page_takes_what_is_new_in_it() {
        for number in 0..3 {
            assert!(size(number, &[0; PAGE as usize]) < 32);
            assert!(size(number, &page_of(number, minutes(341, |_| 0.25))) < 48);
            let (flags, whole) = (|minute| f64::from(minute % 7 / 6), f64::from);
            assert!(size(number, &page_of(number, minutes(300, flags))) < 450);
            assert!(size(number, &page_of(number, minutes(340, whole))) < 3 * 340 + 64);
            assert!(size(number, &page_of(number, minutes(100, |minute| f64::from(minute).sqrt()))) < 9 * 100 + 64);
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
            slots in prop::collection::vec((0u32..4, prop::sample::select(vec![0.0, -0.0, 1.0, 1e300, f64::NAN])), 341),
        ) {
            let mut time = 1_750_000_000;
            let slots = slots.into_iter().map(|(steps, value)| {
                time += steps * 60;
                if steps == 3 { (0, value) } else { (time, value) }
            });
            size(number, &page_of(number, slots));
        }

        #[test]
        fn what_is_no_page_is_refused(number in 0u64..3, code in prop::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(decode(number, &code).is_none_or(|page| encode(number, &page).len() <= code.len()));
        }
    }
}
