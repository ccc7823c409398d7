//! What a stream has said since the last run: one text and a row for each line, so that short lines cost little more than
//! their letters.

use std::time::Instant;

use whisper::Timestamp;

/// Bytes of text of one page, and its rows. Pages come and go as they are, which leaves no holes in the heap.
const PAGE: usize = 16 << 10;
const ROWS: usize = 512;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Arrivals {
    pages: Vec<Page>,
    bytes: usize,
}

#[derive(Debug)]
struct Page {
    text: Vec<u8>,
    rows: Vec<Row>,
}

/// Each text begins where the one before ends.
#[derive(Debug)]
struct Row {
    at: Instant,
    slot: Timestamp,
    end: usize,
    kind: Kind,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Line,
    Complaint,
    TooLong,
}

/// One thing that was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Arrived<'a> {
    pub(super) at: Instant,
    /// The slot in which it came.
    pub(super) slot: Timestamp,
    pub(super) what: What<'a>,
}

/// What it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What<'a> {
    Line(&'a [u8]),
    Complaint(&'a [u8]),
    TooLong,
}

impl Arrivals {
    /// Adds what came last.
    pub(super) fn push(&mut self, arrived: Arrived<'_>) {
        let (kind, text) = match arrived.what {
            What::Line(text) => (Kind::Line, text),
            What::Complaint(text) => (Kind::Complaint, text),
            What::TooLong => (Kind::TooLong, &[][..]),
        };
        let fits = |page: &Page| page.rows.len() < ROWS && page.text.len() + text.len() <= page.text.capacity();
        if !self.pages.last().is_some_and(fits) {
            let page = Page { text: Vec::with_capacity(PAGE.max(text.len())), rows: Vec::with_capacity(ROWS) };
            self.bytes += page.text.capacity() + page.rows.capacity() * size_of::<Row>();
            self.pages.push(page);
        }
        if let Some(page) = self.pages.last_mut() {
            page.text.extend_from_slice(text);
            page.rows.push(Row { at: arrived.at, slot: arrived.slot, end: page.text.len(), kind });
        }
    }

    /// Memory that it takes.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// All of it, in the order it came.
    pub(super) fn iter(&self) -> impl Iterator<Item = Arrived<'_>> {
        self.pages.iter().flat_map(Page::iter)
    }
}

impl Page {
    fn iter(&self) -> impl Iterator<Item = Arrived<'_>> {
        let begins = std::iter::once(0).chain(self.rows.iter().map(|row| row.end));
        begins.zip(&self.rows).map(|(begin, row)| {
            let text = &self.text[begin..row.end];
            let what = match row.kind {
                Kind::Line => What::Line(text),
                Kind::Complaint => What::Complaint(text),
                Kind::TooLong => What::TooLong,
            };
            Arrived { at: row.at, slot: row.slot, what }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_is_there_in_its_order() {
        let (mut arrivals, at) = (Arrivals::default(), Instant::now());
        let said = [What::Line(b"a 1"), What::TooLong, What::Line(b""), What::Complaint(b"oh"), What::Line(b"b 2")];
        let said = said.map(|what| Arrived { at, slot: Timestamp::from_secs(10), what });
        said.into_iter().for_each(|arrived| arrivals.push(arrived));
        assert_eq!(arrivals.iter().collect::<Vec<_>>(), said);
        let bytes = arrivals.bytes();
        let long = vec![b'x'; PAGE];
        for _ in 0..3 {
            arrivals.push(Arrived { at, slot: Timestamp::from_secs(20), what: What::Line(&long) });
        }
        (0..ROWS).for_each(|_| arrivals.push(said[1]));
        assert_eq!(arrivals.iter().count(), 5 + 3 + ROWS);
        assert_eq!(arrivals.bytes(), 5 * bytes, "each a page");
    }
}
