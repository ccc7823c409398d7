//! The four things a store can do, each a trait of its own: take points ([`Store`]), list names ([`Find`]), give points
//! ([`Fetch`]), and tell what has been accepted but is not in the store yet ([`Recent`]).
//!
//! Every method answers later ([`Answer`]) and can fail in part: a cluster has shards that are away while others
//! answer. A store of files answers at once from a thread that may block; nobody above can tell the difference.

use std::future::Future;
use std::pin::Pin;

use carbon_line::{MetricName, Pattern};
use whisper::{Point, Retention, Timestamp};

use crate::{Metadata, NodeEnds, NodeList, Rearrange, Series, SeriesId, StorageError};

/// What a storage method gives: a future that may wait for a disk thread or for a network.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Takes points for good.
pub trait Store: Send + Sync {
    /// Writes all points of all series in `batch`; `now` decides which archive is old enough for which point.
    ///
    /// The future may block the thread that polls it, so it is driven from writer threads, never from an async worker.
    /// What the report does not name is stored and may leave the cache.
    fn write<'a>(&'a self, batch: &'a [Pending], now: Timestamp) -> Answer<'a, WriteReport>;

    /// Makes everything that was written before survive a power cut. On an error nobody knows what did, so nothing may
    /// be forgotten that could write it again.
    fn sync(&self) -> Answer<'_, Result<(), StorageError>>;

    /// From now on nothing is held back by a limit on pace: what is not stored soon will be lost, or somebody waits.
    fn lift_limits(&self) {}

    /// Gives back half of the descriptors that it keeps only to be quicker, since others are in need of some. May
    /// wait for a disk.
    fn spare_descriptors(&self) {}

    /// How far apart and how long the finest points of `name` are kept; tells how long its points are worth gathering.
    fn finest(&self, name: &MetricName) -> Retention;

    /// What it knows of its series beside their points, if it keeps any of that.
    fn metadata(&self) -> Option<&dyn Metadata> {
        None
    }

    /// Its series as things to delete and rename, if it can do that.
    fn rearrange(&self) -> Option<&dyn Rearrange> {
        None
    }

    /// Whether anything is kept at all. If not, nobody need let points wait for a write.
    fn keeps(&self) -> bool {
        true
    }
}

/// Points of one series that wait to be written.
#[derive(Clone, Debug)]
pub struct Pending {
    /// Whose points, as a number: a store may keep what it knows of a series under it.
    pub series: SeriesId,
    /// Whose points.
    pub name: MetricName,
    /// In time order, each time at most once.
    pub points: Vec<Point>,
}

/// What became of a batch, told by its exceptions.
#[derive(Debug, Default)]
pub struct WriteReport {
    /// The series that were not stored, by their place in the batch.
    pub refusals: Vec<Refusal>,
    /// Series that were written for the first time.
    pub created: usize,
    /// Points that no archive of their series has a slot for at this time: too old for all, or ahead by more than a
    /// quarter of what the finest keeps.
    pub out_of_range: usize,
}

/// One series of a batch that was not stored.
#[derive(Debug)]
pub struct Refusal {
    /// Place of the series in the batch.
    pub index: usize,
    /// Whether the same write can succeed later (a full disk, a shard that is away) or never will (a damaged file).
    pub retry: bool,
    /// Why.
    pub error: StorageError,
}

/// Lists names.
pub trait Find: Send + Sync {
    /// Branches and leaves that match `query`, each path once per kind, in no promised order.
    fn find<'a>(&'a self, query: &'a FindQuery) -> Answer<'a, Result<Partial<Vec<Node>>, StorageError>>;

    /// As [`Find::find`], for answers that may be long: in one piece, and no more than are asked for.
    fn list<'a>(&'a self, query: &'a ListQuery) -> Answer<'a, Result<Partial<NodeList>, StorageError>> {
        Box::pin(async move {
            let find = FindQuery { pattern: query.pattern.clone(), window: query.window };
            let found = self.find(&find).await?;
            let wanted = |node: &Node| !query.leaves_only || node.kind == NodeKind::Leaf;
            let mut nodes = found.value.into_iter().filter(wanted);
            let mut list = NodeList::of(nodes.by_ref().take(query.most));
            if nodes.next().is_some() {
                list.set_cut();
            }
            Ok(Partial { value: list, failures: found.failures })
        })
    }

    /// The last parts of the paths that [`Find::list`] would give, each once: what a tree of names shows of a level.
    fn ends<'a>(&'a self, query: &'a ListQuery) -> Answer<'a, Result<Partial<NodeEnds>, StorageError>> {
        Box::pin(async move {
            let found = self.list(query).await?;
            Ok(Partial { value: NodeEnds::of(&found.value), failures: found.failures })
        })
    }
}

/// Which names are asked for, and how many at most.
#[derive(Clone, Debug)]
pub struct ListQuery {
    /// A dotted pattern such as `servers.*.cpu.{user,idle}`.
    pub pattern: Pattern,
    /// As in [`FindQuery`].
    pub window: Option<Window>,
    /// Leave out what has had no points since the window began, as far as the store knows.
    pub alive_only: bool,
    /// Leave out branches.
    pub leaves_only: bool,
    /// Nodes at most; the answer says if there are more.
    pub most: usize,
}

impl ListQuery {
    /// All nodes that match, whenever they had points.
    pub fn all(pattern: Pattern) -> ListQuery {
        ListQuery { pattern, window: None, alive_only: false, leaves_only: false, most: usize::MAX }
    }
}

/// Which names are asked for.
#[derive(Clone, Debug)]
pub struct FindQuery {
    /// A dotted pattern such as `servers.*.cpu.{user,idle}`.
    pub pattern: Pattern,
    /// Stores that know when a series was alive may leave out what lies wholly outside; others ignore it.
    pub window: Option<Window>,
}

/// A name in the tree of dotted names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Node {
    /// The whole dotted path.
    pub path: String,
    /// Whether points are here or further names.
    pub kind: NodeKind,
}

/// A path can be both at once; it is then listed twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NodeKind {
    /// Further names lie below.
    Branch,
    /// Points can be fetched.
    Leaf,
}

/// Gives points.
pub trait Fetch: Send + Sync {
    /// One [`Series`] for each name that has values for the window, in the order of `query.names`; a name without any
    /// is absent from the answer.
    fn fetch<'a>(&'a self, query: &'a FetchQuery) -> Answer<'a, Result<Partial<Vec<Series>>, StorageError>>;

    /// The whole answer of [`Fetch::fetch`] if it can be given here and now, waiting for no disk, peer or thread, and is
    /// `most` values long at most. Nothing otherwise; then only [`Fetch::fetch`] tells more.
    fn fetch_at_once(&self, _query: &FetchQuery, _most: usize) -> Option<Vec<Series>> {
        None
    }
}

/// Which points are asked for.
#[derive(Clone, Debug)]
pub struct FetchQuery {
    /// Exact names, no patterns.
    pub names: Vec<MetricName>,
    /// Which part of time.
    pub window: Window,
    /// How many points a series the caller can use; a store that aggregates on reading may answer with fewer.
    pub max_points: Option<usize>,
}

/// A part of time, seen at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Excluded, as Whisper has it: the slot that holds `from` is not part of the answer.
    pub from: Timestamp,
    /// Included.
    pub until: Timestamp,
    /// The reader's clock: chooses the archive and bounds the future.
    pub now: Timestamp,
}

impl Window {
    /// The shortest window that holds both, seen at the instant of the first.
    pub fn spanning(self, other: Window) -> Window {
        Window { from: self.from.min(other.from), until: self.until.max(other.until), now: self.now }
    }
}

/// An answer together with the parts of the store that failed to contribute.
#[derive(Debug)]
pub struct Partial<T> {
    /// What the rest answered.
    pub value: T,
    /// Empty when the answer is whole.
    pub failures: Vec<Failure>,
}

/// A part of a store that did not contribute to an answer.
#[derive(Debug)]
pub struct Failure {
    /// Which part: a series' name, a shard, an address.
    pub part: String,
    /// Why.
    pub error: StorageError,
}

impl<T> Partial<T> {
    /// An answer to which every part contributed.
    pub fn whole(value: T) -> Partial<T> {
        Partial { value, failures: Vec::new() }
    }
}

/// Tells which series hold points that are not in the store yet.
pub trait Waiting: Send + Sync {
    /// Takes out of `series` those that hold none.
    fn retain_waiting(&self, series: &mut Vec<SeriesId>);
}

/// Tells what has been accepted but is not in the store yet: the cache of a carbon in this process or elsewhere.
pub trait Recent: Send + Sync {
    /// As [`Find::find`], over the names whose points wait.
    fn find<'a>(&'a self, query: &'a FindQuery) -> Answer<'a, Result<Vec<Node>, StorageError>>;

    /// The waiting points of each name, in the order of `names` and of time; empty where nothing waits.
    fn points<'a>(&'a self, names: &'a [MetricName]) -> Answer<'a, Result<Vec<Vec<Point>>, StorageError>>;

    /// As [`Recent::points`], if nobody has to be waited for.
    fn points_at_once(&self, _names: &[MetricName]) -> Option<Vec<Vec<Point>>> {
        None
    }
}
