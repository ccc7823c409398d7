//! How busy an nginx is, from the page that its `stub_status` makes. Names are those of Diamond's NginxCollector.
//!
//! ```text
//! Active connections: 291
//! server accepts handled requests
//!  16630948 16630948 31070465
//! Reading: 6 Writing: 179 Waiting: 106
//! ```

use std::time::Duration;

use serde::Deserialize;

use crate::http::Url;
use crate::proc::{fields, lines, number};
use crate::{Bits, Class, Collector, Fail, Made, Out, Site, Slot, Spec};

/// Far more than the page has.
const LONGEST: usize = 64 << 10;

/// `[collectors.nginx]`.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Options {
    /// Where the page is. Default "http://localhost:8080/nginx_status".
    url: Url,
    /// How long an answer may take. Default "2s".
    #[serde(with = "humantime_serde")]
    patience: Duration,
}

impl Default for Options {
    fn default() -> Options {
        let url = Url::parse("http://localhost:8080/nginx_status").expect("a URL of our own, which a test reads");
        Options { url, patience: Duration::from_secs(2) }
    }
}

struct Nginx {
    options: Options,
    page: Vec<u8>,
}

pub(crate) fn build(_: &Site, options: toml::Table) -> Made {
    Ok(Box::new(Nginx { options: options.try_into()?, page: Vec::new() }))
}

impl Collector for Nginx {
    fn spec(&self) -> Spec {
        Spec { name: "nginx", class: Class::Slow, default_interval: None, deadline: Duration::from_secs(5) }
    }

    fn run(&mut self, _: Slot, out: &mut Out) -> Result<(), Fail> {
        self.options.url.get(self.options.patience, LONGEST, &mut self.page)?;
        publish(&self.page, out)
            .ok_or_else(|| Fail::parse(self.options.url.to_string(), 1, "the page of nginx's stub_status", &self.page))
    }
}

/// Publishes what is on `page`; `None` when it is not the page of `stub_status`.
fn publish(page: &[u8], out: &mut Out) -> Option<()> {
    let mut found = None;
    let mut totals = false;
    for (_, line) in lines(page) {
        let mut words = fields(line);
        match words.next() {
            Some(b"Active") => {
                let active = words.nth(1).and_then(number)?;
                out.gauge(&["nginx", "active_connections"], active as f64);
                found = Some(());
            }
            // The line of numbers follows its heading.
            Some(b"server") => totals = true,
            Some(first) if totals => {
                totals = false;
                publish_totals(first, words, out)?;
            }
            Some(b"Reading:") => publish_states(line, out)?,
            _ => {}
        }
    }
    found
}

fn publish_totals<'a>(accepted: &[u8], mut rest: impl Iterator<Item = &'a [u8]>, out: &mut Out) -> Option<()> {
    let accepted = number(accepted)?;
    let handled = rest.next().and_then(number)?;
    let requests = rest.next().and_then(number)?;
    for (name, count) in [("conn_accepted", accepted), ("conn_handled", handled), ("req_handled", requests)] {
        out.counter(&["nginx", name], count, Bits::B64);
    }
    if handled > 0 {
        out.gauge(&["nginx", "req_per_conn"], requests as f64 / handled as f64);
    }
    Some(())
}

fn publish_states(line: &[u8], out: &mut Out) -> Option<()> {
    let mut counts = fields(line).skip(1).step_by(2);
    for name in ["act_reads", "act_writes", "act_waits"] {
        out.gauge(&["nginx", name], counts.next().and_then(number)? as f64);
    }
    Some(())
}

#[cfg(test)]
mod tests;
