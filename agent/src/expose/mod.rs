//! `[agent] expose`: the last values as Prometheus' text, for whoever asks. Off unless an address is given, and then what
//! each collector said last is all that is kept.

mod page;
mod server;

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use collectors::Unit;

use self::server::Door;
use crate::job::{Job, Witness};
use crate::naming::Naming;
use crate::teller::Ready;

/// Values of one collector that are kept; of a longer run the rest is left out, which the page says.
const MOST_VALUES: usize = 50_000;

/// The same in bytes of names and values.
const MOST_TEXT: usize = 2 << 20;

/// Intervals after which values that were not measured again are gone.
const FRESH_FOR: u32 = 3;

/// The page, if there is one. It is there until the last copy of this is gone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Exposure(Option<Arc<(Arc<Exposed>, Door)>>);

impl Exposure {
    /// Answers at `address`, if any, for a host with these names. Has to be called within a tokio runtime.
    ///
    /// # Errors
    /// Another program has the port, or the address is not of this host.
    pub(crate) fn open(address: Option<SocketAddr>, naming: &Arc<Naming>) -> io::Result<Exposure> {
        let Some(address) = address else { return Ok(Exposure(None)) };
        let exposed = Arc::new(Exposed::new(Arc::clone(naming)));
        let door = server::open(address, Arc::clone(&exposed))?;
        Ok(Exposure(Some(Arc::new((exposed, door)))))
    }

    /// Has the values of `job`, which runs each `interval`, on the page.
    pub(crate) fn watch(&self, job: &mut Job, interval: Duration) {
        if let Some(open) = &self.0 {
            job.witness(open.0.shelf(job.spec().name, interval));
        }
    }

    /// Where the page is.
    pub(crate) fn address(&self) -> Option<SocketAddr> {
        self.0.as_ref().map(|open| open.1.address())
    }
}

/// What every collector said last.
#[derive(Debug)]
struct Exposed {
    naming: Arc<Naming>,
    shelves: Mutex<BTreeMap<&'static str, Shelf>>,
}

/// The values of one run.
#[derive(Debug)]
struct Shelf {
    values: Values,
    until: Instant,
}

/// Names and values in one text.
#[derive(Debug, Default)]
struct Values {
    text: String,
    rows: Vec<Row>,
    left_out: usize,
}

/// Where a name and a value end in the text; both begin where the one before ended.
#[derive(Clone, Copy, Debug)]
struct Row {
    name: usize,
    value: usize,
    unit: Unit,
}

impl Exposed {
    /// Nothing yet, of a host with these names.
    fn new(naming: Arc<Naming>) -> Exposed {
        Exposed { naming, shelves: Mutex::default() }
    }

    /// What watches the runs of `collector`, which come each `interval`.
    fn shelf(self: &Arc<Self>, collector: &'static str, interval: Duration) -> Box<dyn Witness> {
        Box::new(Filler { exposed: Arc::clone(self), collector, interval, values: Values::default() })
    }

    fn shelves(&self) -> MutexGuard<'_, BTreeMap<&'static str, Shelf>> {
        // Shelves are exchanged whole.
        self.shelves.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Values {
    fn clear(&mut self) {
        self.text.clear();
        self.rows.clear();
        self.left_out = 0;
    }

    fn iter(&self) -> impl Iterator<Item = (&str, &str, Unit)> {
        let begins = std::iter::once(0).chain(self.rows.iter().map(|row| row.value));
        begins.zip(&self.rows).map(|(begin, row)| {
            let (name, value) = (&self.text[begin..row.name], &self.text[row.name..row.value]);
            (name, value, row.unit)
        })
    }
}

/// Fills a shelf while a collector runs, and puts it up when the run has ended.
struct Filler {
    exposed: Arc<Exposed>,
    collector: &'static str,
    interval: Duration,
    values: Values,
}

impl Witness for Filler {
    fn see(&mut self, ready: &Ready<'_>) {
        let Values { text, rows, left_out } = &mut self.values;
        if rows.len() == MOST_VALUES || text.len() >= MOST_TEXT {
            *left_out += 1;
            return;
        }
        text.push_str(ready.name);
        let name = text.len();
        text.push_str(ready.value);
        rows.push(Row { name, value: text.len(), unit: ready.sample.unit });
    }

    fn end(&mut self) {
        let values = std::mem::take(&mut self.values);
        let shelf = Shelf { values, until: Instant::now() + self.interval * FRESH_FOR };
        // The memory of the run before is that of the next one.
        if let Some(before) = self.exposed.shelves().insert(self.collector, shelf) {
            self.values = before.values;
            self.values.clear();
        }
    }
}

impl Drop for Filler {
    fn drop(&mut self) {
        // A collector that is gone says nothing any more; its successor has put up its own or will.
        self.exposed.shelves().remove(self.collector);
    }
}

#[cfg(test)]
mod tests;
