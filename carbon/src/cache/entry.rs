//! The points of one series.

use whisper::Point;

/// What waits, and what a writer has taken and not reported on.
#[derive(Debug, Default)]
pub(crate) struct Entry {
    /// In time order up to `sorted`; behind it in order of arrival, where the last point for an instant counts.
    points: Vec<Point>,
    sorted: usize,
    /// In time order.
    writing: Vec<Point>,
}

impl Entry {
    /// Files a point; gives the number of points that it replaced or found to be replaced.
    ///
    /// Points nearly always come in order. Others are put in order once they are as many as the rest, so that a sender
    /// who counts backwards costs a sort now and then and not a shift of everything each time.
    pub(crate) fn add(&mut self, point: Point) -> usize {
        if self.sorted == self.points.len() {
            match self.points.last_mut() {
                Some(last) if last.time == point.time => {
                    last.value = point.value;
                    return 1;
                }
                Some(last) if last.time > point.time => {}
                _ => self.sorted += 1,
            }
        }
        self.points.push(point);
        if self.points.len() > 2 * self.sorted + 16 { self.sort() } else { 0 }
    }

    /// Points that wait.
    pub(crate) fn waiting(&self) -> usize {
        self.points.len()
    }

    /// Whether nothing waits and nothing is being written.
    pub(crate) fn is_empty(&self) -> bool {
        self.points.is_empty() && self.writing.is_empty()
    }

    /// Moves what waits to what is being written, and gives a copy of it with the number of points found replaced.
    /// Empty while an earlier copy is still out.
    pub(crate) fn take(&mut self) -> (Vec<Point>, usize) {
        if !self.writing.is_empty() {
            return (Vec::new(), 0);
        }
        let replaced = self.sort();
        self.writing = std::mem::take(&mut self.points);
        self.sorted = 0;
        (self.writing.clone(), replaced)
    }

    /// Forgets what was being written; gives the number of points.
    pub(crate) fn confirm(&mut self) -> usize {
        std::mem::take(&mut self.writing).len()
    }

    /// Lets what was being written wait again, before everything that came later; gives the number replaced.
    pub(crate) fn put_back(&mut self) -> usize {
        let later = std::mem::replace(&mut self.points, std::mem::take(&mut self.writing));
        self.points.extend(later);
        self.sorted = 0;
        self.sort()
    }

    /// Everything a reader should see, in time order.
    pub(crate) fn visible(&self) -> Vec<Point> {
        let mut points = [&self.writing[..], &self.points[..]].concat();
        in_order(&mut points);
        points
    }

    fn sort(&mut self) -> usize {
        let before = self.points.len();
        if self.sorted < before {
            in_order(&mut self.points);
        }
        self.sorted = self.points.len();
        before - self.points.len()
    }
}

/// Time order, each instant once, with the value that came last. The sort keeps the order of arrival.
fn in_order(points: &mut Vec<Point>) {
    points.sort_by_key(|point| point.time);
    points.dedup_by(|later, kept| {
        let same = later.time == kept.time;
        if same {
            kept.value = later.value;
        }
        same
    });
}
