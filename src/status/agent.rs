//! The agent's account, as JSON and as numbers for monitoring.

use agent::{Cause, Counts, Lost, State, Watch};
use render::{Family, Part};
use serde_json::{Map, Value, json};

/// An agent that runs in this process.
pub(crate) struct AgentPart(pub(crate) Watch);

impl Part for AgentPart {
    fn name(&self) -> &'static str {
        "agent"
    }

    fn counters(&self) -> Value {
        let counted = self.0.counts();
        let collectors: Map<_, _> = self
            .0
            .collectors()
            .map(|told| {
                (told.name.to_owned(), json!({ "runs": told.runs, "errors": told.errors, "points": told.points }))
            })
            .collect();
        let destinations: Map<_, _> =
            self.0.destinations().into_iter().map(|(name, counts, lost)| (name, destination(counts, lost))).collect();
        let routes: Map<_, _> = self
            .0
            .routes()
            .into_iter()
            .map(|(name, told)| {
                (name, json!({ "points": told.points, "dropped": told.dropped, "series": told.series }))
            })
            .collect();
        json!({
            "queued": counted.queued,
            "bytes": counted.bytes,
            "spooled": counted.spooled,
            "sent": counted.sent,
            "lost": counted.lost,
            "connects": counted.connects,
            "destinations": destinations,
            "routes": routes,
            "collectors": collectors,
        })
    }

    fn families(&self) -> Vec<Family> {
        let mut times = Family::summary("plumbago_agent_run_seconds", "Time in a collector, by runs.");
        let mut errors = Family::counter("plumbago_agent_run_errors_total", "Runs of a collector that failed.");
        let mut overruns = Family::counter(
            "plumbago_agent_overruns_total",
            "Runs that took too long, or were left out because an earlier one had not ended.",
        );
        let mut points = Family::gauge("plumbago_agent_run_points", "Points that the last run gave.");
        let mut success = Family::gauge("plumbago_agent_run_success", "Whether the last run measured all it should.");
        let mut last = Family::gauge("plumbago_agent_last_run_seconds", "Time that the last run took.");
        for told in self.0.collectors() {
            let labels = [("collector", told.name)];
            times = times.summed(&labels, told.time.as_secs_f64(), told.runs);
            errors = errors.labelled(&labels, told.errors as f64);
            overruns = overruns.labelled(&labels, told.overruns as f64);
            points = points.labelled(&labels, told.points as f64);
            // One that has not run yet, and one for which this host has nothing, is neither well nor ill.
            if !matches!(told.state, State::Waiting | State::Absent) {
                success = success.labelled(&labels, f64::from(u8::from(told.state == State::Works)));
                last = last.labelled(&labels, told.last.as_secs_f64());
            }
        }
        let mut families = vec![times, errors, overruns, points, success, last];
        families.extend(destinations(&self.0));
        families.extend(routes(&self.0));
        families
    }
}

fn routes(watch: &Watch) -> [Family; 3] {
    let mut points = Family::counter("plumbago_agent_route_points_total", "Points that a route took.");
    let mut dropped = Family::counter("plumbago_agent_route_dropped_total", "Points that a route could not use.");
    let mut series = Family::gauge("plumbago_agent_route_series", "Series of which a route has an open window.");
    for (name, told) in watch.routes() {
        let labels = [("route", name.as_str())];
        points = points.labelled(&labels, told.points as f64);
        dropped = dropped.labelled(&labels, told.dropped as f64);
        series = series.labelled(&labels, told.series as f64);
    }
    [points, dropped, series]
}

/// One destination's account.
fn destination(counted: Counts, lost: Lost) -> Value {
    let lost: Map<_, _> = Cause::ALL
        .into_iter()
        .filter(|cause| lost.points(*cause) > 0)
        .map(|cause| (cause.name().to_owned(), json!({ "points": lost.points(cause), "seconds": lost.seconds(cause) })))
        .collect();
    json!({
        "queued": counted.queued,
        "bytes": counted.bytes,
        "spooled": counted.spooled,
        "spool-bytes": counted.spool_bytes,
        "sent": counted.sent,
        "resent": counted.resent,
        "connects": counted.connects,
        "lost": lost,
    })
}

fn destinations(watch: &Watch) -> Vec<Family> {
    let counter = |name, help| Family::counter(name, help);
    let mut queued = Family::gauge("plumbago_agent_queued_points", "Points that wait in memory for a destination.");
    let mut bytes = Family::gauge("plumbago_agent_queued_bytes", "Memory of the lines that wait or were sent last.");
    let mut spooled = Family::gauge("plumbago_agent_spooled_points", "Points that wait on disk for a destination.");
    let mut spool = Family::gauge("plumbago_agent_spool_bytes", "Bytes of the files they are in.");
    let mut sent = counter("plumbago_agent_sent_points_total", "Points handed to a destination, each counted once.");
    let mut resent = counter("plumbago_agent_resent_points_total", "Points sent once more after a connection broke.");
    let mut connects = counter("plumbago_agent_connects_total", "Connections made to a destination.");
    let mut points =
        counter("plumbago_agent_lost_points_total", "Points that will never reach a destination, by cause.");
    let mut seconds = counter("plumbago_agent_lost_seconds_total", "Seconds of which points were lost, by cause.");
    for (name, counted, lost) in watch.destinations() {
        let labels = [("destination", name.as_str())];
        queued = queued.labelled(&labels, counted.queued as f64);
        bytes = bytes.labelled(&labels, counted.bytes as f64);
        spooled = spooled.labelled(&labels, counted.spooled as f64);
        spool = spool.labelled(&labels, counted.spool_bytes as f64);
        sent = sent.labelled(&labels, counted.sent as f64);
        resent = resent.labelled(&labels, counted.resent as f64);
        connects = connects.labelled(&labels, counted.connects as f64);
        for cause in Cause::ALL {
            let labels = [("destination", name.as_str()), ("cause", cause.name())];
            points = points.labelled(&labels, lost.points(cause) as f64);
            seconds = seconds.labelled(&labels, lost.seconds(cause) as f64);
        }
    }
    vec![queued, bytes, spooled, spool, sent, resent, connects, points, seconds]
}
