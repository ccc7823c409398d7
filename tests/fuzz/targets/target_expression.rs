//! Any text is a target or is refused with a place inside it; parsing the text of a target gives the same tree again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use render::target::{Target, first_path};

fuzz_target!(|text: &str| {
    match Target::parse(text) {
        Ok(target) => {
            let again = Target::parse(target.text()).expect("it was parsed a moment ago");
            assert_eq!(again.root(), target.root());
        }
        Err(fault) => {
            assert!(fault.place.position <= text.len());
            assert!(!fault.to_string().is_empty() && fault.place.caret().contains('^'));
        }
    }
    let _ = first_path(text);
});
