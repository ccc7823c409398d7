//! Any bytes as a pickle: data or a refusal, never a panic.
#![no_main]

use carbon_line::carbonlink::{Request, Response};
use carbon_line::pickle;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(pickle) = pickle::read(data) {
        if let Ok(items) = pickle.datapoints() {
            items.for_each(|item| drop(item.map(|point| point.to_string())));
        }
    }
    if let Ok(request) = Request::decode(data) {
        assert_eq!(Request::decode(&request.encode()), Ok(request));
    }
    let _ = Response::decode(data);
});
