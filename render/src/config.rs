//! `[http]` and `[render]`: the query side's settings.

use std::fs::File;
use std::io::Read as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use jiff::tz::TimeZone;
use serde::Deserialize;

use crate::draw::template::Templates;
use crate::token;

/// `[http]`: where questions are taken, and how patiently.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct HttpConfig {
    /// Address and port of the HTTP server; port 0 takes a free one. Default "127.0.0.1:8080".
    pub listen: SocketAddr,
    /// Connections served at once; further ones wait to be accepted. Default 1 024.
    pub connections: usize,
    /// Time a client may take to send the head of a request, also between two requests. Default "30s".
    #[serde(with = "humantime_serde")]
    pub header_timeout: Duration,
    /// Time a request may take until its answer begins. Default "60s".
    #[serde(with = "humantime_serde")]
    pub request_timeout: Duration,
    /// Time in which a client must fetch some of an answer that waits for it, 16 KiB at least. Default "30s".
    #[serde(with = "humantime_serde")]
    pub send_timeout: Duration,
    /// Time given to requests in flight when the server stops. Default "10s".
    #[serde(with = "humantime_serde")]
    pub drain_for: Duration,
    /// Bytes of a request's body. Default 1 048 576.
    pub body_bytes: usize,
    /// Whether browsers find the page at `/`. Default true.
    pub page: bool,
    /// A unix socket with the same API; whoever may open it may delete and rename series. Default: `admin.sock` below the
    /// data folder of a process that takes points in, else none.
    pub admin_socket: Option<PathBuf>,
    /// Permissions of that socket. Default 0o600.
    pub admin_socket_mode: u32,
    /// A file with a token a line; whoever sends one as `Authorization: Bearer TOKEN` may do the same from anywhere. It must
    /// not be open to all users of the machine, and is read anew for each request. Default: none.
    pub token_file: Option<PathBuf>,
    /// The folder of dashboards, a JSON file each. Default: `dashboards` below the data folder.
    pub dashboards: Option<PathBuf>,
}

/// `[render]`: how much one question may cost.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct RenderConfig {
    /// Zone for times of day in requests without `tz`, and for time labels: an IANA name. Default "UTC".
    pub time_zone: String,
    /// Requests evaluated at once; further ones wait. Default 16.
    pub evaluations: usize,
    /// How long a client may show an answer of `/render` again; a request's `cacheTimeout` replaces it. Default "5s".
    #[serde(with = "humantime_serde")]
    pub max_age: Duration,
    /// Targets of one request. Default 1 000.
    pub targets: usize,
    /// Series that one request may fetch. Default 20 000.
    pub series: usize,
    /// Names that one request may list. Default 5 000 000.
    pub names: usize,
    /// Points that one request may fetch or make. Default 50 000 000.
    pub points: usize,
    /// Bytes of one answer before compression. Default 268 435 456.
    pub output_bytes: usize,
    /// Bytes of answers that are kept, to be given again within `max-age` or `cacheTimeout`; 0 keeps none. Default
    /// 16 777 216.
    pub results_cache: usize,
    /// Width of a picture in pixels. Default 4 096.
    pub width: u32,
    /// Height of a picture in pixels. Default 4 096.
    pub height: u32,
    /// Templates of pictures, as graphite-web's `graphTemplates.conf`; read at the start. Default: those inside the binary.
    pub templates: Option<PathBuf>,
    /// Bytes that all requests together may hold of what they have read: a share of the limit of the whole process, so
    /// not in this table. Default: no limit.
    #[serde(skip)]
    pub memory: usize,
}

impl Default for HttpConfig {
    fn default() -> HttpConfig {
        HttpConfig {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            connections: 1_024,
            header_timeout: Duration::from_secs(30),
            request_timeout: Duration::from_secs(60),
            send_timeout: Duration::from_secs(30),
            drain_for: Duration::from_secs(10),
            body_bytes: 1 << 20,
            page: true,
            admin_socket: None,
            admin_socket_mode: 0o600,
            token_file: None,
            dashboards: None,
        }
    }
}

impl Default for RenderConfig {
    fn default() -> RenderConfig {
        RenderConfig {
            time_zone: "UTC".to_owned(),
            evaluations: 16,
            max_age: Duration::from_secs(5),
            targets: 1_000,
            series: 20_000,
            names: 5_000_000,
            points: 50_000_000,
            output_bytes: 256 << 20,
            results_cache: 16 << 20,
            width: 4_096,
            height: 4_096,
            templates: None,
            memory: usize::MAX,
        }
    }
}

impl HttpConfig {
    /// What is wrong with these settings, each problem with its key; empty when nothing is.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = zeros("http", &[("connections", self.connections), ("body-bytes", self.body_bytes)]);
        let times = [
            ("header-timeout", self.header_timeout),
            ("request-timeout", self.request_timeout),
            ("send-timeout", self.send_timeout),
        ];
        let zero = times.iter().filter(|(_, time)| time.is_zero());
        problems.extend(zero.map(|(key, _)| format!("http.{key}: must be longer than 0s")));
        if self.admin_socket_mode & !0o777 != 0 {
            problems.push(format!("http.admin-socket-mode: {:#o} is no mode such as 0o660", self.admin_socket_mode));
        }
        problems
    }

    /// What is wrong with the file of tokens, if one is named. Blocks.
    pub fn token_problem(&self) -> Option<String> {
        token::problem(self.token_file.as_deref()?)
    }
}

impl RenderConfig {
    /// What is wrong with these settings, each problem with its key; empty when nothing is.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.zone().is_none() {
            let name = &self.time_zone;
            problems.push(format!("render.time-zone: `{name}` is no IANA zone name such as `Europe/Berlin`"));
        }
        let counts = [
            ("evaluations", self.evaluations),
            ("targets", self.targets),
            ("series", self.series),
            ("names", self.names),
            ("points", self.points),
            ("output-bytes", self.output_bytes),
            ("width", self.width as usize),
            ("height", self.height as usize),
        ];
        problems.extend(zeros("render", &counts));
        problems
    }

    /// What is wrong with the file of templates, if one is named. Blocks.
    pub fn templates_problem(&self) -> Option<String> {
        self.looks().err()
    }

    /// The templates of the file, beside those inside the binary. Blocks.
    pub(crate) fn looks(&self) -> Result<Templates, String> {
        /// A hundred times what graphite-web ships.
        const LONGEST: u64 = 1 << 20;
        let Some(path) = &self.templates else { return Ok(Templates::default()) };
        let named = |problem: String| format!("{}: {problem}", path.display());
        let mut text = String::new();
        let opened = File::open(path).and_then(|file| file.take(LONGEST).read_to_string(&mut text));
        opened.map_err(|error| named(error.to_string()))?;
        Templates::read(&text).map_err(named)
    }

    /// The zone that `time_zone` names.
    pub(crate) fn zone(&self) -> Option<TimeZone> {
        TimeZone::get(&self.time_zone).ok()
    }
}

fn zeros(table: &str, counts: &[(&str, usize)]) -> Vec<String> {
    let zero = counts.iter().filter(|(_, count)| *count == 0);
    zero.map(|(key, _)| format!("{table}.{key}: must be at least 1, is 0")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_have_no_problems() {
        assert_eq!(RenderConfig::default().problems(), Vec::<String>::new());
        assert_eq!(HttpConfig::default().problems(), Vec::<String>::new());
    }

    #[test]
    fn every_problem_is_reported_with_its_key() {
        let config = RenderConfig { time_zone: "Mars".to_owned(), points: 0, ..RenderConfig::default() };
        let problems = config.problems();
        assert_eq!(problems.len(), 2, "{problems:?}");
        assert!(problems[0].starts_with("render.time-zone: `Mars`"));
        assert!(problems[1].starts_with("render.points:"));
    }
}
