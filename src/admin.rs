//! The admin socket of a running daemon, as verbs that change something use it.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::Value;

use crate::cli::DaemonArgs;
use crate::config::Config;
use crate::drain;
use crate::processes;

/// How long the daemon may take for all of it.
const PATIENCE: Duration = Duration::from_secs(600);

/// Most bytes of its answer that are read.
const LONGEST_ANSWER: u64 = 512 << 20;

/// An answer: its status and the JSON in it.
pub(crate) struct Told {
    pub(crate) status: u16,
    pub(crate) value: Value,
    /// As it came.
    pub(crate) text: String,
}

/// Asks the daemon, with a JSON body if there is one.
///
/// # Errors
/// Nobody answers there, or no Plumbago.
pub(crate) fn ask(daemon: &DaemonArgs, method: &str, path: &str, body: &str) -> anyhow::Result<Told> {
    let socket = socket(daemon)?;
    let (status, text) = exchange(&socket, method, path, body).with_context(|| {
        format!(
            "no daemon answers at {}; name its socket with `--socket PATH` or its data with `--data DIR`",
            socket.display()
        )
    })?;
    let value = serde_json::from_str(&text)
        .with_context(|| format!("whatever answers at {} is no Plumbago; it said {status}", socket.display()))?;
    Ok(Told { status, value, text })
}

impl Told {
    /// The answer, if it is 200.
    ///
    /// # Errors
    /// What the daemon says instead.
    pub(crate) fn done(self) -> anyhow::Result<Told> {
        if self.status == 200 {
            return Ok(self);
        }
        let hint = self.value["hint"].as_str().map(|hint| format!(" ({hint})")).unwrap_or_default();
        bail!("the daemon says: {}{hint}", self.value["error"].as_str().unwrap_or(&self.text))
    }
}

fn socket(daemon: &DaemonArgs) -> anyhow::Result<PathBuf> {
    if let Some(socket) = &daemon.socket {
        return Ok(socket.clone());
    }
    let mut config = Config::load_sound(daemon.config.as_deref())?;
    if let Some(data) = &daemon.data {
        config.store.data.clone_from(data);
    }
    let asked = config.http.admin_socket.unwrap_or_else(|| processes::admin_path(&config.store.data));
    if asked.as_os_str().is_empty() {
        bail!("`[http] admin-socket` says that there is none");
    }
    Ok(asked)
}

fn exchange(socket: &Path, method: &str, path: &str, body: &str) -> anyhow::Result<(u16, String)> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    // HTTP 1.0: the answer ends with the connection and comes in one piece.
    write!(
        stream,
        "{method} {path} HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )?;
    let mut answer = String::new();
    stream.take(LONGEST_ANSWER).read_to_string(&mut answer)?;
    drain::parse(&answer).context("the answer is no HTTP")
}
