//! What holds for all targets of one request.

use jiff::tz::TimeZone;

use super::Budget;

/// Times, zone, defaults and limits under which targets are evaluated.
#[derive(Clone, Debug)]
pub struct Request {
    /// Start of the window, excluded, in seconds since the epoch.
    pub from: i64,
    /// End of the window, included; after `from`.
    pub until: i64,
    /// The clock: chooses archives, bounds the future, anchors relative times inside functions.
    pub now: i64,
    /// Zone of the request: functions align to days in it.
    pub tz: TimeZone,
    /// Zone of the server, in which graphite-web reads the times that functions are given, and looks for daylight saving.
    pub server_tz: TimeZone,
    /// Share of values that must be known for an aggregate to be known, unless a function says otherwise.
    pub x_files_factor: f64,
    /// Values for `template()`, which they override.
    pub template: Vec<(String, String)>,
    /// How much may be read and computed.
    pub limits: Limits,
    /// The memory it shares with other requests. By default there is no bound.
    pub budget: Budget,
}

impl Request {
    /// A request over a window, in UTC, with nothing else set.
    pub fn new(from: i64, until: i64, now: i64) -> Request {
        Request {
            from,
            until,
            now,
            tz: TimeZone::UTC,
            server_tz: TimeZone::UTC,
            x_files_factor: 0.0,
            template: Vec::new(),
            limits: Limits::default(),
            budget: Budget::default(),
        }
    }
}

/// How much one request may read and compute; over a limit the request fails and nothing is cut short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Series read, over all patterns and windows. Default 50 000.
    pub series: usize,
    /// Values read, and values held by the series of one function's result. Default 50 000 000.
    pub points: usize,
    /// Paths, calls and literals in all targets together. Default 20 000.
    pub nodes: usize,
    /// Calls evaluated, counting those that look-back functions repeat over other windows. Default 100 000.
    pub calls: usize,
    /// Times that data may be fetched because a function's window became known only then. Default 70.
    pub rounds: usize,
    /// Windows over which patterns are read. Default 2 000.
    pub windows: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { series: 50_000, points: 50_000_000, nodes: 20_000, calls: 100_000, rounds: 70, windows: 2_000 }
    }
}
