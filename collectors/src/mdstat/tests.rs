use std::collections::BTreeMap;

use crate::testing::{agrees_with_diamond, collect, collector, fixture, host, like_diamond, raw, try_collect};
use crate::{Fail, Sample};

fn recorded() -> BTreeMap<String, Sample> {
    collect(&mut *collector("mdstat", &fixture("mdstat/testdata/linux-6"), ""), 0)
}

#[track_caller]
fn check(name: &str, expected: f64) {
    assert_eq!(raw(&recorded()[&format!("mdstat.{name}")]), expected, "{name}");
}

#[test]
fn members_are_told_apart() {
    check("md0.member_count.active", 2.0);
    check("md0.member_count.spare", 1.0);
    check("md1.member_count.faulty", 1.0);
    check("md127.member_count.spare", 1.0);
    check("md2.member_count.active", 2.0);
}

#[test]
fn the_status_has_what_its_level_has() {
    check("md1.status.blocks", 39_058_432.0);
    check("md1.status.superblock_version", 1.2);
    check("md1.status.raid_level", 5.0);
    check("md1.status.chunk_size", 524_288.0);
    check("md1.status.algorithm", 2.0);
    check("md1.status.total_members", 3.0);
    check("md1.status.actual_members", 2.0);
    check("md2.status.rounding_factor", 8192.0);
    assert!(!recorded().contains_key("mdstat.md2.status.total_members"));
    assert!(!recorded().contains_key("mdstat.md3.status.superblock_version"));
}

#[test]
fn bitmap_and_recovery_are_there_where_the_kernel_has_them() {
    check("md0.bitmap.allocated_pages", 1.0);
    check("md0.bitmap.total_pages", 2.0);
    check("md0.bitmap.page_size", 4.0);
    check("md0.bitmap.chunk_size", 65_536.0);
    check("md1.recovery.percent", 12.6);
    check("md1.recovery.remaining_time", 810_000.0);
    check("md1.recovery.speed", 21_062.0 * 1024.0);
    assert!(!recorded().keys().any(|name| name.contains("resync")), "what is delayed has come nowhere");
}

#[test]
fn damaged_lines_give_what_they_have() {
    let strange =
        "md : \nmd0 : a\n blocks\n 5 blocks [/] [3/\n bitmap: \n bitmap: x/y pages\n [>] recovery = % finish=min\n x";
    let host = host(&[("proc/mdstat", strange)]);
    let samples = collect(&mut *collector("mdstat", host.path(), ""), 0);
    assert_eq!(raw(&samples["mdstat.md0.status.blocks"]), 5.0);
    assert!(!samples.keys().any(|name| name.contains("recovery")));
}

#[test]
fn a_kernel_without_raid_is_quiet() {
    let bare = host(&[]);
    assert!(matches!(try_collect(&mut *collector("mdstat", bare.path(), ""), 0), Err(Fail::Absent { .. })));
}

#[test]
fn diamond_reads_the_same_but_for_what_is_inactive() {
    let mut one = collector("mdstat", &fixture("mdstat/testdata/linux-6"), "");
    agrees_with_diamond(&mut *one, &fixture("mdstat/testdata/linux-6/expected.diamond.txt"), &["mdstat.md127."]);
}

#[test]
fn following_diamond_nothing_differs() {
    let mut one = like_diamond("mdstat", &fixture("mdstat/testdata/linux-6"), "");
    agrees_with_diamond(&mut *one, &fixture("mdstat/testdata/linux-6/expected.diamond.txt"), &[]);
}

#[test]
fn following_diamond_damage_gives_what_there_is() {
    for strange in
        ["", "\n", "a\nb\nc\n", "a\nmd0 : x\n\n\nmd1 : active raid1 a[0](F\n blocks\n\nmd2 : \n5 blocks [/]\nu\n"]
    {
        let host = host(&[("proc/mdstat", strange)]);
        collect(&mut *like_diamond("mdstat", host.path(), ""), 0);
    }
}
