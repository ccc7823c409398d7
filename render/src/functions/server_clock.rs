//! Instants as graphite-web gets them by way of `time.mktime`: what clocks show in the request's zone, read as if they were
//! the server's. Without `tz`, or where that is the server's zone, they are what they were.

use jiff::tz::{AmbiguousOffset, Dst, Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

use crate::query::Request;

/// Clocks of the request's zone as they stand at one instant: a later change of the clocks is not followed, as Python's
/// arithmetic does not.
pub(super) struct ServerClock<'r> {
    server: &'r TimeZone,
    is_same: bool,
    offset: Offset,
    dst: Dst,
}

/// As far as the C library looks for daylight saving, when it is told of some that is not in force.
const NEARBY: SignedDuration = SignedDuration::from_hours(24 * 365 * 17 / 2);

impl<'r> ServerClock<'r> {
    /// The clocks at `instant`, in seconds since the epoch.
    pub(super) fn at(instant: i64, request: &'r Request) -> ServerClock<'r> {
        let info = request.tz.to_offset_info(Timestamp::from_second(instant).unwrap_or_default());
        let (offset, dst) = (info.offset(), info.dst());
        ServerClock { server: &request.server_tz, is_same: request.tz == request.server_tz, offset, dst }
    }

    /// What the server makes of `instant`.
    pub(super) fn read(&self, instant: i64) -> i64 {
        let Some(time) = Timestamp::from_second(instant).ok().filter(|_| !self.is_same) else { return instant };
        let offset = self.server_offset(time);
        instant + i64::from(self.offset.seconds()) - i64::from(offset.seconds())
    }

    /// The server's offset from UTC near `time`, with daylight saving if the request's zone has it.
    fn server_offset(&self, time: Timestamp) -> Offset {
        let wall = self.offset.to_datetime(time);
        let offset = match self.server.to_ambiguous_timestamp(wall).offset() {
            AmbiguousOffset::Unambiguous { offset } => offset,
            AmbiguousOffset::Gap { before, after } | AmbiguousOffset::Fold { before, after } => match self.dst {
                Dst::Yes => return before.max(after),
                Dst::No => return before.min(after),
            },
        };
        let Ok(there) = offset.to_timestamp(wall) else { return offset };
        if self.server.to_offset_info(there).dst() == self.dst {
            return offset;
        }
        let next = self.server.following(there).next();
        let previous = self.server.preceding(there).nth(1);
        let other = next
            .into_iter()
            .chain(previous)
            .find(|change| change.dst() == self.dst && change.timestamp().duration_since(there).abs() < NEARBY);
        other.map_or_else(|| an_hour_off(offset, self.dst), |change| change.offset())
    }
}

/// The offset in the other half of the year, where there is none.
fn an_hour_off(offset: Offset, dst: Dst) -> Offset {
    let hour = SignedDuration::from_hours(if dst == Dst::Yes { 1 } else { -1 });
    offset.checked_add(hour).unwrap_or(offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected by Python's `time.mktime(datetime.fromtimestamp(at, zone).timetuple())` where TZ is the server's zone.
    #[test]
    fn clocks_are_read_as_the_c_library_does() {
        let (summer, winter) = (1_782_900_000, 1_798_800_000);
        for (zone, server, instant, expected) in [
            ("UTC", "UTC", summer, 0),
            ("America/New_York", "America/New_York", summer, 0),
            ("America/New_York", "UTC", winter, -5 * 3_600),
            ("America/New_York", "UTC", summer, -5 * 3_600),
            ("Asia/Kolkata", "UTC", summer, 19_800),
            ("UTC", "America/New_York", winter, 5 * 3_600),
            ("UTC", "America/New_York", summer, 5 * 3_600),
            ("Europe/Berlin", "America/New_York", summer, 6 * 3_600),
            ("Asia/Kolkata", "Europe/Berlin", summer, 4 * 3_600 + 1_800),
        ] {
            let zone_of = |name| TimeZone::get(name).unwrap();
            let request = Request {
                tz: zone_of(zone),
                server_tz: zone_of(server),
                ..Request::new(instant, instant + 60, instant + 60)
            };
            assert_eq!(
                ServerClock::at(instant, &request).read(instant) - instant,
                expected,
                "{zone} {server} {instant}"
            );
        }
    }
}
