//! What is answered: waiting points from the cache, names from the cache, the aggregation method from the store.
//!
//! Points go straight from the cache into the bytes of the answer, 15 bytes each.

use std::sync::atomic::Ordering::Relaxed;

use carbon_line::carbonlink::{BulkAnswer, POINT_BYTES, Request, Response, points_answer};
use carbon_line::{MetricName, Pattern};
use carbon_storage::{FindQuery, Node, NodeKind};
use whisper::AggregationMethod;

use super::{CarbonLink, LARGEST, Permit};

/// Most names one answer holds; whoever asks for more is told to ask for less.
const MOST_NAMES: usize = 150_000;

/// Metrics looked up before other tasks of this thread have their turn.
const AT_A_TIME: usize = 64;

/// The one property that files have and cache queries know.
const METHOD: &str = "aggregationMethod";

impl CarbonLink {
    /// The body of the frame that answers `request`.
    pub(super) async fn answer(&self, request: Request, permit: &mut Permit<'_>) -> Vec<u8> {
        self.stats.queries.fetch_add(1, Relaxed);
        let response = match request {
            Request::Query { metric } => {
                let points = self.cache.recent_points(&metric);
                let size = points.len() * POINT_BYTES;
                if size <= LARGEST {
                    permit.for_size(size).await;
                    return points_answer(&points);
                }
                too_much()
            }
            Request::Bulk { metrics } => match self.bulk(metrics, permit).await {
                Some(answer) => return answer,
                None => too_much(),
            },
            Request::Waiting { pattern } => self.names(&pattern, permit).await,
            Request::GetMetadata { metric, key } => self.get_metadata(&metric, &key).await,
            Request::SetMetadata { metric, key, value } => self.set_metadata(&metric, &key, value).await,
            Request::Other(kind) => Response::invalid_type(&kind),
        };
        response.encode()
    }

    /// `None` when the answer would be too large.
    async fn bulk(&self, metrics: Vec<String>, permit: &mut Permit<'_>) -> Option<Vec<u8>> {
        self.stats.bulk_queries.fetch_add(1, Relaxed);
        self.stats.bulk_names.fetch_add(metrics.len() as u64, Relaxed);
        let mut answer = BulkAnswer::new();
        for some in metrics.chunks(AT_A_TIME) {
            for metric in some {
                let points = self.cache.recent_points(metric);
                let size = answer.size() + metric.len() + points.len() * POINT_BYTES;
                if size > LARGEST {
                    return None;
                }
                permit.for_size(size).await;
                answer.metric(metric, &points);
            }
            tokio::task::yield_now().await;
        }
        Some(answer.finish())
    }

    async fn names(&self, pattern: &str, permit: &mut Permit<'_>) -> Response {
        let pattern = match Pattern::parse(pattern) {
            Ok(pattern) => pattern,
            Err(fault) => return Response::Error(fault.to_string()),
        };
        let nodes = self.cache.recent_nodes(&FindQuery { pattern, window: None });
        let size: usize = nodes.iter().map(|node| node.path.len() + size_of::<Node>()).sum();
        if nodes.len() > MOST_NAMES || size > LARGEST {
            return too_much();
        }
        permit.for_size(size).await;
        // A branch ends with a dot, which no name does.
        let name = |node: Node| match node.kind {
            NodeKind::Leaf => node.path,
            NodeKind::Branch => node.path + ".",
        };
        Response::Names(nodes.into_iter().map(name).collect())
    }

    async fn get_metadata(&self, metric: &str, key: &str) -> Response {
        let asked = async {
            let (name, store) = self.series_with(metric, key)?;
            let method = store.aggregation_method(&name).await.map_err(|error| error.to_string())?;
            method.map(|method| method.to_string()).ok_or_else(|| not_stored(metric))
        };
        asked.await.map_or_else(Response::Error, Response::Value)
    }

    async fn set_metadata(&self, metric: &str, key: &str, value: String) -> Response {
        let changed = async {
            let (name, store) = self.series_with(metric, key)?;
            let method: AggregationMethod =
                value.parse().map_err(|fault: whisper::UnknownAggregation| fault.to_string())?;
            let before = store.set_aggregation_method(&name, method).await.map_err(|error| error.to_string())?;
            before.map(|method| method.to_string()).ok_or_else(|| not_stored(metric))
        };
        changed.await.map_or_else(Response::Error, |old| Response::Changed { old, new: value.clone() })
    }

    fn series_with(&self, metric: &str, key: &str) -> Result<(MetricName, &dyn carbon_storage::Metadata), String> {
        if key != METHOD {
            return Err(format!("files know the key {METHOD} only, not {key:?}"));
        }
        let store = self.store.metadata().ok_or("this store keeps no aggregation methods")?;
        Ok((MetricName::parse(metric).map_err(|fault| fault.to_string())?, store))
    }
}

fn not_stored(metric: &str) -> String {
    format!("{metric:?} has no file yet")
}

fn too_much() -> Response {
    Response::Error("the answer would be too large; ask for fewer metrics at once".to_owned())
}
