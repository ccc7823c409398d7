//! Any text is a time or is refused, in a zone with daylight saving, at its edge and far from it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use render::time;

fuzz_target!(|input: (u32, &str)| {
    let (now, text) = input;
    let zone = jiff::tz::TimeZone::get("America/New_York").expect("the zone database is bundled");
    let _ = time::parse(text, i64::from(now), &zone);
    let _ = time::offset(text);
});
