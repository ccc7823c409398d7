//! `plumbago carbon drain`: brings archives up to date, for tools and copies that read them.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use carbon::Carbon;
use render::LONGEST_FLUSH;
use serde_json::Value;

use crate::cli::DrainArgs;
use crate::config::Config;
use crate::out;
use crate::processes::{self, reachable};

/// How long the daemon may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(5);

/// Most bytes of its answer that are read.
const LONGEST_ANSWER: u64 = 1 << 20;

/// How long an offline drain tries to write what the store refuses for now.
const OFFLINE: Duration = Duration::from_secs(60);

/// Has what waits written, and says what was.
///
/// # Errors
/// No daemon answers, or it could not write all in time; offline, a daemon is at work, or not all could be written.
pub(crate) fn drain(arguments: &DrainArgs) -> anyhow::Result<()> {
    let mut config = Config::load_sound(arguments.config.as_deref())?;
    if let Some(data) = &arguments.data {
        config.store.data.clone_from(data);
    }
    if arguments.offline { offline(&config) } else { online(arguments, &config) }
}

/// Is the daemon for a moment, without listeners: takes over what the journal has kept and writes all of it. The journal's
/// lock keeps a real daemon away meanwhile, and tells when there is one.
fn offline(config: &Config) -> anyhow::Result<()> {
    let journaling = config.journaling().context("`[journal] enabled` is false, so nothing can be left")?;
    processes::runtime()?.block_on(async {
        let tree = config.store.open(&config.memory.shares())?;
        let silent = config.carbon.clone().without_listeners();
        let carbon = Carbon::start(silent, Some(journaling), config.store.destination(&tree), Arc::default()).await?;
        let done = carbon.empty(OFFLINE).await;
        let stored = carbon.stats().snapshot().stored;
        carbon.stop().await?;
        if done.left > 0 {
            bail!("points of {} series could not be written and stay in the journal; the log says why", done.left);
        }
        out::line(format_args!("wrote {stored} points; nothing waits in the journal"));
        Ok(())
    })
}

/// Asks the daemon of this configuration.
fn online(arguments: &DrainArgs, config: &Config) -> anyhow::Result<()> {
    let address = reachable(arguments.http.unwrap_or(config.http.listen));
    let query = arguments.pattern.as_deref().map_or(String::new(), |pattern| format!("?query={}", escaped(pattern)));
    let (status, body) = get(address, &format!("/flush{query}"), LONGEST_FLUSH + CONNECT)
        .with_context(|| format!("no daemon answers on {address}; name its HTTP address with `--http ADDR`"))?;
    let told: Value = serde_json::from_str(&body)
        .with_context(|| format!("whatever answers HTTP on {address} is no Plumbago; it said {status}"))?;
    if status != 200 {
        bail!("the daemon on {address} says: {}", told["error"].as_str().unwrap_or(&body));
    }
    out::line(format_args!("flushed {} points of {} series", told["flushed"], told["series"]));
    Ok(())
}

/// GETs `path`, and gives the status and the body.
fn get(address: SocketAddr, path: &str, patience: Duration) -> anyhow::Result<(u16, String)> {
    let mut stream = TcpStream::connect_timeout(&address, CONNECT)?;
    stream.set_read_timeout(Some(patience))?;
    stream.set_write_timeout(Some(CONNECT))?;
    // HTTP 1.0: the answer ends with the connection and comes in one piece.
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n")?;
    let mut answer = String::new();
    stream.take(LONGEST_ANSWER).read_to_string(&mut answer)?;
    parse(&answer).context("the answer is no HTTP")
}

/// Status and body of an answer that came in one piece.
pub(crate) fn parse(answer: &str) -> Option<(u16, String)> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.parse().ok()?;
    Some((status, body.to_owned()))
}

/// Percent-encodes all that is not plain in a query.
fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_survives_an_address() {
        assert_eq!(escaped("a.{b,ü}*&c d"), "a.%7Bb%2C%C3%BC%7D%2A%26c%20d");
    }

    #[test]
    fn an_answer_has_a_status_and_a_body() {
        assert_eq!(parse("HTTP/1.0 503 Busy\r\nA: b\r\n\r\n{}\r\n\r\n"), Some((503, "{}\r\n\r\n".to_owned())));
        assert_eq!(parse("hello\r\n\r\n"), None);
    }
}
