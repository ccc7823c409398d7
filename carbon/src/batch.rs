//! Points that travel together: what one read from a socket brought, already under their series' ids.

use carbon_storage::SeriesId;
use whisper::Point;

/// In order of arrival, so that the last of two points for one instant wins.
pub(crate) type Batch = Vec<(SeriesId, Point)>;
