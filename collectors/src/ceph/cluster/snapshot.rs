//! The cluster as it is, and what changed between two looks at it.

use std::collections::{BTreeMap, BTreeSet};

use crate::Change;

/// What can change. What is not known is `None`, and nothing can be said of its change.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Snapshot {
    /// The monitor that leads; empty for one that we do not know.
    pub(super) leader: Option<String>,
    pub(super) quorum: Option<BTreeSet<String>>,
    /// How many OSDs are up, in, and there.
    pub(super) counts: Option<[u64; 3]>,
    /// Whether each is up and in.
    pub(super) osds: Option<BTreeMap<u32, (bool, bool)>>,
    pub(super) flags: Option<BTreeSet<String>>,
    /// `HEALTH_OK` and so on, with the names of the checks.
    pub(super) health: Option<(String, String)>,
    pub(super) manager: Option<String>,
}

impl Snapshot {
    /// What changed since `old`, under tags for `cluster`.
    pub(super) fn changes(&self, old: &Snapshot, cluster: &str) -> Vec<Change> {
        let mut list = List { cluster, changes: Vec::new() };
        if let Some((old, new)) = differ(&old.leader, &self.leader) {
            let before = if old.is_empty() { String::new() } else { format!("before it mon.{old} did") };
            list.add(format!("mon.{new} leads the monitors"), &["mon", &format!("mon.{new}")], before);
        }
        if let Some((old, new)) = differ(&old.quorum, &self.quorum) {
            let members = format!("{} monitors in the quorum", new.len());
            for name in old.difference(new) {
                list.add(format!("mon.{name} left the quorum"), &["mon", &format!("mon.{name}")], members.clone());
            }
            for name in new.difference(old) {
                list.add(format!("mon.{name} joined the quorum"), &["mon", &format!("mon.{name}")], members.clone());
            }
        }
        if let Some((old, new)) = differ(&old.manager, &self.manager) {
            list.add(
                format!("mgr.{new} is the active manager"),
                &["mgr", &format!("mgr.{new}")],
                format!("before it mgr.{old} was"),
            );
        }
        self.osd_changes(old, &mut list);
        if let Some((old, new)) = differ(&old.flags, &self.flags) {
            for flag in new.difference(old) {
                list.add(format!("flag {flag} is set"), &["flag", flag], String::new());
            }
            for flag in old.difference(new) {
                list.add(format!("flag {flag} is not set any more"), &["flag", flag], String::new());
            }
        }
        if let Some(((old, _), (new, checks))) = differ(&old.health, &self.health)
            && old != new
        {
            list.add(format!("health is {new}"), &["health"], checks.clone());
        }
        list.changes
    }

    fn osd_changes(&self, old: &Snapshot, list: &mut List<'_>) {
        let (Some(before), Some(now)) = (&old.osds, &self.osds) else {
            // Without the map only their number is known.
            if self.osds.is_none() && old.osds.is_none() {
                self.count_changes(old, list);
            }
            return;
        };
        for (id, (up, within)) in now {
            let name = format!("osd.{id}");
            let mut tell = |what: &str| list.add(format!("{name} is {what}"), &["osd", &name], String::new());
            let Some((was_up, was_within)) = before.get(id) else {
                tell("new");
                continue;
            };
            if up != was_up {
                tell(if *up { "up" } else { "down" });
            }
            if within != was_within {
                tell(if *within { "in" } else { "out" });
            }
        }
        for id in before.keys().filter(|id| !now.contains_key(id)) {
            list.add(format!("osd.{id} is gone"), &["osd", &format!("osd.{id}")], String::new());
        }
    }

    fn count_changes(&self, old: &Snapshot, list: &mut List<'_>) {
        let Some((old, new)) = differ(&old.counts, &self.counts) else { return };
        for (at, (more, less)) in [("up", "down"), ("in", "out")].into_iter().enumerate() {
            let (was, is) = (old[at], new[at]);
            if was != is {
                let word = if is > was { more } else { less };
                let what = match was.abs_diff(is) {
                    1 => format!("an OSD is {word}"),
                    many => format!("{many} OSDs are {word}"),
                };
                list.add(what, &["osd"], format!("{is} of {} are {more}", new[2]));
            }
        }
    }

    /// This, with what it does not know taken from `old`.
    pub(super) fn over(self, old: Snapshot) -> Snapshot {
        Snapshot {
            leader: self.leader.or(old.leader),
            quorum: self.quorum.or(old.quorum),
            counts: self.counts.or(old.counts),
            osds: self.osds.or(old.osds),
            flags: self.flags.or(old.flags),
            health: self.health.or(old.health),
            manager: self.manager.or(old.manager),
        }
    }
}

fn differ<'a, T: PartialEq>(old: &'a Option<T>, new: &'a Option<T>) -> Option<(&'a T, &'a T)> {
    old.as_ref().zip(new.as_ref()).filter(|(old, new)| old != new)
}

/// More in one interval is a cluster that comes up or goes down, and is told as a number.
const MOST_CHANGES: usize = 50;

struct List<'a> {
    cluster: &'a str,
    changes: Vec<Change>,
}

impl List<'_> {
    fn add(&mut self, what: String, tags: &[&str], data: String) {
        if self.changes.len() >= MOST_CHANGES {
            return;
        }
        let tags = ["ceph", self.cluster].iter().chain(tags).map(|tag| (*tag).to_owned()).collect();
        let what = if self.changes.len() + 1 == MOST_CHANGES { "many things changed".to_owned() } else { what };
        self.changes.push(Change { what, tags, data, perhaps_told: false });
    }
}
