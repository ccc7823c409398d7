//! The wire format of cache queries: pickled dicts in frames, as graphite-web asks and carbon answers.
//!
//! ```text
//! {type: cache-query, metric: m}                     -> {datapoints: [(time, value), ...]}
//! {type: cache-query-bulk, metrics: [m, ...]}        -> {datapointsByMetric: {m: [(time, value), ...], ...}}
//! {type: get-metadata, metric: m, key: k}            -> {value: v} or {error: text}
//! {type: set-metadata, metric: m, key: k, value: v}  -> {old_value: v, new_value: v} or {error: text}
//! {type: plumbago-waiting, pattern: p}               -> {names: [m, ...]}        ours; carbon calls it invalid
//! ```

use whisper::Point;

use crate::pickle::{self, View, Writer};

/// Most bytes one answer may have; the asker sees an error instead, and can ask for less.
pub const LONGEST_ANSWER: usize = 64 << 20;

/// Most bytes of names one question may unfold to.
const LONGEST_REQUEST: usize = 8 << 20;

/// A time in seconds since the epoch and a value.
pub type TimeValue = (f64, f64);

/// What a reader asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// The waiting points of one metric.
    Query {
        /// Its name, in normal form.
        metric: String,
    },
    /// The waiting points of several metrics.
    Bulk {
        /// Their names, in normal form.
        metrics: Vec<String>,
    },
    /// A property of a metric's file.
    GetMetadata {
        /// Its name.
        metric: String,
        /// Which property.
        key: String,
    },
    /// A change of such a property.
    SetMetadata {
        /// Its name.
        metric: String,
        /// Which property.
        key: String,
        /// What it shall be.
        value: String,
    },
    /// The names that points wait for and that match a pattern.
    Waiting {
        /// A glob over dotted names.
        pattern: String,
    },
    /// Anything else, by its type.
    Other(String),
}

/// What the cache answers.
#[derive(Clone, Debug, PartialEq)]
pub enum Response {
    /// To [`Request::Query`]; empty when nothing waits.
    Points(Vec<TimeValue>),
    /// To [`Request::Bulk`], one entry for each metric asked for.
    Bulk(Vec<(String, Vec<TimeValue>)>),
    /// To [`Request::Waiting`].
    Names(Vec<String>),
    /// To [`Request::GetMetadata`].
    Value(String),
    /// To [`Request::SetMetadata`].
    Changed {
        /// Before.
        old: String,
        /// Now.
        new: String,
    },
    /// Why there is no other answer.
    Error(String),
}

/// A frame that is no request or no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Malformed {
    /// The frame does not hold plain data.
    #[error(transparent)]
    Pickle(#[from] pickle::Fault),
    /// An entry is missing or of the wrong kind.
    #[error("the message has no usable entry `{0}`")]
    Entry(&'static str),
    /// Parts that the message shares would fill memory once they are copied apart.
    #[error("the message would unfold to too many points or names")]
    TooLarge,
}

impl Request {
    /// Reads the body of a frame.
    ///
    /// # Errors
    /// When it is no dict with the entries that its type needs.
    pub fn decode(body: &[u8]) -> Result<Request, Malformed> {
        let pickle = pickle::read(body)?;
        let entry = |key: &'static str| pickle.top().get(key).ok_or(Malformed::Entry(key));
        let mut budget = Budget(LONGEST_REQUEST);
        let mut text = |key: &'static str| entry(key).and_then(|value| budget.name(value, key));
        Ok(match text("type")?.as_str() {
            "cache-query" => Request::Query { metric: text("metric")? },
            "cache-query-bulk" => {
                let metrics = entry("metrics")?.items().ok_or(Malformed::Entry("metrics"))?;
                Request::Bulk {
                    metrics: metrics.map(|metric| budget.name(metric, "metrics")).collect::<Result<_, _>>()?,
                }
            }
            "get-metadata" => Request::GetMetadata { metric: text("metric")?, key: text("key")? },
            "set-metadata" => {
                Request::SetMetadata { metric: text("metric")?, key: text("key")?, value: text("value")? }
            }
            "plumbago-waiting" => Request::Waiting { pattern: text("pattern")? },
            other => Request::Other(other.to_owned()),
        })
    }

    /// The body of a frame that asks this.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::new();
        out.dict(|out| match self {
            Request::Query { metric } => {
                out.text("type").text("cache-query").text("metric").text(metric);
            }
            Request::Bulk { metrics } => {
                out.text("type").text("cache-query-bulk").text("metrics").list(|list| {
                    for metric in metrics {
                        list.text(metric);
                    }
                });
            }
            Request::GetMetadata { metric, key } => {
                out.text("type").text("get-metadata").text("metric").text(metric).text("key").text(key);
            }
            Request::SetMetadata { metric, key, value } => {
                out.text("type").text("set-metadata").text("metric").text(metric);
                out.text("key").text(key).text("value").text(value);
            }
            Request::Waiting { pattern } => {
                out.text("type").text("plumbago-waiting").text("pattern").text(pattern);
            }
            Request::Other(kind) => {
                out.text("type").text(kind);
            }
        });
        out.finish()
    }
}

impl Response {
    /// What carbon says to a request type that it does not know.
    pub fn invalid_type(kind: &str) -> Response {
        Response::Error(format!("Invalid request type \"{kind}\""))
    }

    /// The body of a frame that answers this.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::new();
        out.dict(|out| match self {
            Response::Points(points) => write_points(out.text("datapoints"), points),
            Response::Bulk(metrics) => {
                out.text("datapointsByMetric").dict(|dict| {
                    for (metric, points) in metrics {
                        write_points(dict.text(metric), points);
                    }
                });
            }
            Response::Names(names) => {
                out.text("names").list(|list| {
                    for name in names {
                        list.text(name);
                    }
                });
            }
            Response::Value(value) => {
                out.text("value").text(value);
            }
            Response::Changed { old, new } => {
                out.text("old_value").text(old).text("new_value").text(new);
            }
            Response::Error(text) => {
                out.text("error").text(text);
            }
        });
        out.finish()
    }

    /// Reads the body of a frame.
    ///
    /// # Errors
    /// When it is no dict with one of the known answers.
    pub fn decode(body: &[u8]) -> Result<Response, Malformed> {
        let pickle = pickle::read(body)?;
        let answer = pickle.top();
        let mut budget = Budget(LONGEST_ANSWER);
        if let Some(points) = answer.get("datapoints") {
            return Ok(Response::Points(budget.points(points)?));
        }
        if let Some(metrics) = answer.get("datapointsByMetric") {
            let metrics = metrics.pairs().ok_or(Malformed::Entry("datapointsByMetric"))?;
            let one = |(metric, points)| Ok((budget.name(metric, "datapointsByMetric")?, budget.points(points)?));
            return Ok(Response::Bulk(metrics.map(one).collect::<Result<_, Malformed>>()?));
        }
        if let Some(names) = answer.get("names") {
            let names = names.items().ok_or(Malformed::Entry("names"))?;
            return Ok(Response::Names(names.map(|one| budget.name(one, "names")).collect::<Result<_, _>>()?));
        }
        if let Some(value) = answer.get("value") {
            return Ok(Response::Value(budget.name(value, "value")?));
        }
        if let (Some(old), Some(new)) = (answer.get("old_value"), answer.get("new_value")) {
            return Ok(Response::Changed { old: budget.name(old, "old_value")?, new: budget.name(new, "new_value")? });
        }
        let error = answer.get("error").ok_or(Malformed::Entry("error"))?;
        Ok(Response::Error(budget.name(error, "error")?))
    }
}

/// Bytes that one point takes in an answer: time, value, and that they are a pair.
pub const POINT_BYTES: usize = 5 + 9 + 1;

/// The body of a frame that answers [`Request::Query`], straight from the points.
pub fn points_answer(points: &[Point]) -> Vec<u8> {
    let mut out = Writer::new();
    out.dict(|out| waiting(out.text("datapoints"), points));
    out.finish()
}

/// Builds the answer to [`Request::Bulk`] metric by metric, so that nobody holds all points beside the bytes.
#[derive(Debug)]
pub struct BulkAnswer {
    out: Writer,
}

impl Default for BulkAnswer {
    fn default() -> BulkAnswer {
        BulkAnswer::new()
    }
}

impl BulkAnswer {
    /// An answer that knows no metric yet.
    pub fn new() -> BulkAnswer {
        let mut out = Writer::new();
        out.begin_dict().text("datapointsByMetric").begin_dict();
        BulkAnswer { out }
    }

    /// Adds the points of a metric; none is an answer, too.
    pub fn metric(&mut self, name: &str, points: &[Point]) {
        waiting(self.out.text(name), points);
    }

    /// Bytes so far.
    pub fn size(&self) -> usize {
        self.out.len()
    }

    /// The body of the frame.
    pub fn finish(mut self) -> Vec<u8> {
        self.out.end_dict().end_dict();
        self.out.finish()
    }
}

fn waiting(out: &mut Writer, points: &[Point]) {
    out.list(|list| {
        for point in points {
            list.int(point.time.secs().into()).float(point.value).tuple2();
        }
    });
}

/// What may still be copied out of one message, in bytes. A pickle names a shared part in two bytes as often as it
/// likes, so the size of the body bounds nothing here.
struct Budget(usize);

impl Budget {
    fn spend(&mut self, bytes: usize) -> Result<(), Malformed> {
        self.0 = self.0.checked_sub(bytes).ok_or(Malformed::TooLarge)?;
        Ok(())
    }

    /// A string, or bytes that spell one.
    fn name(&mut self, value: View<'_>, entry: &'static str) -> Result<String, Malformed> {
        let bytes = || value.bytes().and_then(|bytes| str::from_utf8(bytes).ok());
        let name = value.text().or_else(bytes).ok_or(Malformed::Entry(entry))?;
        self.spend(name.len() + size_of::<String>())?;
        Ok(name.to_owned())
    }

    fn points(&mut self, points: View<'_>) -> Result<Vec<TimeValue>, Malformed> {
        let malformed = || Malformed::Entry("datapoints");
        let pair = |item: View<'_>| {
            self.spend(size_of::<TimeValue>())?;
            let mut parts = item.items().ok_or_else(malformed)?;
            let mut number = || parts.next().and_then(View::number).ok_or_else(malformed);
            Ok((number()?, number()?))
        };
        points.items().ok_or_else(malformed)?.map(pair).collect()
    }
}

fn write_points(out: &mut Writer, points: &[TimeValue]) {
    out.list(|list| {
        for (time, value) in points {
            list.float(*time).float(*value).tuple2();
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_and_answers_come_back_as_they_were() {
        let text = |text: &str| text.to_owned();
        for request in [
            Request::Query { metric: text("a.b") },
            Request::Bulk { metrics: vec![text("a"), text("b")] },
            Request::GetMetadata { metric: text("a"), key: text("k") },
            Request::SetMetadata { metric: text("a"), key: text("k"), value: text("v") },
            Request::Waiting { pattern: text("a.*") },
            Request::Other(text("bogus")),
        ] {
            assert_eq!(Request::decode(&request.encode()), Ok(request));
        }
        for response in [
            Response::Points(vec![(1.0, 2.0)]),
            Response::Bulk(vec![(text("a"), vec![]), (text("b"), vec![(1.5, -0.0)])]),
            Response::Names(vec![text("a")]),
            Response::Value(text("v")),
            Response::Changed { old: text("a"), new: text("b") },
            Response::invalid_type("bogus"),
        ] {
            assert_eq!(Response::decode(&response.encode()), Ok(response));
        }
    }

    #[test]
    fn answers_made_straight_from_points_say_the_same() {
        let points = [10, u32::MAX].map(|time| Point { time: whisper::Timestamp::from_secs(time), value: -0.5 });
        let expected = vec![(10.0, -0.5), (f64::from(u32::MAX), -0.5)];
        assert_eq!(Response::decode(&points_answer(&points)), Ok(Response::Points(expected.clone())));
        let mut bulk = BulkAnswer::new();
        bulk.metric("a", &points);
        bulk.metric("b", &[]);
        let expected = Response::Bulk(vec![("a".to_owned(), expected), ("b".to_owned(), vec![])]);
        assert_eq!(Response::decode(&bulk.finish()), Ok(expected));
        assert_eq!(Response::decode(&BulkAnswer::new().finish()), Ok(Response::Bulk(vec![])));
    }

    #[test]
    fn a_name_that_is_shared_ten_thousand_times_does_not_fill_memory() {
        let shared = [&b"X\x00\x10\x00\x00"[..], &[b'n'; 4096], b"q\x00"].concat();
        let list = [b"](".to_vec(), shared, b"h\x00".repeat(10_000), b"e".to_vec()].concat();
        let body = [&b"\x80\x02}(U\x04typeU\x10cache-query-bulkU\x07metrics"[..], &list, b"u."].concat();
        assert_eq!(Request::decode(&body), Err(Malformed::TooLarge));
    }

    #[test]
    fn a_frame_that_is_no_request_names_what_it_lacks() {
        assert_eq!(Request::decode(b"N."), Err(Malformed::Entry("type")));
        let half = Request::Other("cache-query".to_owned()).encode();
        assert_eq!(Request::decode(&half), Err(Malformed::Entry("metric")));
    }
}
