//! `/events` for people: a page with a table, as graphite-web's; nothing in it is a program.

use std::fmt::Write;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use carbon_storage::Event;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::fault::Fault;
use super::{App, answer, events, never_cached, question};
use crate::format::TooLong;

const HEAD: &str = "<!DOCTYPE html>
<html><head><meta charset=\"utf-8\"><title>Events</title>
<style>body { font: 16px sans-serif; margin: 3em; max-width: 75em } table { width: 100%; border-collapse: collapse }
th, td { text-align: left; padding: .3em .6em; border-bottom: 1px solid #ddd }</style></head>
<body><h1>Events</h1>
";
const NONE: &str = "<p>No events. Programs on this host add them with <code>curl -X POST HOST:PORT/events/ \
    -d '{\"what\": \"deploy\", \"tags\": \"web\"}'</code>.</p>\n";
const TAIL: &str = "</body></html>\n";

/// The events that the same parameters of `/events/get_data` give.
pub(super) async fn page(State(app): State<Arc<App>>, request: Request) -> Result<Response, Fault> {
    let params = app.params(request).await?;
    let found = events::found(&app, &params).await?;
    let limit = app.config.output_bytes;
    let text = written(&found, &question::zone(&params, &app.config), limit).ok_or(TooLong { limit })?;
    let mut response = answer::body("text/html; charset=utf-8", text.into_bytes());
    never_cached(response.headers_mut());
    Ok(response)
}

/// `None` if it grows longer than `limit` bytes.
fn written(found: &[Event], tz: &TimeZone, limit: usize) -> Option<String> {
    let mut page = HEAD.to_owned();
    if found.is_empty() {
        page.push_str(NONE);
    } else {
        page.push_str("<table><tr><th>when</th><th>what</th><th>tags</th></tr>\n");
        for event in found {
            let told = &event.told;
            let when = Timestamp::from_microsecond(told.when).unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(tz.clone());
            // A text takes all that is written to it.
            let _ = write!(page, "<tr><td>{}</td>", when.strftime("%Y-%m-%d %H:%M:%S %Z"));
            let _ = write!(page, "<td><a href=\"/events/{}/\">{}</a></td>", event.id, escaped(&told.what));
            let tags = told.tags.split_whitespace().map(escaped).collect::<Vec<_>>();
            let _ = writeln!(page, "<td>{}</td></tr>", tags.join(", "));
            if page.len() > limit {
                return None;
            }
        }
        page.push_str("</table>\n");
    }
    page.push_str(TAIL);
    Some(page)
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}
