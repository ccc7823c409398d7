//! Carbon's account, as JSON and as numbers for monitoring.

use std::sync::Arc;

use carbon::watchdog::Health;
use carbon::{Cache, Carbon, Snapshot, Stats};
use carbon_storage::NameTable;
use render::{Family, Part};
use serde_json::{Map, Value, json};

/// A carbon that runs in this process.
pub(crate) struct CarbonPart {
    stats: Arc<Stats>,
    cache: Arc<Cache>,
    names: Arc<NameTable>,
    health: Health,
}

impl CarbonPart {
    pub(crate) fn of(carbon: &Carbon, names: Arc<NameTable>) -> CarbonPart {
        CarbonPart { stats: carbon.stats(), cache: carbon.cache(), names, health: carbon.health() }
    }
}

impl Part for CarbonPart {
    fn name(&self) -> &'static str {
        "carbon"
    }

    fn counters(&self) -> Value {
        let counted = self.stats.snapshot();
        let refused: Map<_, _> =
            counted.refused.iter().map(|(reason, count)| ((*reason).to_owned(), (*count).into())).collect();
        json!({
            "received": counted.received,
            "replayed": counted.replayed,
            "refused": refused,
            "overwritten": counted.overwritten,
            "stored": counted.stored,
            "dropped": counted.dropped,
            "discarded": counted.discarded,
            "waiting": self.cache.points(),
            "creates": counted.creates,
            "errors": counted.errors,
            "connections": counted.connections,
            "turned-away": counted.turned_away,
            "broken": counted.broken,
            "timed-out": counted.timeouts,
            "evicted": counted.evicted,
            "datagrams": counted.datagrams,
            "kernel-drops": counted.kernel_drops,
        })
    }

    fn faults(&self) -> Vec<String> {
        self.health.troubles().iter().map(ToString::to_string).collect()
    }

    fn families(&self) -> Vec<Family> {
        let mut families = counts(&self.stats.snapshot());
        families.extend(waiting(&self.cache));
        families.extend(index(&self.names));
        families
    }
}

/// Why points that were accepted are lost: to make room, because nothing is kept, or because the store refused them.
fn dropped(counted: &Snapshot) -> Family {
    let known = counted.shed + counted.discarded + counted.out_of_range;
    let reasons = [
        ("refused-by-store", counted.dropped.saturating_sub(known)),
        ("no-room", counted.shed),
        ("none-store", counted.discarded),
        ("out-of-range", counted.out_of_range),
    ];
    let family = Family::counter(
        "plumbago_carbon_dropped_points_total",
        "Accepted points that will never be stored, by reason.",
    );
    reasons.into_iter().fold(family, |family, (reason, count)| family.labelled(&[("reason", reason)], count as f64))
}

fn counts(counted: &Snapshot) -> Vec<Family> {
    let count = |name, help, number: u64| Family::counter(name, help).value(number as f64);
    let refused = Family::counter("plumbago_carbon_refused_total", "Lines refused, by reason.");
    let refused = counted
        .refused
        .iter()
        .fold(refused, |family, (reason, count)| family.labelled(&[("reason", reason)], *count as f64));
    vec![
        count(
            "plumbago_carbon_received_points_total",
            "Points taken in; at rest these and the replayed are the sum of stored, overwritten, dropped and waiting.",
            counted.received,
        ),
        Family::counter("plumbago_carbon_decoded_points_total", "Points that listeners read, by what brought them.")
            .labelled(&[("protocol", "line")], counted.from_lines as f64)
            .labelled(&[("protocol", "pickle")], counted.from_pickles as f64)
            .labelled(&[("protocol", "datagram")], counted.from_datagrams as f64),
        count(
            "plumbago_carbon_replayed_points_total",
            "Points that the journal had kept from an earlier run.",
            counted.replayed,
        ),
        refused,
        count("plumbago_carbon_stored_points_total", "Points that the store has confirmed.", counted.stored),
        count(
            "plumbago_carbon_overwritten_points_total",
            "Points replaced by a later one for the same instant before they were written.",
            counted.overwritten,
        ),
        dropped(counted),
        count("plumbago_carbon_creates_total", "Series written for the first time.", counted.creates),
        count("plumbago_carbon_write_errors_total", "Series that a write refused.", counted.errors),
        Family::gauge("plumbago_carbon_held_series", "New series that wait for a limit or for room on a full disk.")
            .value(counted.held as f64),
        count("plumbago_carbon_pauses_total", "Times a listener stopped reading for lack of room.", counted.pauses),
        count("plumbago_carbon_cache_queries_total", "Cache queries answered.", counted.queries),
        Family::summary("plumbago_carbon_update_seconds", "Time in the store, by series written.").summed(
            &[],
            counted.update_micros as f64 / 1e6,
            counted.updates,
        ),
        Family::gauge("plumbago_carbon_connections", "Connections open now.").value(counted.connections as f64),
        closed(counted),
        count("plumbago_carbon_datagrams_total", "Datagrams read.", counted.datagrams),
        count(
            "plumbago_carbon_kernel_drops_total",
            "Datagrams that the kernel dropped before they could be read.",
            counted.kernel_drops,
        ),
    ]
}

fn closed(counted: &Snapshot) -> Family {
    Family::counter("plumbago_carbon_closed_connections_total", "Connections closed by us, by reason.")
        .labelled(&[("reason", "too-many-of-one-address")], counted.turned_away as f64)
        .labelled(&[("reason", "broken")], counted.broken as f64)
        .labelled(&[("reason", "timeout")], counted.timeouts as f64)
        .labelled(&[("reason", "memory")], counted.evicted as f64)
}

fn waiting(cache: &Cache) -> Vec<Family> {
    let gauge = |name, help, number: usize| Family::gauge(name, help).value(number as f64);
    vec![
        gauge("plumbago_carbon_waiting_points", "Points in memory that wait for the store.", cache.points()),
        gauge("plumbago_carbon_waiting_bytes", "Memory that waiting points take up.", cache.bytes()),
        gauge("plumbago_carbon_waiting_series", "Series that points wait for.", cache.series()),
    ]
}

fn index(names: &NameTable) -> Vec<Family> {
    let gauge = |name, help, number: usize| Family::gauge(name, help).value(number as f64);
    vec![
        gauge("plumbago_carbon_names", "Names known.", names.len()),
        gauge("plumbago_carbon_names_bytes", "Memory that names take up.", names.bytes()),
    ]
}
