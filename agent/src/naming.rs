//! From a collector's name to the metric's: `PREFIX.HOST.NAME`, cleaned.

use collectors::{Scope, clean};

/// What this host's names begin with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Naming {
    root: String,
}

impl Naming {
    /// Names below `prefix`, which may have several parts or none, and `host`, which is one part.
    pub(crate) fn new(prefix: &str, host: &str) -> Naming {
        let mut root = String::new();
        for part in prefix.split('.').map(str::trim).filter(|part| !part.is_empty()) {
            clean(part, &mut root);
            root.push('.');
        }
        clean(host.trim(), &mut root);
        root.push('.');
        Naming { root }
    }

    /// What follows prefix and host in `whole`; all of it when it is not a name of this host.
    pub(crate) fn below<'a>(&self, whole: &'a str) -> &'a str {
        whole.strip_prefix(&self.root).unwrap_or(whole)
    }

    /// The same, with `suffix`, which may have several parts or none, behind the host.
    pub(crate) fn with_suffix(mut self, suffix: &str) -> Naming {
        for part in suffix.split('.').map(str::trim).filter(|part| !part.is_empty()) {
            clean(part, &mut self.root);
            self.root.push('.');
        }
        self
    }

    /// Appends the whole name of `name`, whose parts its collector has cleaned.
    pub(crate) fn write(&self, scope: Scope, name: &str, line: &mut String) {
        if scope == Scope::Host {
            line.push_str(&self.root);
        }
        line.push_str(name);
    }
}

/// The name of this host up to its first dot.
pub(crate) fn short_host_name() -> String {
    let uname = rustix::system::uname();
    let name = uname.nodename().to_string_lossy();
    let short = name.split('.').next().unwrap_or_default();
    if short.is_empty() { "localhost".to_owned() } else { short.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(prefix: &str, host: &str, expected: &str) {
        let mut line = String::new();
        Naming::new(prefix, host).write(Scope::Host, "cpu.idle", &mut line);
        assert_eq!(line, expected);
    }

    #[test]
    fn a_name_begins_with_prefix_and_host() {
        check("servers", "web01", "servers.web01.cpu.idle");
        check("", "web01", "web01.cpu.idle");
        check("dc1.servers.", "web01", "dc1.servers.web01.cpu.idle");
    }

    #[test]
    fn a_host_is_one_part_whatever_it_is_called() {
        check("servers", "web01.example.org", "servers.web01_example_org.cpu.idle");
        check("my servers", "../../etc", "my_servers.______etc.cpu.idle");
    }

    #[test]
    fn a_name_of_the_world_has_no_host() {
        let mut line = String::new();
        Naming::new("servers", "web01").write(Scope::World, "ceph.ceph.osd.0.up", &mut line);
        assert_eq!(line, "ceph.ceph.osd.0.up");
    }

    #[test]
    fn this_host_has_a_short_name() {
        assert!(!short_host_name().is_empty() && !short_host_name().contains('.'));
    }
}
