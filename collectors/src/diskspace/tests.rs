use std::fs;
use std::path::Path;

use super::mounts::{Mount, labels, unescaped};
use super::*;
use crate::testing::{collect, collector, fixture, host, raw, try_collect};

fn mounts(text: &str) -> Result<Vec<Mount>, Fail> {
    Options::default().mounts(Path::new("/proc/self/mountinfo"), text.as_bytes())
}

#[test]
fn each_device_is_named_after_its_first_mount() {
    let text = fs::read_to_string(fixture("diskspace/testdata/linux-6/proc/self/mountinfo")).unwrap();
    let mounts = mounts(&text).unwrap();
    let names: Vec<_> =
        mounts.iter().map(|mount| (mount.name(&BTreeMap::new()), mount.distance == Distance::Remote)).collect();
    let expected = [("root", false), ("_mnt_my disk_d", false), ("_home", true), ("tmp", false)];
    assert_eq!(names, expected.map(|(name, remote)| (name.to_owned(), remote)));
}

#[test]
fn a_label_is_the_better_name() {
    let mount = Mount { point: "/srv".to_owned(), device: "/dev/vda".to_owned(), distance: Distance::Local };
    let labels = BTreeMap::from([(PathBuf::from("/dev/vda"), "data".to_owned())]);
    assert_eq!(mount.name(&labels), "data");
}

#[test]
fn labels_are_links_to_devices() {
    let host = host(&[("dev/vda", ""), ("dev/disk/by-label/none", "")]);
    std::os::unix::fs::symlink("../../vda", host.path().join("dev/disk/by-label/my\\x20disk")).unwrap();
    let found = {
        let site = Site::below(host.path().canonicalize().unwrap());
        labels(&site.path("dev/disk/by-label"), &site)
    };
    assert_eq!(found.get(Path::new("/dev/vda")).map(String::as_str), Some("my disk"));
}

#[test]
fn the_space_of_a_mounted_folder_adds_up() {
    let host = host(&[("proc/self/mountinfo", "27 1 254:0 / / rw - ext4 /dev/vda rw\n")]);
    let samples = collect(&mut *collector("diskspace", host.path(), ""), 0);
    let value = |name: &str| raw(&samples[&format!("diskspace.root.{name}")]);
    assert_eq!(samples.len(), 8);
    assert!(value("byte_used") > 0.0 && value("byte_free") >= value("byte_avail"));
    let share = 100.0 * value("byte_free") / (value("byte_free") + value("byte_used"));
    assert!((share - value("byte_percentfree")).abs() < 1e-9);
}

#[test]
fn a_mount_that_cannot_be_read_does_not_hide_the_others() {
    let two = "27 1 254:0 / / rw - ext4 /dev/vda rw\n28 1 254:1 / /gone rw - ext4 /dev/vdb rw\n";
    let host = host(&[("proc/self/mountinfo", two)]);
    let mut out = Out::default();
    out.begin(crate::testing::slot(0));
    let fail = collector("diskspace", host.path(), "").run(crate::testing::slot(0), &mut out).unwrap_err();
    assert!(fail.to_string().ends_with("/gone"), "{fail}");
    assert_eq!(out.len(), 8);
}

#[test]
fn a_network_file_system_says_that_it_is_not_stale() {
    let host = host(&[("proc/self/mountinfo", "42 1 0:52 / / rw - nfs4 filer:/home rw\n")]);
    let samples = collect(&mut *collector("diskspace", host.path(), "patience = '30s'"), 0);
    assert_eq!(raw(&samples["diskspace.root.stale"]), 0.0);
    assert_eq!(samples.len(), 9);
}

#[test]
fn an_unknown_format_is_an_error() {
    let host = host(&[("proc/self/mountinfo", "what is this\n")]);
    assert!(matches!(try_collect(&mut *collector("diskspace", host.path(), ""), 0), Err(Fail::Parse { .. })));
    assert_eq!(unescaped(b"a\\040b\\134c\\9\\04"), Some("a b\\c\\9\\04".to_owned()));
    assert_eq!(unescaped(b"\\377"), None);
}

#[test]
fn what_answers_from_memory_is_asked_in_line_until_something_else_is_mounted() {
    let root = "27 1 254:0 / / rw - ext4 /dev/vda rw\n";
    let host = host(&[("proc/self/mountinfo", root)]);
    let mut disks = collector("diskspace", host.path(), "patience = '30s'");
    assert_eq!(disks.spec().class, Class::Fast);
    assert_eq!(collect(&mut *disks, 0).len(), 8);
    fs::create_dir(host.path().join("home")).unwrap();
    let home = "42 1 0:52 / /home rw - nfs4 filer:/home rw\n43 42 254:1 / /home/disk rw - ext4 /dev/vdb rw\n";
    fs::create_dir(host.path().join("home/disk")).unwrap();
    fs::write(host.path().join("proc/self/mountinfo"), [root, home].concat()).unwrap();
    // It is seen in line, where it must not be waited for.
    assert_eq!(collect(&mut *disks, 10).len(), 8);
    assert_eq!(disks.spec().class, Class::Slow);
    assert_eq!(collect(&mut *disks, 20).len(), 8 + 9 + 8);
    fs::write(host.path().join("proc/self/mountinfo"), root).unwrap();
    assert_eq!(collect(&mut *disks, 30).len(), 8);
    assert_eq!(disks.spec().class, Class::Fast);
    let nobody = collector("diskspace", host.path().join("nowhere").as_path(), "");
    assert_eq!(nobody.spec().class, Class::Slow);
}

#[test]
fn a_label_that_comes_later_is_the_name_from_then_on() {
    let host = host(&[("proc/self/mountinfo", "27 1 254:0 / / rw - ext4 /dev/vda rw\n"), ("dev/vda", "")]);
    let root = host.path().canonicalize().unwrap();
    let mut disks = collector("diskspace", &root, "");
    assert!(collect(&mut *disks, 0).contains_key("diskspace.root.byte_used"));
    fs::create_dir_all(root.join("dev/disk/by-label")).unwrap();
    std::os::unix::fs::symlink("../../vda", root.join("dev/disk/by-label/system")).unwrap();
    assert!(collect(&mut *disks, 10).contains_key("diskspace.system.byte_used"));
}

#[test]
fn the_kernels_own_table_is_read_again_when_something_was_mounted() {
    let (site, options) = (Site::below("/"), Options::default());
    let mut mounts = Mounts::of(&site);
    mounts.places(&options, &site, crate::testing::slot(0)).unwrap();
    // Others on this host may mount something at any moment.
    assert!((0..100).any(|_| !mounts.changed()));
    let host = host(&[("proc/self/mountinfo", "")]);
    let site = Site::below(host.path());
    let mut mounts = Mounts::of(&site);
    mounts.places(&options, &site, crate::testing::slot(0)).unwrap();
    assert!(mounts.changed(), "a file does not tell");
}
