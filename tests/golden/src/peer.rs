//! Real programs that some tests need: looked for, skipped aloud when absent, demanded where they must be there.

use std::env;

/// Says that a test is skipped because the real `part` (`ceph`, `collectd`, `whisper`) cannot be used here.
///
/// # Panics
/// When `PLUMBAGO_REQUIRE`, a comma list, names the part: then its absence is a failure.
pub fn skip(part: &str, why: &str) {
    let required = env::var("PLUMBAGO_REQUIRE").unwrap_or_default();
    assert!(!required.split(',').any(|name| name.trim() == part), "PLUMBAGO_REQUIRE names {part}, but {why}");
    println!("\nskipped, needs {part}: {why}");
}
