//! Answers cache queries of other processes: our own renderer, or graphite-web.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use carbon_line::carbonlink::{Request, Response, TimeValue};
use carbon_line::{Pattern, frame};
use carbon_storage::{FindQuery, NodeKind};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::cache::Cache;
use crate::stats::Stats;

/// Most points or names one answer may hold; whoever asks for more is told to ask in parts.
const MOST: usize = 150_000;

/// How queries are served.
#[derive(Debug)]
pub(crate) struct CarbonLink {
    pub(crate) cache: Arc<Cache>,
    pub(crate) stats: Arc<Stats>,
    pub(crate) idle_timeout: Duration,
    pub(crate) stop: CancellationToken,
}

impl CarbonLink {
    /// Answers one peer until it hangs up, breaks the protocol, is silent for too long, or `stop` fires.
    pub(crate) async fn serve(self: Arc<Self>, mut stream: TcpStream) {
        loop {
            let answered = tokio::select! {
                biased;
                () = self.stop.cancelled() => return,
                answered = timeout(self.idle_timeout, self.exchange(&mut stream)) => answered,
            };
            match answered {
                Ok(Ok(())) => {}
                Ok(Err(error)) => return debug!(%error, "A cache query connection ended."),
                Err(_) => return debug!("A cache query connection was silent for too long."),
            }
        }
    }

    async fn exchange(&self, stream: &mut TcpStream) -> std::io::Result<()> {
        let length = stream.read_u32().await? as usize;
        if length > frame::LONGEST_FRAME {
            return Err(std::io::Error::other(format!("a query announces {length} bytes")));
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await?;
        let answer = match Request::decode(&body) {
            Ok(request) => self.answer(request),
            Err(error) => Response::Error(error.to_string()),
        };
        let answer = frame::wrap(&answer.encode()).map_err(std::io::Error::other)?;
        stream.write_all(&answer).await
    }

    fn answer(&self, request: Request) -> Response {
        self.stats.queries.fetch_add(1, Relaxed);
        match request {
            Request::Query { metric } => {
                let points = self.points(&metric);
                if points.len() > MOST { too_much() } else { Response::Points(points) }
            }
            Request::Bulk { metrics } => self.bulk(metrics),
            Request::Waiting { pattern } => self.names(&pattern),
            Request::GetMetadata { .. } | Request::SetMetadata { .. } => {
                Response::Error("metadata is kept in the .wsp files; see `plumbago whisper info`".to_owned())
            }
            Request::Other(kind) => Response::invalid_type(&kind),
        }
    }

    fn points(&self, metric: &str) -> Vec<TimeValue> {
        let points = self.cache.recent_points(metric).into_iter();
        points.map(|point| (f64::from(point.time.secs()), point.value)).collect()
    }

    fn bulk(&self, metrics: Vec<String>) -> Response {
        self.stats.bulk_queries.fetch_add(1, Relaxed);
        let (mut answer, mut held) = (Vec::new(), 0);
        for metric in metrics {
            let points = self.points(&metric);
            held += points.len() + 1;
            if held > MOST {
                return too_much();
            }
            answer.push((metric, points));
        }
        Response::Bulk(answer)
    }

    fn names(&self, pattern: &str) -> Response {
        let pattern = match Pattern::parse(pattern) {
            Ok(pattern) => pattern,
            Err(fault) => return Response::Error(fault.to_string()),
        };
        let nodes = self.cache.recent_nodes(&FindQuery { pattern, window: None });
        if nodes.len() > MOST {
            return too_much();
        }
        // A branch ends with a dot, which no name does.
        let name = |node: carbon_storage::Node| match node.kind {
            NodeKind::Leaf => node.path,
            NodeKind::Branch => node.path + ".",
        };
        Response::Names(nodes.into_iter().map(name).collect())
    }
}

fn too_much() -> Response {
    Response::Error(format!("the answer would hold more than {MOST} points; ask for fewer metrics at once"))
}
