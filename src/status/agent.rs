//! The agent's account, as JSON and as numbers for monitoring.

use agent::Watch;
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
        json!({
            "queued": counted.queued,
            "bytes": counted.bytes,
            "sent": counted.sent,
            "lost": counted.lost,
            "connects": counted.connects,
            "collectors": collectors,
        })
    }

    fn families(&self) -> Vec<Family> {
        let counted = self.0.counts();
        let mut times = Family::summary("plumbago_agent_run_seconds", "Time in a collector, by runs.");
        let mut errors = Family::counter("plumbago_agent_run_errors_total", "Runs of a collector that failed.");
        let mut overruns = Family::counter(
            "plumbago_agent_overruns_total",
            "Runs that took too long, or were left out because an earlier one had not ended.",
        );
        let mut points = Family::gauge("plumbago_agent_run_points", "Points that the last run gave.");
        for told in self.0.collectors() {
            let labels = [("collector", told.name)];
            times = times.summed(&labels, told.time.as_secs_f64(), told.runs);
            errors = errors.labelled(&labels, told.errors as f64);
            overruns = overruns.labelled(&labels, told.overruns as f64);
            points = points.labelled(&labels, told.points as f64);
        }
        let count = |name, help, number: u64| Family::counter(name, help).value(number as f64);
        let gauge = |name, help, number: u64| Family::gauge(name, help).value(number as f64);
        vec![
            times,
            errors,
            overruns,
            points,
            gauge("plumbago_agent_queued_points", "Points that wait for the destination.", counted.queued),
            gauge("plumbago_agent_queued_bytes", "Bytes of the lines that wait.", counted.bytes),
            count("plumbago_agent_sent_points_total", "Points handed to the destination.", counted.sent),
            count("plumbago_agent_lost_points_total", "Points dropped because the buffer was full.", counted.lost),
            count("plumbago_agent_connects_total", "Connections made to the destination.", counted.connects),
        ]
    }
}
