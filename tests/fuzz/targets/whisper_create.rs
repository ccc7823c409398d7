//! Any text as retentions, method and factor: what is accepted makes a file that passes every check.
#![no_main]

use libfuzzer_sys::fuzz_target;
use whisper::layer::Memory;
use whisper::{CreateOptions, Error, Retentions, Whisper};

fuzz_target!(|text: &str| {
    let mut parts = text.split('\n');
    let Ok(retentions) = parts.next().unwrap_or_default().parse::<Retentions>() else { return };
    let mut options = CreateOptions::new(retentions);
    if let Some(Ok(method)) = parts.next().map(str::parse) {
        options.method = method;
    }
    if let Some(Ok(factor)) = parts.next().map(str::parse) {
        options.x_files_factor = factor;
    }
    let size = options.retentions.file_size();
    assert_eq!(options.retentions.to_string().parse::<Retentions>().as_ref(), Ok(&options.retentions));
    match Whisper::create_over(Memory::new(Vec::new(), 1 << 20), "fuzz.wsp", &options) {
        Ok(file) => assert_eq!(file.header().verify(size), Ok(())),
        Err(Error::Io { .. }) => assert!(size > 1 << 20, "a small file must be made"),
        Err(other) => panic!("{other}"),
    }
});
