//! Numbers of any JSON that a service gives at a URL. Names are those of Diamond's HTTPJSONCollector, that is the keys.

mod flatten;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde::Deserialize;

use crate::http::Url;
use crate::{Class, Collector, Fail, Made, Out, Site, Slot, Spec, Style};

/// How long all URLs together may take.
const DEADLINE: Duration = Duration::from_secs(10);

/// `[collectors.httpjson]`.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Options {
    /// One service, whose keys stand right below `httpjson`. Default none.
    url: Option<Url>,
    /// Services by the names they are published under. Default none.
    targets: BTreeMap<String, Url>,
    /// How long an answer may take. Default "3s".
    #[serde(with = "humantime_serde")]
    patience: Duration,
    /// The most bytes an answer may have. Default 4 MiB.
    longest: usize,
    /// The most values of one service; an answer with more is refused. Default 10 000.
    most: usize,
}

impl Default for Options {
    fn default() -> Options {
        let patience = Duration::from_secs(3);
        Options { url: None, targets: BTreeMap::new(), patience, longest: 4 << 20, most: 10_000 }
    }
}

struct HttpJson {
    options: Options,
    /// How a number with a fraction is printed.
    fraction: Style,
    body: Vec<u8>,
}

pub(crate) fn build(site: &Site, options: toml::Table) -> Made {
    let fraction = if site.is_diamond() { Style::Decimals(0) } else { Style::Significant(15) };
    Ok(Box::new(HttpJson { options: options.try_into()?, fraction, body: Vec::new() }))
}

impl Collector for HttpJson {
    fn spec(&self) -> Spec {
        Spec { name: "httpjson", class: Class::Slow, default_interval: None, deadline: DEADLINE }
    }

    fn run(&mut self, _: Slot, out: &mut Out) -> Result<(), Fail> {
        let Options { url, targets, patience, longest, most } = &self.options;
        let begun = Instant::now();
        let mut result = Ok(());
        let alone = url.iter().map(|url| (None, url));
        for (name, url) in alone.chain(targets.iter().map(|(name, url)| (Some(name.as_str()), url))) {
            let patience = DEADLINE.saturating_sub(begun.elapsed()).min(*patience);
            let mark = out.mark();
            let published = url.get(patience, *longest, &mut self.body).and_then(|()| {
                flatten::publish(name, &self.body, (*most, self.fraction), out).map_err(|error| {
                    Fail::parse(url.to_string(), error.line(), "JSON of numbers", error.to_string().as_bytes())
                })
            });
            if let Err(fail) = published {
                // Half an answer is none.
                out.rewind(mark);
                result = Err(fail);
            }
        }
        result
    }
}

#[cfg(test)]
mod tests;
