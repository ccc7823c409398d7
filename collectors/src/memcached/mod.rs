//! What memcached servers count, from their `stats`. Names are those of Diamond's MemcachedCollector.
//!
//! ```text
//! we      stats\r\n
//! server  STAT curr_items 1\r\n .. END\r\n
//! ```

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use crate::ask::{Exchange, Place, at_once};
use crate::fail::excerpt;
use crate::proc::{fields, lines, number, text};
use crate::{Bits, Class, Collector, Fail, Made, Out, Site, Slot, Spec};

/// Far more than a server has to say.
const LONGEST: usize = 256 << 10;

/// How many of [`GAUGES`] Diamond knows.
const GAUGES_OF_DIAMOND: usize = 11;

/// What says how things stand; all else counts events.
const GAUGES: [&str; 18] = [
    "bytes",
    "connection_structures",
    "curr_connections",
    "curr_items",
    "threads",
    "reserved_fds",
    "limit_maxbytes",
    "hash_power_level",
    "hash_bytes",
    "hash_is_expanding",
    "uptime",
    "max_connections",
    "response_obj_count",
    "response_obj_bytes",
    "read_buf_count",
    "read_buf_bytes",
    "read_buf_bytes_free",
    "slab_global_page_pool",
];

/// What is no statistic.
const IGNORED: [&str; 8] =
    ["libevent", "pointer_size", "time", "version", "repcached_version", "replication", "accepting_conns", "pid"];

/// `[collectors.memcached]`.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Options {
    /// Servers by the names they are published under. Default localhost at port 11211.
    hosts: BTreeMap<String, Place>,
    /// Statistics that are published; all when empty, which is the default.
    publish: Vec<String>,
    /// How long an answer may take. Default "2s".
    #[serde(with = "humantime_serde")]
    patience: Duration,
}

impl Default for Options {
    fn default() -> Options {
        let localhost = Place::parse("localhost:11211").expect("a place of our own, which a test reads");
        let hosts = BTreeMap::from([("localhost".to_owned(), localhost)]);
        Options { hosts, publish: Vec::new(), patience: Duration::from_secs(2) }
    }
}

struct Memcached {
    options: Options,
    gauges: &'static [&'static str],
    /// Digits of a rate of seconds.
    digits: u8,
}

pub(crate) fn build(site: &Site, options: toml::Table) -> Made {
    let gauges = if site.is_diamond() { &GAUGES[..GAUGES_OF_DIAMOND] } else { &GAUGES };
    let digits = if site.is_diamond() { 0 } else { 6 };
    Ok(Box::new(Memcached { options: options.try_into()?, gauges, digits }))
}

impl Collector for Memcached {
    fn spec(&self) -> Spec {
        Spec { name: "memcached", class: Class::Slow, default_interval: None, deadline: Duration::from_secs(5) }
    }

    fn run(&mut self, _: Slot, out: &mut Out) -> Result<(), Fail> {
        let mut result = Ok(());
        let hosts: Vec<_> = self.options.hosts.iter().collect();
        let answers = at_once(&hosts, |(_, place)| ask(place, self.options.patience));
        for ((alias, place), answer) in hosts.into_iter().zip(answers) {
            let mark = out.mark();
            let published = answer.and_then(|answer| publish(alias, place, &answer, self, out));
            if let Err(fail) = published {
                out.rewind(mark);
                result = Err(fail);
            }
        }
        result
    }
}

/// All that the server at `place` says.
fn ask(place: &Place, patience: Duration) -> Result<Vec<u8>, Fail> {
    let mut answer = Vec::new();
    let mut server = Exchange::open(place, patience)?;
    server.say(b"stats\r\n")?;
    let whole = |answer: &[u8]| answer.ends_with(b"\nEND\r\n") || answer == b"END\r\n";
    server.hear(&mut answer, LONGEST, |answer| whole(answer) || answer == b"ERROR\r\n")?;
    if whole(&answer) {
        return Ok(answer);
    }
    Err(Fail::Refused { what: place.to_string(), answer: excerpt(&answer) })
}

fn publish(
    alias: &str,
    place: &Place,
    answer: &[u8],
    Memcached { options, gauges, digits }: &Memcached,
    out: &mut Out,
) -> Result<(), Fail> {
    for (at, line) in lines(answer) {
        let mut words = fields(line);
        match words.next() {
            Some(b"STAT") => {}
            Some(b"END") => break,
            _ => return Err(Fail::parse(place.to_string(), at, "`STAT NAME VALUE` or `END`", line)),
        }
        let (Some(name), Some(value)) = (words.next().and_then(text), words.next()) else { continue };
        let wanted = &options.publish;
        if IGNORED.contains(&name) || !(wanted.is_empty() || wanted.iter().any(|wanted| wanted == name)) {
            continue;
        }
        let path = ["memcached", alias, name];
        let sum = || text(value).and_then(|value| value.parse::<f64>().ok());
        match number(value) {
            Some(count) if gauges.contains(&name) => {
                out.gauge(&path, count as f64);
            }
            Some(count) => {
                out.counter(&path, count, Bits::B64);
            }
            // Seconds of processor time; what is no number is no statistic.
            None => {
                if let Some(sum) = sum() {
                    out.total(&path, sum).decimals(*digits);
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
