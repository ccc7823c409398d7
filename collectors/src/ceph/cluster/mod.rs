//! The cluster as a whole, told by one agent among those of its monitors.
//!
//! The agent whose monitor leads speaks, by the monitor's own word. An agent whose monitor is in the quorum and does not
//! lead asks the server that all send to whether a monitor before its own was heard; when none was for two intervals, it
//! speaks, and falls silent when one is heard again. So all of them step in at once when the leader's falls silent, and
//! one interval later the next in rank is left; the others tell no changes until then. Where nobody can be asked, every agent of the quorum speaks: the
//! same value under the same name and slot harms nobody.

mod facts;
mod command;
mod snapshot;
mod publish;
mod seat;

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use self::command::{Rounds, Tool};
use self::facts::Facts;
use self::publish::{Sheet, calamari};
use self::seat::Seat;
use self::snapshot::Snapshot;
use super::cleaned::cleaned;
use super::names::Naming;
use super::options::Options;
use super::status::MonStatus;
use crate::{Change, Fail, Heard, Out, Scope, Site, Slot};

/// How long the server is waited for.
const PATIENCE: Duration = Duration::from_millis(500);

/// Changes that a silent agent has seen are kept for this many runs, in case the one that should have told them is gone.
/// A server that keeps a value a minute is late to know.
const REMEMBERED: usize = 16;

/// Runs after the first word in which another may have told the same change.
const OVERLAP: u32 = 3;

/// The numbers of a monitor's section `cluster`.
pub(super) type Counters = BTreeMap<String, u64>;

/// What this host's monitor says.
#[derive(Clone, Copy)]
pub(super) struct MonView<'a> {
    pub(super) name: &'a str,
    pub(super) status: &'a MonStatus,
    pub(super) counters: &'a Counters,
    pub(super) fsid: Option<&'a str>,
    /// Which file its admin socket is, so that of several agents that read it one speaks.
    pub(super) socket: Option<&'a str>,
    /// A manager of this host that is active.
    pub(super) manager: Option<&'a str>,
}

/// Where a cluster is told of.
pub(super) struct Scene<'a> {
    pub(super) options: &'a Options,
    pub(super) site: &'a Site,
    pub(super) slot: Slot,
    /// When the run began.
    pub(super) begun: Instant,
}

/// What is remembered of a cluster between runs.
#[derive(Debug, Default)]
pub(super) struct Cluster {
    seen: Option<Snapshot>,
    /// Our monitor.
    mon: Option<String>,
    /// Runs in a row in which we spoke.
    spoken: u32,
    /// Changes seen while somebody else spoke, with their slots.
    unspoken: VecDeque<(Slot, Vec<Change>)>,
    last_slot: Option<u32>,
    interval: Option<u32>,
    /// Who leads, and the slot in which we learnt so.
    leader: Option<(String, u32)>,
    seat: Seat,
    rounds: Rounds,
    facts: Option<Known>,
    asked_at: Option<Sign>,
}

/// What sockets show of something that only the tool can tell more about; when it is another, the tool is asked at once.
#[derive(Debug, PartialEq)]
struct Sign {
    osd_map: Option<u64>,
    manager: Option<String>,
}

#[derive(Debug)]
struct Known {
    facts: Facts,
    at: Duration,
    told: Instant,
}

/// Whether we speak, and how sure that nobody else does.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Voice {
    Silent {
        /// The last slot of somebody who speaks before us.
        heard: Option<u32>,
    },
    /// Our monitor leads.
    Leads,
    /// All before us have been silent since that slot.
    StandsIn {
        since: Option<u32>,
        /// Nobody else stands in at the same time: ours comes right behind the leader, or we have not heard another since.
        alone: bool,
    },
    /// Nobody can be asked.
    Unsure,
}

impl Cluster {
    /// Tells of the cluster called `name`, if it is for us to tell.
    ///
    /// # Errors
    /// What is wrong with the command line tool.
    pub(super) fn tell(&mut self, name: &str, view: MonView<'_>, scene: &Scene<'_>, out: &mut Out) -> Result<(), Fail> {
        let now = scene.slot.time.secs();
        if let Some(last) = self.last_slot.replace(now)
            && now > last
        {
            self.interval = Some(self.interval.map_or(now - last, |known| known.min(now - last)));
        }
        self.mon = Some(view.name.to_owned());
        let leader = view.status.quorum_names().first().copied().unwrap_or_default();
        if self.leader.as_ref().is_none_or(|(known, _)| known != leader) {
            self.leader = Some((leader.to_owned(), now));
        }
        let voice = self.voice(name, view, scene);
        let voice = match view.socket {
            Some(socket) if !matches!(voice, Voice::Silent { .. }) && !self.seat.take(socket) => {
                Voice::Silent { heard: None }
            }
            _ => voice,
        };
        let speaks = !matches!(voice, Voice::Silent { .. });
        if !speaks {
            self.seat.leave();
        }
        let result = if matches!(voice, Voice::Leads | Voice::StandsIn { alone: true, .. }) {
            self.ask(name, view, scene)
        } else {
            self.facts = None;
            Ok(())
        };
        self.changes(name, view, voice, scene.slot, out);
        if speaks {
            let root = format!("ceph.{name}.cluster");
            out.scope(Scope::World);
            Sheet::new(&root, out).view(&view);
            if let Some(known) = &self.facts {
                out.measured_at(known.at);
                Sheet::new(&root, out).facts(&known.facts);
                if scene.options.naming == Naming::Calamari {
                    let pools = known.facts.pool_sums.as_deref().unwrap_or_default();
                    calamari(view.fsid.unwrap_or(name), pools, known.facts.df.as_ref(), out);
                }
            }
        }
        result
    }

    fn voice(&self, name: &str, view: MonView<'_>, scene: &Scene<'_>) -> Voice {
        if view.status.leads() {
            return Voice::Leads;
        }
        let silent = Voice::Silent { heard: None };
        if !view.status.in_quorum() {
            return silent;
        }
        // Before the second run nobody knows how long an interval is.
        let (Some(ears), Some(interval)) = (scene.site.ears(), self.interval) else {
            return if scene.site.ears().is_none() { Voice::Unsure } else { silent };
        };
        let root = format!("ceph.{name}.cluster.speaker.");
        let Some(heard) = ears.last(&format!("{root}*"), PATIENCE) else { return Voice::Unsure };
        let names = view.status.quorum_names();
        let mut before: Vec<String> =
            names.iter().take_while(|other| **other != view.name).map(|other| cleaned(other)).collect();
        // The leader is the first of them.
        before.extend(names.first().map(|leader| cleaned(leader)));
        let last = heard.iter().filter(|heard| {
            heard.series.strip_prefix(&root).is_some_and(|other| before.iter().any(|before| before == other))
        });
        let last = last.max_by_key(|heard| heard.time);
        let recent = scene.slot.time.secs().saturating_sub(interval.saturating_mul(2));
        // A slot of the server that is longer than an interval may hold a word from its end.
        let latest = |heard: &Heard| heard.time.secs().saturating_add(heard.step.saturating_sub(interval));
        // A new leader has had no time to be heard.
        let new = self.leader.as_ref().is_some_and(|(_, since)| *since > recent);
        let recently = new || last.is_some_and(|heard| latest(heard) > recent);
        match last.map(|heard| heard.time.secs()) {
            heard if recently => Voice::Silent { heard },
            // All that come behind the leader step in together, and those that are not next hear the one that is.
            since => Voice::StandsIn { since, alone: self.spoken > 0 || names.get(1) == Some(&view.name) },
        }
    }

    /// Takes what the tool has told, and asks again when it is time, the map of OSDs is another or so is the manager.
    fn ask(&mut self, name: &str, view: MonView<'_>, scene: &Scene<'_>) -> Result<(), Fail> {
        let every = scene.options.command_interval;
        let sign = Sign { osd_map: view.counters.get("osd_epoch").copied(), manager: view.manager.map(str::to_owned) };
        let mut result = Ok(());
        match self.rounds.end() {
            Some(Ok(facts)) => {
                let at = scene.slot.monotonic + scene.begun.elapsed();
                self.facts = Some(Known { facts, at, told: Instant::now() });
            }
            Some(Err(fail)) => result = Err(fail),
            None => {}
        }
        // Old answers are worse than none.
        let oldest = every.saturating_mul(3).max(Duration::from_secs(30));
        if self.facts.as_ref().is_some_and(|known| known.told.elapsed() > oldest) {
            self.facts = None;
        }
        let due = self.rounds.age().is_none_or(|age| age >= every) || self.asked_at.as_ref() != Some(&sign);
        if due
            && let Some(tool) = Tool::of(scene.options, name, view.fsid, scene.site)
            && self.rounds.begin(tool)
        {
            self.asked_at = Some(sign);
        }
        result
    }

    /// Our monitor `name` is outside the quorum, or gone: somebody else may lead and tell so, and when it comes back that
    /// is news again.
    pub(super) fn lost(&mut self, name: Option<&str>) {
        if let Some(name) = name.or(self.mon.as_deref())
            && let Some(seen) = &mut self.seen
        {
            if seen.leader.as_deref() == Some(name) {
                seen.leader = Some(String::new());
            }
            if let Some(quorum) = &mut seen.quorum {
                quorum.remove(name);
            }
        }
        if name.is_none() {
            (self.spoken, self.facts) = (0, None);
        }
    }

    /// Tells what changed, or keeps it for the case that nobody else did.
    fn changes(&mut self, name: &str, view: MonView<'_>, voice: Voice, slot: Slot, out: &mut Out) {
        // A monitor without a quorum knows nothing new.
        if view.status.in_quorum() {
            let now = self.snapshot(view);
            let changes = self.seen.as_ref().map_or_else(Vec::new, |seen| now.changes(seen, name));
            self.unspoken.push_back((slot, changes));
            self.seen = Some(now.over(self.seen.take().unwrap_or_default()));
        } else if view.status.state != "electing" {
            self.lost(Some(view.name));
        }
        let since = match voice {
            Voice::Silent { heard } => {
                self.spoken = 0;
                self.unspoken.retain(|(slot, _)| heard.is_none_or(|heard| slot.time.secs() > heard));
                while self.unspoken.len() > REMEMBERED {
                    self.unspoken.pop_front();
                }
                return;
            }
            Voice::StandsIn { alone: false, .. } => {
                // Values do no harm when two tell them; changes wait for the next run.
                self.spoken = 1;
                return;
            }
            Voice::StandsIn { since, .. } => since,
            Voice::Leads | Voice::Unsure => None,
        };
        self.spoken = self.spoken.saturating_add(1);
        let perhaps_told = self.spoken <= OVERLAP || voice != Voice::Leads;
        for (slot, changes) in self.unspoken.drain(..) {
            if since.is_none_or(|since| slot.time.secs() > since) {
                changes.into_iter().for_each(|change| out.change(Change { perhaps_told, ..change }));
            }
        }
    }

    fn snapshot(&self, view: MonView<'_>) -> Snapshot {
        let facts = self.facts.as_ref().map(|known| &known.facts);
        let map = facts.and_then(|facts| facts.osd_map.as_ref());
        let quorum = view.status.quorum_names();
        let count = |name: &str| view.counters.get(name).copied();
        let counts = count("num_osd_up").zip(count("num_osd_in")).zip(count("num_osd"));
        let health = facts.and_then(|facts| facts.status.as_ref()).map(|status| {
            let checks: Vec<&str> = status.health.checks.keys().map(String::as_str).collect();
            (status.health.status.clone(), checks.join(", "))
        });
        let manager = facts.and_then(|facts| facts.manager.as_ref());
        Snapshot {
            leader: quorum.first().map(|leader| (*leader).to_owned()),
            quorum: (!quorum.is_empty()).then(|| quorum.iter().map(|name| (*name).to_owned()).collect()),
            counts: counts.map(|((up, within), all)| [up, within, all]),
            osds: map.map(|map| map.osds.iter().map(|osd| (osd.osd, (osd.up == 1, osd.r#in == 1))).collect()),
            flags: map.map(|map| map.flags_set.iter().cloned().collect()),
            health,
            manager: match manager {
                Some(manager) => manager.available.then(|| manager.active_name.clone()),
                None => view.manager.map(str::to_owned),
            },
        }
    }
}

/// See [`replay_cluster`](super::replay_cluster).
pub(super) fn replay(fsid: &str, answers: [&[u8]; 2], out: &mut Out) {
    let mut facts = Facts::default();
    answers.into_iter().for_each(|answer| facts.take(answer));
    calamari(fsid, facts.pool_sums.as_deref().unwrap_or_default(), facts.df.as_ref(), out);
}

#[cfg(test)]
mod tests;
