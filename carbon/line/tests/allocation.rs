//! Decoding a line that every client sends allocates nothing.
#![expect(unsafe_code, reason = "a counting allocator cannot be written without; it only counts and passes on")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use carbon_line::{Decoder, Rules, plain};

struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Relaxed);
        // SAFETY: the caller's promise about `layout` is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: `block` came from `alloc` above, with this layout.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

// The only test of this binary, so that nobody else allocates meanwhile; the test harness's own threads wait.
#[test]
fn decoding_a_line_allocates_nothing() {
    let stream: Vec<u8> = (0..1000)
        .flat_map(|n| format!("servers.web{n:03}.cpu.total.user {}.5 {}\r\n", n * 17, 1_700_000_000 + n).into_bytes())
        .collect();
    let rules = Rules { min_resolution: 0, future_limit: 3600 };
    let mut decoder = Decoder::with_longest(16_384);
    // The first round lets the decoder find the size of its buffer for unfinished lines.
    let mut count = [0; 2];
    let mut sum = 0.0;
    for round in &mut count {
        let before = ALLOCATIONS.load(Relaxed);
        for chunk in stream.chunks(997) {
            for line in decoder.feed(chunk) {
                let point = rules.admit(&plain::parse(line.unwrap()).unwrap(), 1_700_000_500.0).unwrap();
                sum += point.value;
            }
        }
        *round = ALLOCATIONS.load(Relaxed) - before;
    }
    assert!(sum > 0.0);
    assert_eq!(count[1], 0, "allocations for a thousand lines");
    assert!(count[0] <= 20, "the decoder's own buffers settle: {}", count[0]);
}
