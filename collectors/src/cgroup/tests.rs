use crate::testing::{collect, collector, fixture, host, raw, try_collect};
use crate::{Class, Fail, Value};

/// A tree of two levels, in the form of Linux 6.
fn tree() -> tempfile::TempDir {
    let cpu =
        "usage_usec 7000000\nuser_usec 5000000\nsystem_usec 2000000\nnice_usec 0\nnr_periods 4\nthrottled_usec 30\n";
    host(&[
        ("sys/fs/cgroup/cgroup.controllers", "cpu io memory pids\n"),
        ("sys/fs/cgroup/cpu.stat", cpu),
        ("sys/fs/cgroup/system.slice/cpu.stat", cpu),
        ("sys/fs/cgroup/system.slice/cpu.pressure", "some avg10=0.00 avg60=0.00 avg300=0.00 total=41\n"),
        ("sys/fs/cgroup/system.slice/memory.current", "52428800\n"),
        ("sys/fs/cgroup/system.slice/memory.max", "max\n"),
        ("sys/fs/cgroup/system.slice/memory.stat", "anon 4096\nfile 8192\nworkingset_refault_anon 1\n"),
        ("sys/fs/cgroup/system.slice/memory.events", "low 0\nhigh 0\nmax 2\noom 1\noom_kill 1\n"),
        (
            "sys/fs/cgroup/system.slice/io.stat",
            "8:0 rbytes=100 wbytes=5 rios=2 wios=1 dbytes=0\n8:16 rbytes=50 rios=1\n253:0\n",
        ),
        ("sys/fs/cgroup/system.slice/ssh.service/pids.current", "3\n"),
        ("sys/fs/cgroup/user.slice/pids.current", "9\n"),
    ])
}

#[test]
fn a_group_is_published_with_what_it_uses() {
    let samples = collect(&mut *collector("cgroup", tree().path(), ""), 0);
    let value = |name: &str| raw(&samples[&format!("cgroup.system_slice.{name}")]);
    assert_eq!(value("cpu.usage") * samples["cgroup.system_slice.cpu.usage"].scale, 700.0);
    assert_eq!(value("memory.current"), 52_428_800.0);
    assert_eq!(value("memory.file"), 8192.0);
    assert_eq!(value("memory.events_oom_kill"), 1.0);
    assert_eq!(value("io.read_byte"), 150.0);
    assert_eq!(value("io.reads"), 3.0);
    assert_eq!(value("cpu.pressure.some.percent"), 41.0);
    assert_eq!(samples["cgroup.user_slice.pids.current"].value, Value::Gauge(9.0));
    assert!(!samples.contains_key("cgroup.system_slice.memory.max"), "no limit is no number");
}

#[test]
fn what_a_kernel_says_of_groups_without_controllers_is_published() {
    let mut one = collector("cgroup", &fixture("cgroup/testdata/linux-6"), "depth = 2");
    let samples = collect(&mut *one, 0);
    let value = |name: &str| raw(&samples[&format!("cgroup.{name}")]);
    assert_eq!(value("db_slice.cpu.usage"), 218_783.0);
    assert_eq!((value("db_slice.cpu.user"), value("db_slice.cpu.system")), (55_859.0, 162_923.0));
    assert_eq!(value("db_slice.cpu.pressure.some.percent"), 328_684.0);
    assert_eq!(value("web_slice.nginx_service.cpu.usage"), 984.0);
    assert_eq!(value("web_slice.memory.pressure.full.percent"), 0.0);
    assert!(!samples.keys().any(|name| name.contains("memory.current") || name.contains("cgroup_controllers")));
}

#[test]
fn depth_number_and_names_bound_what_is_measured() {
    let has = |options, name| collect(&mut *collector("cgroup", tree().path(), options), 0).contains_key(name);
    let service = "cgroup.system_slice.ssh_service.pids.current";
    assert!(!has("", service));
    assert!(has("depth = 2", service));
    assert!(!has("depth = 2\nexclude = ['ssh']", service));
    assert!(!has("depth = 9\nexclude = ['system']", service));
    assert!(collect(&mut *collector("cgroup", tree().path(), "most = 0"), 0).is_empty());
}

#[test]
fn a_host_of_both_versions_has_its_tree_elsewhere() {
    let host = host(&[
        ("sys/fs/cgroup/memory/web/memory.usage_in_bytes", "1\n"),
        ("sys/fs/cgroup/unified/cgroup.controllers", "\n"),
        ("sys/fs/cgroup/unified/web/pids.current", "4\n"),
    ]);
    assert_eq!(raw(&collect(&mut *collector("cgroup", host.path(), ""), 0)["cgroup.web.pids.current"]), 4.0);
}

#[test]
fn without_groups_no_thread_is_needed() {
    let host = host(&[("sys/fs/cgroup/cgroup.controllers", "cpu\n")]);
    let mut one = collector("cgroup", host.path(), "");
    assert_eq!(one.spec().class, Class::Slow);
    assert!(collect(&mut *one, 0).is_empty());
    assert_eq!(one.spec().class, Class::Fast);
    let group = host.path().join("sys/fs/cgroup/web");
    std::fs::create_dir(&group).unwrap();
    std::fs::write(group.join("pids.current"), "4\n").unwrap();
    assert_eq!(collect(&mut *one, 10).len(), 1);
    assert_eq!(one.spec().class, Class::Slow);
}

#[test]
fn a_damaged_group_is_named_and_its_neighbours_are_published() {
    let tree = tree();
    std::fs::write(tree.path().join("sys/fs/cgroup/user.slice/memory.current"), "lots\n").unwrap();
    let mut out = crate::Out::default();
    let slot = crate::testing::slot(0);
    out.begin(slot);
    let fail = collector("cgroup", tree.path(), "").run(slot, &mut out).unwrap_err();
    assert!(fail.to_string().contains("expected a number or `max`, found `lots`"), "{fail}");
    assert!(out.samples().all(|(name, _)| name.starts_with("cgroup.system_slice.")));
    assert!(!out.is_empty());
}

#[test]
fn a_host_without_version_2_is_quiet() {
    let bare = host(&[("sys/fs/cgroup/memory/x", "")]);
    assert!(matches!(try_collect(&mut *collector("cgroup", bare.path(), ""), 0), Err(Fail::Absent { .. })));
}
