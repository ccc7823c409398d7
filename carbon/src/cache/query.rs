//! What readers see of the cache.

use carbon_line::MetricName;
use carbon_storage::memory::matching_nodes;
use carbon_storage::{Answer, FindQuery, Node, Recent, SeriesId, StorageError, Waiting};
use whisper::Point;

use super::Cache;
use super::place::{place_of, shard_of};

impl Cache {
    /// The points of `name` that are not confirmed yet, in time order.
    pub fn recent_points(&self, name: &str) -> Vec<Point> {
        let Some(id) = self.names.lookup(name.as_bytes()) else { return Vec::new() };
        self.shard(shard_of(id)).visible(place_of(id))
    }

    /// Branches and leaves that match, over the series whose points wait.
    pub fn recent_nodes(&self, query: &FindQuery) -> Vec<Node> {
        let waiting = self.holding();
        let names = self.names.read();
        matching_nodes(&query.pattern, waiting.iter().map(|id| names.text(*id)))
    }
}

impl Waiting for Cache {
    fn retain_waiting(&self, series: &mut Vec<SeriesId>) {
        series.sort_unstable();
        let mut held = Vec::with_capacity(series.len());
        for run in series.chunk_by(|a, b| shard_of(*a) == shard_of(*b)) {
            let shard = self.shard(shard_of(run[0]));
            held.extend(run.iter().filter(|id| shard.holds(place_of(**id))));
        }
        *series = held;
    }
}

impl Recent for Cache {
    fn find<'a>(&'a self, query: &'a FindQuery) -> Answer<'a, Result<Vec<Node>, StorageError>> {
        Box::pin(async move { Ok(self.recent_nodes(query)) })
    }

    fn points<'a>(&'a self, names: &'a [MetricName]) -> Answer<'a, Result<Vec<Vec<Point>>, StorageError>> {
        Box::pin(async move { Ok(names.iter().map(|name| self.recent_points(name)).collect()) })
    }

    fn points_at_once(&self, names: &[MetricName]) -> Option<Vec<Vec<Point>>> {
        Some(names.iter().map(|name| self.recent_points(name)).collect())
    }
}
