//! Values of at most three decimals and below 10^9, which most measurements are: their digits come from tables,
//! three at a time, with no branch that depends on how many there are.

/// Bytes that [`set`] may write to, of which it uses fifteen at most.
pub(super) const ROOM: usize = 32;

/// A sum with it has the whole number next to the other addend in its low bits, and adding is all it takes.
const TO_WHOLE: f64 = (1_u64 << 52) as f64;

/// Below it a value of three decimals has 12 digits at most, and then no shorter text reads back as the same value.
const LIMIT: f64 = 1e9;

/// Three digits in the low bytes, and how many of them count in the highest.
type Digits = u32;

/// Without zeros before.
static LEADING: [Digits; 1_000] = table(Cut::Before);
/// Without zeros after.
static FRACTION: [Digits; 1_000] = table(Cut::After);
/// All three.
static THREE: [Digits; 1_000] = table(Cut::Nothing);

/// Sets `value` as `5.0`, `-0.25`, `12345.678`, and with `is_integer` one without decimals as `5`; the length of the text,
/// or nothing if it is no such value.
#[inline(always)]
pub(super) fn set(room: &mut [u8; ROOM], value: f64, is_integer: bool) -> Option<usize> {
    let size = value.abs();
    let thousandths = size * 1_000.0 + TO_WHOLE;
    // A quotient is rounded to the nearest, as the reader of the text does: it is this value or another one. NaN is none.
    if !(size < LIMIT && (thousandths - TO_WHOLE) / 1_000.0 == size) {
        return None;
    }
    let thousandths = thousandths.to_bits() - TO_WHOLE.to_bits();
    let (whole, rest) = ((thousandths / 1_000) as u32, (thousandths % 1_000) as usize);
    room[0] = b'-';
    // As a whole number, -0 is 0.
    let mut end = usize::from(if is_integer { value < 0.0 } else { value.is_sign_negative() });
    if whole < 1_000 {
        put(room, &mut end, LEADING[whole as usize]);
    } else if whole < 1_000_000 {
        put(room, &mut end, LEADING[(whole / 1_000) as usize]);
        put(room, &mut end, THREE[(whole % 1_000) as usize]);
    } else {
        put(room, &mut end, LEADING[(whole / 1_000_000) as usize % 1_000]);
        put(room, &mut end, THREE[(whole / 1_000 % 1_000) as usize]);
        put(room, &mut end, THREE[(whole % 1_000) as usize]);
    }
    if !is_integer || rest != 0 {
        room[end % ROOM] = b'.';
        end += 1;
        put(room, &mut end, FRACTION[rest]);
    }
    Some(end)
}

/// The byte after the digits is set, too, and overwritten by what follows.
#[inline(always)]
fn put(room: &mut [u8; ROOM], end: &mut usize, digits: Digits) {
    if let Some(place) = room[*end..].first_chunk_mut() {
        *place = digits.to_le_bytes();
    }
    *end += (digits >> 24) as usize;
}

/// Which zeros are left out; one digit stays.
enum Cut {
    Before,
    After,
    Nothing,
}

const fn table(cut: Cut) -> [Digits; 1_000] {
    let mut all = [0; 1_000];
    let mut at = 0;
    while at < 1_000 {
        let [a, b, c] = [b'0' + (at / 100) as u8, b'0' + (at / 10 % 10) as u8, b'0' + (at % 10) as u8];
        all[at] = Digits::from_le_bytes(match cut {
            Cut::Before if at < 10 => [c, 0, 0, 1],
            Cut::Before if at < 100 => [b, c, 0, 2],
            Cut::After if at % 100 == 0 => [a, 0, 0, 1],
            Cut::After if at % 10 == 0 => [a, b, 0, 2],
            _ => [a, b, c, 3],
        });
        at += 1;
    }
    all
}
