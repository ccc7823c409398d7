//! The requests: a change is posted, one that another agent may have posted only if it has not, and a render tells who was heard when.

use std::fmt;
use std::time::Duration;

use collectors::Heard;
use serde::Deserialize;
use serde_json::json;
use whisper::Timestamp;

use super::Post;

/// How long posting may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// Two agents that saw the same change did so within this many seconds.
const SAME: u32 = 120;

/// Answers are far shorter.
const LONGEST_ANSWER: u64 = 4 << 20;

/// A server with graphite-web's `/events/` and `/render`.
#[derive(Debug)]
pub(super) struct Server {
    events: String,
    base: String,
    client: ureq::Agent,
}

/// What became of a post.
#[derive(Debug, PartialEq)]
pub(super) enum Outcome {
    /// It is there now, or was before.
    Taken,
    /// It will never be taken.
    Refused(String),
    /// It may be taken later.
    Away(String),
}

/// What is wrong with `url` as a place for events.
pub(crate) fn fault(url: &str) -> Option<&'static str> {
    let host = url.strip_prefix("http://").and_then(|rest| rest.split('/').next());
    let fine = host.is_some_and(|host| !host.is_empty()) && url.trim_end_matches('/').ends_with("/events");
    let clean = !url.contains(|c: char| c.is_whitespace() || c.is_control());
    (!fine || !clean).then_some("has to be http://HOST:PORT/events/")
}

#[derive(Deserialize)]
struct Event {
    what: String,
}

#[derive(Deserialize)]
struct Series {
    target: String,
    datapoints: Vec<(Option<f64>, u32)>,
}

impl Server {
    pub(super) fn at(url: &str) -> Result<Server, &'static str> {
        if let Some(fault) = fault(url) {
            return Err(fault);
        }
        let base = url.trim_end_matches('/').trim_end_matches("events").trim_end_matches('/').to_owned();
        let client = ureq::Agent::config_builder()
            .timeout_global(Some(PATIENCE))
            .http_status_as_error(false)
            .user_agent("plumbago-agent")
            .build()
            .into();
        Ok(Server { events: format!("{base}/events/"), base, client })
    }

    /// Posts a change, unless another agent already has.
    pub(super) fn post(&self, post: &Post) -> Outcome {
        if post.change.perhaps_told && self.knows(post) {
            return Outcome::Taken;
        }
        let Post { change, when } = post;
        let body = json!({"what": change.what, "tags": change.tags, "data": change.data, "when": when.secs()});
        match self.client.post(&self.events).content_type("application/json").send(body.to_string()) {
            Ok(answer) if answer.status().is_success() => Outcome::Taken,
            Ok(answer) if answer.status().is_client_error() => Outcome::Refused(answer.status().to_string()),
            Ok(answer) => Outcome::Away(answer.status().to_string()),
            Err(error) => Outcome::Away(error.to_string()),
        }
    }

    /// Whether the same was posted lately; a server that does not say so does not know it.
    fn knows(&self, Post { change, when }: &Post) -> bool {
        let request = self
            .client
            .get(format!("{}get_data", self.events))
            .query("from", when.secs().saturating_sub(SAME).to_string())
            .query("until", when.secs().saturating_add(SAME).to_string())
            .query("tags", change.tags.join(" "));
        let events: Option<Vec<Event>> = request.call().ok().and_then(read);
        events.is_some_and(|events| events.iter().any(|event| event.what == change.what))
    }

    /// When each series that matches `pattern` was heard of last.
    pub(super) fn last(&self, pattern: &str, patience: Duration) -> Option<Vec<Heard>> {
        let request = self
            .client
            .get(format!("{}/render", self.base))
            .query("target", pattern)
            .query("from", "-10min")
            .query("format", "json")
            .query("noCache", "1");
        let answer = request.config().timeout_global(Some(patience.min(PATIENCE))).build().call().ok()?;
        let series: Vec<Series> = read(answer)?;
        let heard = series.into_iter().filter_map(|Series { target, datapoints }| {
            let (_, time) = *datapoints.iter().rev().find(|(value, _)| value.is_some())?;
            let step = datapoints.windows(2).map(|pair| pair[1].1.saturating_sub(pair[0].1)).next().unwrap_or(0);
            Some(Heard { series: target, time: Timestamp::from_secs(time), step })
        });
        Some(heard.collect())
    }
}

fn read<T: for<'a> Deserialize<'a>>(mut answer: ureq::http::Response<ureq::Body>) -> Option<T> {
    if !answer.status().is_success() {
        return None;
    }
    let text = answer.body_mut().with_config().limit(LONGEST_ANSWER).read_to_string().ok()?;
    serde_json::from_str(&text).ok()
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.events)
    }
}
