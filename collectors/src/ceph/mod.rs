//! Ceph's daemons on this host, asked through their admin sockets: who they are and what they count once per start, the
//! counters at each run.
//!
//! A daemon answers its admin socket with one thread and reads blocking, so an idle connection of ours would make every
//! other client wait. Hence: connect, ask at once in one write, give up early, never hold, never two at a time.

mod options;
mod discover;
mod clusters;
mod cleaned;
mod names;
mod socket;
mod round;
mod daemon;
mod schema;
mod flatten;
mod reading;
mod publish;
mod status;
mod standing;
mod device;
mod inventory;
mod cluster;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, Instant};

use self::cluster::{Cluster, MonView, Scene};
use self::clusters::Clusters;
use self::daemon::{Known, Standing};
use self::discover::{Daemon, Listing, Socket};
use self::flatten::Reader;
use self::inventory::Inventory;
pub use self::names::Naming;
use self::names::Rules;
use self::options::Options;
use self::round::{Party, talk};
use self::schema::{Schema, Schemas, Wanted};
use self::socket::Fault;
use self::status::MonStatus;
use crate::{Class, Collector, Fail, Made, Out, Scope, Site, Slot, Spec, Value};

/// No daemon is asked anything later in a run than this.
const BUDGET: Duration = Duration::from_secs(8);

struct Ceph {
    options: Options,
    site: Site,
    daemons: Vec<Known>,
    clusters: Clusters,
    /// By their names, those of which a monitor runs here.
    wholes: BTreeMap<String, Cluster>,
    inventory: Inventory,
    /// There was no socket in the usual places, which lie in memory, so that to look again takes no thread.
    idle: bool,
}

pub(crate) fn build(site: &Site, options: toml::Table) -> Made {
    let chosen = options.contains_key("naming");
    let mut options: Options = options.try_into()?;
    if site.is_diamond() && !chosen {
        options.naming = Naming::Diamond;
    }
    let (daemons, clusters, wholes, inventory) = Default::default();
    Ok(Box::new(Ceph { options, site: site.clone(), daemons, clusters, wholes, inventory, idle: false }))
}

impl Collector for Ceph {
    fn spec(&self) -> Spec {
        let deadline = BUDGET.saturating_add(self.options.timeout);
        let class = if self.idle { Class::Fast } else { Class::Slow };
        Spec { name: "ceph", class, default_interval: None, deadline }
    }

    fn run(&mut self, slot: Slot, out: &mut Out) -> Result<(), Fail> {
        let begun = Instant::now();
        let listing = discover::sockets(&self.site, &self.options.sockets);
        let empty = match &listing {
            Ok(Listing { sockets, fail }) => sockets.is_empty() && fail.is_none(),
            Err(fail) => matches!(fail, Fail::Absent { .. }),
        };
        let was_idle = std::mem::replace(&mut self.idle, empty && self.options.has_usual_sockets());
        let Listing { sockets, fail } = listing?;
        if was_idle && !empty {
            // The first daemon of this host. It is asked in the next run, which may wait.
            return Ok(());
        }
        self.meet(sockets);
        let clock = Clock { slot, begun };
        self.daemons.iter_mut().for_each(Known::begin);
        // Who a daemon is decides on its names, so nobody is measured before all have said it.
        self.talk(clock, out);
        self.name_all();
        self.daemons.iter_mut().for_each(|known| known.find_device(&self.site));
        self.daemons.iter_mut().for_each(Known::plan);
        self.talk(clock, out);
        self.tell(out);
        inventory::publish(&self.daemons, &self.site, out);
        let listed = match &self.options.inventory {
            Some(path) => self.inventory.write(path, &self.daemons, &self.site).err(),
            None => None,
        };
        let whole = self.tell_clusters(clock, out);
        let fails = self.daemons.iter_mut().filter_map(|known| known.fail.take());
        fail.into_iter().chain(fails).chain(whole).chain(listed).next().map_or(Ok(()), Err)
    }
}

/// When a run began, on both clocks.
#[derive(Clone, Copy)]
struct Clock {
    slot: Slot,
    begun: Instant,
}

impl Ceph {
    /// Forgets daemons whose sockets are gone or new, and takes in those that are there now.
    fn meet(&mut self, sockets: Vec<Socket>) {
        let mut old = std::mem::take(&mut self.daemons);
        self.daemons = sockets
            .into_iter()
            .map(|socket| match old.iter().position(|known| known.is(&socket)) {
                Some(at) => old.swap_remove(at),
                None => Known::new(socket),
            })
            .collect();
    }

    /// Asks all daemons what they are still to be asked.
    fn talk(&mut self, clock: Clock, out: &mut Out) {
        out.scope(self.options.rules().scope());
        let (timeout, last_call) = (self.options.timeout, clock.begun + BUDGET);
        let count = self.daemons.len();
        let schemas = Schemas::default();
        let mut asking = Asking { daemons: &mut self.daemons, options: &self.options, schemas, clock, out };
        talk(&mut asking, count, timeout, last_call);
    }

    /// Gives every daemon its name: clusters are told apart, and so are several processes of one client.
    fn name_all(&mut self) {
        let mut order: Vec<usize> = (0..self.daemons.len()).collect();
        order.sort_by_key(|at| {
            let known = &self.daemons[*at];
            (
                known
                    .path
                    .parent()
                    .and_then(Path::file_name)
                    .and_then(|name| name.to_str())
                    .is_some_and(discover::is_fsid),
                *at,
            )
        });
        let mut twins: BTreeMap<(String, Daemon), Vec<u32>> = BTreeMap::new();
        let mut names = Vec::with_capacity(order.len());
        for at in order {
            let known = &self.daemons[at];
            let told = (known.daemon.cluster.clone(), known.fsid.clone());
            let name = self.clusters.name(&told, &self.options.clusters, &self.site);
            twins.entry((name.clone(), known.daemon.clone())).or_default().push(known.twin);
            names.push((at, name));
        }
        for (at, name) in names {
            let known = &mut self.daemons[at];
            if known.twin == 0 && known.standing == Standing::Alive {
                let taken = twins.entry((name.clone(), known.daemon.clone())).or_default();
                known.twin = (1..).find(|number| !taken.contains(number)).unwrap_or(1);
                taken.push(known.twin);
            }
            let rules = self.options.rules();
            known.cluster.clone_from(&name);
            known.prefix = rules.prefix(&name, &known.daemon, known.twin);
            known.root = Rules { naming: Naming::Native, ..rules }.prefix(&name, &known.daemon, known.twin);
        }
    }

    /// Tells how every daemon stands. Several sockets of one name, of which at most one answers, are one daemon.
    fn tell(&self, out: &mut Out) {
        out.scope(Scope::World);
        let mut up: BTreeMap<&str, bool> = BTreeMap::new();
        for known in &self.daemons {
            // Where we may not look there is nothing to say about it.
            if known.standing != Standing::Forbidden {
                *up.entry(&known.root).or_default() |= known.standing == Standing::Alive;
            }
            standing::publish(known, out);
            if let Some(device) = &known.device {
                device.publish(&known.root, out);
            }
        }
        for (root, up) in up {
            out.value(&[root, "up"], Value::Gauge(if up { 1.0 } else { 0.0 }));
        }
    }
}

impl Ceph {
    /// Tells of each cluster of which a monitor runs here. Gives what went wrong.
    fn tell_clusters(&mut self, clock: Clock, out: &mut Out) -> Option<Fail> {
        let mut fail = None;
        let scene = Scene { options: &self.options, site: &self.site, slot: clock.slot, begun: clock.begun };
        let mut told = BTreeSet::new();
        // Of several monitors on a host the one that leads knows best.
        let mut monitors: Vec<(&Known, &MonStatus)> =
            self.daemons.iter().filter_map(|known| Some((known, known.status.as_ref()?))).collect();
        monitors.sort_by_key(|(_, status)| (!status.leads(), !status.in_quorum(), status.rank));
        for (known, status) in monitors {
            if !told.insert(known.cluster.clone()) {
                continue;
            }
            let managers = self.daemons.iter().filter(|other| other.cluster == known.cluster);
            let manager = managers.filter(|other| other.mgr_active == Some(true)).map(|other| other.daemon.id.as_str());
            let view = MonView {
                name: &status.name,
                status,
                counters: &known.counters,
                fsid: known.fsid.as_deref(),
                socket: Some(&known.socket),
                manager: manager.min(),
            };
            let whole = self.wholes.entry(known.cluster.clone()).or_default();
            fail = fail.or(whole.tell(&known.cluster, view, &scene, out).err());
        }
        self.wholes.retain(|name, _| self.daemons.iter().any(|known| known.cluster == *name));
        self.wholes.iter_mut().filter(|(name, _)| !told.contains(*name)).for_each(|(_, whole)| whole.lost(None));
        fail
    }
}

/// The daemons of a run while they are asked.
struct Asking<'a> {
    daemons: &'a mut [Known],
    options: &'a Options,
    schemas: Schemas,
    clock: Clock,
    out: &'a mut Out,
}

impl Party for Asking<'_> {
    fn path(&self, at: usize) -> &Path {
        &self.daemons[at].path
    }

    fn question(&mut self, at: usize) -> Option<String> {
        self.daemons[at].question()
    }

    fn answer(&mut self, at: usize, answer: Result<&[u8], Fault>) {
        self.out.measured_at(self.clock.slot.monotonic + self.clock.begun.elapsed());
        self.daemons[at].answer(answer, self.options, &mut self.schemas, self.out);
    }
}

/// Puts recorded answers of a cluster's `pg dump pools` and `df` into `out`, in Calamari's names: for replays.
pub fn replay_cluster(fsid: &str, pools: &[u8], df: &[u8], out: &mut Out) {
    out.scope(Scope::World);
    cluster::replay(fsid, [pools, df], out);
}

/// Puts recorded answers of the daemon whose socket is called `socket` into `out`, as a run would: for replays and
/// benches. Takes counters of every priority and keeps addresses in the names of sections.
///
/// # Errors
/// What is wrong with the name or with one of the answers.
pub fn replay(naming: Naming, socket: &str, schema: &[u8], dump: &[u8], out: &mut Out) -> Result<(), Fail> {
    let path = Path::new(socket);
    let garbled =
        |error: serde_json::Error| Fail::parse(path, error.line(), "JSON of counters", error.to_string().as_bytes());
    let daemon = Daemon::of(path);
    let daemon = daemon.ok_or_else(|| Fail::parse(path, 1, "a name CLUSTER-TYPE.ID.asok", socket.as_bytes()))?;
    let rules = Rules { naming, host_in_path: None, separator: '.' };
    let schema = Schema::parse(schema, Wanted { min_priority: 0, include: &[] }, naming, None).map_err(garbled)?;
    out.scope(rules.scope());
    let prefix = rules.prefix(&daemon.cluster, &daemon, 1);
    let reader = Reader { schema: &schema, naming, prefix: &prefix, most_labelled: usize::MAX };
    reader.flatten(dump, out).map_err(garbled)?;
    Ok(())
}

#[cfg(test)]
mod tests;
