use crate::testing::{collect, collector, fixture, host, raw, try_collect};

#[test]
fn the_bits_are_published() {
    let root = fixture("entropy/testdata/linux-6");
    assert_eq!(raw(&collect(&mut *collector("entropy", &root, ""), 0)["entropy.available"]), 256.0);
}

#[test]
fn what_is_no_number_is_named() {
    for text in ["", "many\n", "-1\n"] {
        let host = host(&[("proc/sys/kernel/random/entropy_avail", text)]);
        let fail = try_collect(&mut *collector("entropy", host.path(), ""), 0).unwrap_err();
        assert!(fail.to_string().contains("expected a number of bits"), "{fail}");
    }
}
