//! What the agent says about itself, under `PREFIX.HOST.agent.`: a collector like the others, whose source is us.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use collectors::{Class, Collector, Fail, Out, Slot, Spec, Unit};

use crate::job::State;
use crate::ledger::{Ledgers, Runs};
use crate::outlet::{Cause, Counts, Lost, Outlet};
use crate::pipeline::Pipeline;
use crate::route::RouteCounts;

/// Publishes the ledgers and the destinations' queues.
pub(crate) struct Own {
    ledgers: Ledgers,
    /// What each said at the last run, and what they say at this one; both kept for their memory.
    told: Vec<Runs>,
    now: Vec<Runs>,
    pipeline: Arc<Pipeline>,
    /// What each destination said at the last run.
    last: HashMap<Box<str>, (Counts, Lost)>,
    routes: HashMap<String, RouteCounts>,
}

impl Own {
    pub(crate) fn new(ledgers: Ledgers, pipeline: Arc<Pipeline>) -> Own {
        // After a reload there are counts already, which have been told.
        let mut told = Vec::new();
        ledgers.read(&mut told);
        let outlets = pipeline.outlets();
        let last = outlets.iter().map(|outlet| (outlet.name().into(), outlet.account())).collect();
        let routes = pipeline.routes().into_iter().collect();
        Own { ledgers, told, now: Vec::new(), pipeline, last, routes }
    }

    /// The queue of one destination now, and what went through it since the last run.
    fn destination(&mut self, outlet: &Outlet, out: &mut Out) {
        let name = outlet.name();
        let (counts, lost) = outlet.account();
        let (before, lost_before) = match self.last.get_mut(name) {
            Some(last) => std::mem::replace(last, (counts, lost)),
            None => self.last.insert(name.into(), (counts, lost)).unwrap_or_default(),
        };
        out.gauge(&["agent", "queue", name, "points"], counts.queued as f64);
        out.gauge(&["agent", "queue", name, "bytes"], counts.bytes as f64).unit(Unit::Bytes);
        out.gauge(&["agent", "queue", name, "spool_points"], counts.spooled as f64);
        out.gauge(&["agent", "queue", name, "spool_bytes"], counts.spool_bytes as f64).unit(Unit::Bytes);
        out.gauge(&["agent", "sent", name], counts.sent.saturating_sub(before.sent) as f64);
        out.gauge(&["agent", "resent", name], counts.resent.saturating_sub(before.resent) as f64);
        out.gauge(&["agent", "connects", name], counts.connects.saturating_sub(before.connects) as f64);
        for cause in Cause::ALL {
            // All causes would be many names that never move; these appear with their first loss.
            if lost.points(cause) > 0 {
                let (points, seconds) = lost.since(lost_before, cause);
                out.gauge(&["agent", "lost", name, cause.name(), "points"], points as f64);
                out.gauge(&["agent", "lost", name, cause.name(), "seconds"], seconds as f64).unit(Unit::Seconds);
            }
        }
        let all = |lost: Lost| (lost.all_points(), lost.all_seconds());
        let ((points, seconds), (points_before, seconds_before)) = (all(lost), all(lost_before));
        out.gauge(&["agent", "lost", name, "points"], points.saturating_sub(points_before) as f64);
        out.gauge(&["agent", "lost", name, "seconds"], seconds.saturating_sub(seconds_before) as f64)
            .unit(Unit::Seconds);
    }
}

impl Collector for Own {
    fn spec(&self) -> Spec {
        Spec { name: "agent", class: Class::Fast, default_interval: None, deadline: Duration::from_secs(1) }
    }

    fn run(&mut self, _: Slot, out: &mut Out) -> Result<(), Fail> {
        self.ledgers.read(&mut self.now);
        // Plugins tell of themselves.
        for now in self.now.iter().filter(|now| !now.name.starts_with("plugin.")) {
            let path = |what| ["agent", "collectors", now.name, what];
            // One that has not run yet has nothing to say of itself.
            if now.state != State::Waiting {
                out.gauge(&path("success"), bit(now.state == State::Works));
                out.gauge(&path("absent"), bit(now.state == State::Absent));
                out.gauge(&path("run_ms"), now.last.as_micros() as f64 / 1000.0).decimals(3).unit(Unit::Milliseconds);
                out.gauge(&path("points"), now.points as f64);
            }
            let last = self.told.iter().find(|last| last.name == now.name);
            let since = |now: u64, last: Option<u64>| now.saturating_sub(last.unwrap_or(0)) as f64;
            out.gauge(&path("errors"), since(now.errors, last.map(|last| last.errors)));
            out.gauge(&path("overruns"), since(now.overruns, last.map(|last| last.overruns)));
        }
        std::mem::swap(&mut self.told, &mut self.now);
        for outlet in self.pipeline.outlets() {
            self.destination(&outlet, out);
        }
        for (name, counts) in self.pipeline.routes() {
            let before = self.routes.insert(name.clone(), counts).unwrap_or_default();
            // A route that a reload has changed counts from nothing again.
            out.gauge(&["agent", "routes", &name, "points"], counts.points.saturating_sub(before.points) as f64);
            out.gauge(&["agent", "routes", &name, "dropped"], counts.dropped.saturating_sub(before.dropped) as f64);
            out.gauge(&["agent", "routes", &name, "series"], counts.series as f64);
        }
        Ok(())
    }
}

fn bit(set: bool) -> f64 {
    if set { 1.0 } else { 0.0 }
}
