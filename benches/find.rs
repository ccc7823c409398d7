//! Finding names among a hundred thousand: those of 1 000 hosts with 100 series each, as empty files.
//! `carbon/storage/examples/names.rs` measures a million, a start and memory.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use carbon_line::Pattern;
use carbon_storage::{Find, ListQuery, NameIndex, StorageRules, WhisperTree};
use criterion::{Criterion, criterion_group, criterion_main};

fn make(root: &Path) -> std::io::Result<()> {
    for host in 0..1_000 {
        let site = ["fra1-prod", "ams2-prod", "lon3-test"][host % 3];
        for (group, device) in ["cpu", "iostat"].into_iter().flat_map(|group| (0..10).map(move |n| (group, n))) {
            let folder = root.join(format!("servers/host-{host:06}-{site}/{group}/{group}{device}"));
            fs::create_dir_all(&folder)?;
            for kind in ["user", "system", "idle", "await", "util"] {
                fs::write(folder.join(format!("{kind}.wsp")), "")?;
            }
        }
    }
    Ok(())
}

fn find(c: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    make(folder.path()).expect("room for a hundred thousand files");
    let tree = WhisperTree::read_only(folder.path(), StorageRules::default());
    let index = NameIndex::new(tree.clone(), Arc::new(tree), usize::MAX);
    let mut tending = index.tending();
    while !tending.is_complete() {
        tending.step();
    }
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let found = |pattern: &str| {
        let query = ListQuery::all(Pattern::parse(pattern).expect("a well-formed pattern"));
        runtime.block_on(index.list(&query)).expect("an answer").value.len()
    };
    let mut group = c.benchmark_group("find");
    group.sample_size(10);
    for (pattern, expected) in [
        ("servers.host-00000{1,2,3}-*.{cpu,iostat}.*.{user,await}", 120),
        ("servers.*.cpu.*.user", 10_000),
        ("*.*.*.*.*", 100_000),
    ] {
        group.bench_function(pattern, |b| b.iter(|| assert_eq!(found(pattern), expected)));
    }
    group.finish();
}

criterion_group!(benches, find);
criterion_main!(benches);
