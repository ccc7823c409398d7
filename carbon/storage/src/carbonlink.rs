//! The waiting points of a carbon in another process, asked for over its cache query port.
//!
//! One connection is kept and shared: questions go one after the other, each within the deadline, and a connection that
//! broke is made anew once. A question whose answer would be too large is asked again in halves, and smaller ones follow
//! until answers are small again. A carbon of graphite's answers the same questions, except for the names of series that have
//! no file yet; there are none, then.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use carbon_line::MetricName;
use carbon_line::carbonlink::{LONGEST_ANSWER, Request, Response, TimeValue};
use carbon_line::frame;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::time::timeout;
use whisper::{Point, Timestamp};

use crate::{Answer, FindQuery, Node, NodeKind, Recent, StorageError};

/// Metrics in one question; carbon gives up on a question of more than a mebibyte.
const METRICS_AT_ONCE: usize = 200;

/// An answer with fewer points lets the next question name twice as many metrics.
const FEW_POINTS: usize = 40_000;

/// [`Recent`] over TCP.
#[derive(Debug)]
pub struct CarbonLinkRecent {
    address: SocketAddr,
    deadline: Duration,
    connection: Mutex<Option<TcpStream>>,
    /// Metrics that one question names, at most [`METRICS_AT_ONCE`].
    at_once: AtomicUsize,
}

/// Why there is no answer to a bulk question.
enum Refused {
    /// It would be too large for one side or the other.
    TooLarge(StorageError),
    Failed(StorageError),
}

impl CarbonLinkRecent {
    /// Asks the carbon at `address`; an exchange that takes longer than `deadline` is an error. Connects on first use.
    pub fn new(address: SocketAddr, deadline: Duration) -> CarbonLinkRecent {
        CarbonLinkRecent { address, deadline, connection: Mutex::new(None), at_once: AtomicUsize::new(METRICS_AT_ONCE) }
    }

    async fn ask(&self, request: &Request) -> Result<Response, StorageError> {
        Response::decode(&self.answer(request).await?).map_err(|error| self.unreachable(error))
    }

    /// The body of the answer.
    async fn answer(&self, request: &Request) -> Result<Vec<u8>, StorageError> {
        let question = frame::wrap(&request.encode()).map_err(|error| self.unreachable(error))?;
        // The wait for our turn counts, so that a carbon that hangs holds up each asker for one deadline.
        let exchange = async {
            let mut kept = self.connection.lock().await;
            // Out of its place while in use: an exchange that is given up half-way must not leave its answer behind.
            if let Some(mut stream) = kept.take()
                && let Ok(answer) = exchange(&mut stream, &question).await
            {
                *kept = Some(stream);
                return Ok(answer);
            }
            let mut stream = TcpStream::connect(self.address).await?;
            let answer = exchange(&mut stream, &question).await?;
            *kept = Some(stream);
            Ok::<_, std::io::Error>(answer)
        };
        let late = |_| self.unreachable(format!("no answer within {:?}", self.deadline));
        timeout(self.deadline, exchange).await.map_err(late)?.map_err(|error| self.unreachable(error))
    }

    async fn bulk(&self, names: &[MetricName]) -> Result<Vec<Vec<Point>>, Refused> {
        let metrics = names.iter().map(|name| name.as_str().to_owned()).collect();
        let body = self.answer(&Request::Bulk { metrics }).await.map_err(Refused::Failed)?;
        match Response::decode(&body) {
            Ok(Response::Bulk(answer)) => {
                let mut answer: HashMap<String, Vec<TimeValue>> = answer.into_iter().collect();
                Ok(names.iter().map(|name| points(answer.remove(name.as_str()).unwrap_or_default())).collect())
            }
            Ok(Response::Error(reason)) => Err(Refused::TooLarge(self.unreachable(reason))),
            Ok(other) => Err(Refused::Failed(self.unreachable(format!("an answer to another question: {other:?}")))),
            // More values than a message of foreign origin may unfold to; damage ends here as well, at a single name.
            Err(malformed) => Err(Refused::TooLarge(self.unreachable(malformed))),
        }
    }

    /// What became of a question decides how many metrics the next one names.
    fn adapt(&self, asked: usize, points: Option<usize>) {
        let next = match points {
            None => asked / 2,
            Some(points) if points < FEW_POINTS => self.at_once.load(Relaxed).max(asked * 2),
            Some(_) => return,
        };
        self.at_once.store(next.clamp(1, METRICS_AT_ONCE), Relaxed);
    }

    fn unreachable(&self, reason: impl std::fmt::Display) -> StorageError {
        StorageError::Unreachable { part: format!("the carbon at {}", self.address), reason: reason.to_string() }
    }
}

impl Recent for CarbonLinkRecent {
    fn find<'a>(&'a self, query: &'a FindQuery) -> Answer<'a, Result<Vec<Node>, StorageError>> {
        Box::pin(async move {
            match self.ask(&Request::Waiting { pattern: query.pattern.as_str().to_owned() }).await? {
                Response::Names(names) => Ok(names.into_iter().map(node).collect()),
                // A carbon that does not know the question, or has too much to tell: the files are still found.
                _ => Ok(Vec::new()),
            }
        })
    }

    fn points<'a>(&'a self, names: &'a [MetricName]) -> Answer<'a, Result<Vec<Vec<Point>>, StorageError>> {
        Box::pin(async move {
            let mut answers = Vec::with_capacity(names.len());
            while let Some(rest) = names.get(answers.len()..).filter(|rest| !rest.is_empty()) {
                let some = &rest[..rest.len().min(self.at_once.load(Relaxed))];
                match self.bulk(some).await {
                    Ok(found) => {
                        self.adapt(some.len(), Some(found.iter().map(Vec::len).sum()));
                        answers.extend(found);
                    }
                    Err(Refused::TooLarge(_)) if some.len() > 1 => self.adapt(some.len(), None),
                    Err(Refused::TooLarge(error) | Refused::Failed(error)) => return Err(error),
                }
            }
            Ok(answers)
        })
    }
}

async fn exchange(stream: &mut TcpStream, question: &[u8]) -> std::io::Result<Vec<u8>> {
    stream.write_all(question).await?;
    let length = stream.read_u32().await? as usize;
    if length > LONGEST_ANSWER {
        return Err(std::io::Error::other(format!("it announces an answer of {length} bytes")));
    }
    // Grows with what really arrives, whatever was announced.
    let mut body = Vec::new();
    stream.take(length as u64).read_to_end(&mut body).await?;
    if body.len() < length {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    Ok(body)
}

/// A branch comes with a dot at its end, which no name has.
fn node(path: String) -> Node {
    match path.strip_suffix('.') {
        Some(branch) => Node { path: branch.to_owned(), kind: NodeKind::Branch },
        None => Node { path, kind: NodeKind::Leaf },
    }
}

/// In time order, each instant once with its last value: graphite's carbon answers in order of arrival, and keeps
/// fractions of seconds.
fn points(answer: Vec<TimeValue>) -> Vec<Point> {
    let usable =
        answer.into_iter().filter(|(time, value)| (0.0..=f64::from(u32::MAX)).contains(time) && !value.is_nan());
    let mut points: Vec<Point> =
        usable.map(|(time, value)| Point { time: Timestamp::from_secs(time as u32), value }).collect();
    points.sort_by_key(|point| point.time);
    points.dedup_by(|later, kept| {
        let same = later.time == kept.time;
        if same {
            kept.value = later.value;
        }
        same
    });
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_in_order_of_arrival_is_put_in_time_order() {
        let found = points(vec![(20.5, 1.0), (10.0, 2.0), (20.0, 3.0), (-1.0, 4.0), (f64::NAN, 5.0), (30.0, f64::NAN)]);
        let expected = [(10, 2.0), (20, 3.0)].map(|(time, value)| Point { time: Timestamp::from_secs(time), value });
        assert_eq!(found, expected);
    }

    #[tokio::test]
    async fn a_carbon_that_is_away_is_named() {
        let address = SocketAddr::from(([127, 0, 0, 1], 1));
        let recent = CarbonLinkRecent::new(address, Duration::from_secs(5));
        let error = recent.points(&[MetricName::parse("a").unwrap()]).await.unwrap_err().to_string();
        assert!(error.contains("the carbon at 127.0.0.1:1"), "{error}");
    }
}
