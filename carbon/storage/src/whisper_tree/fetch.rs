//! Points by positional reads, a few files at a time on threads that may block. A damaged file is a failure of its own
//! series; the others answer.

use std::io;
use std::sync::Arc;

use carbon_line::MetricName;
use futures_util::future::join_all;
use whisper::{CreateOptions, Header, Whisper};

use super::WhisperTree;
use super::changes::Change;
use crate::off_worker::off_worker;
use crate::{Answer, Failure, Fetch, FetchQuery, Partial, Series, StorageError, Window};

/// Files a thread reads in one go at least; below it handing over costs more than reading.
const SMALLEST_SHARE: usize = 32;
/// Threads that one query may occupy.
const MOST_THREADS: usize = 8;

impl Fetch for WhisperTree {
    fn fetch<'a>(&'a self, query: &'a FetchQuery) -> Answer<'a, Result<Partial<Vec<Series>>, StorageError>> {
        Box::pin(async move {
            if query.names.len() <= SMALLEST_SHARE {
                let (tree, names, window) = (self.clone(), query.names.clone(), query.window);
                return off_worker(move || read_all(&tree, &names, window)).await;
            }
            let share = query.names.len().div_ceil(MOST_THREADS).max(SMALLEST_SHARE);
            let reads = query.names.chunks(share).map(|names| {
                let (tree, names, window) = (self.clone(), names.to_owned(), query.window);
                tokio::task::spawn_blocking(move || read_all(&tree, &names, window))
            });
            let mut answer = Partial::whole(Vec::with_capacity(query.names.len()));
            for read in join_all(reads).await {
                let part = read.map_err(|_| StorageError::WorkerLost)?;
                answer.value.extend(part.value);
                answer.failures.extend(part.failures);
            }
            Ok(answer)
        })
    }

    fn fetch_at_once(&self, query: &FetchQuery, most: usize) -> Option<Vec<Series>> {
        self.read_at_once(query, most)
    }
}

fn read_all(tree: &WhisperTree, names: &[MetricName], window: Window) -> Partial<Vec<Series>> {
    let mut answer = Partial::whole(Vec::with_capacity(names.len()));
    let mut layouts = LastLayout::default();
    for name in names {
        match read_one(tree, name, window, &mut layouts) {
            Ok(series) => answer.value.extend(series),
            Err(error) => answer.failures.push(Failure { part: name.to_string(), error }),
        }
    }
    answer
}

/// Nothing when there is no file, or when the window lies outside its memory.
fn read_one(
    tree: &WhisperTree,
    name: &MetricName,
    window: Window,
    layouts: &mut LastLayout,
) -> Result<Option<Series>, StorageError> {
    let absent = |error: &whisper::Error| error.io_kind() == Some(io::ErrorKind::NotFound);
    let opened = Whisper::open_read_only(tree.file_of(name)).or_else(|error| match tree.other_file_of(name) {
        Some(other) if absent(&error) => Whisper::open_read_only(other),
        _ => Err(error),
    });
    let file = match opened {
        Err(error) if absent(&error) => {
            tree.state.changes.note(Change::Missed, name);
            return Ok(None);
        }
        opened => opened?,
    };
    let mut values = Vec::new();
    let span = file.fetch_into(window.from, window.until, window.now, &mut values)?;
    let layout = layouts.of(file.header());
    Ok(span.map(|span| Series { name: name.clone(), start: span.from, step: span.step, values, layout }))
}

/// The layout of the file before, which the next file mostly shares.
#[derive(Default)]
pub(super) struct LastLayout(Option<(Header, Arc<CreateOptions>)>);

impl LastLayout {
    /// Nothing when the archives break the rules, so that no new file could be like this one.
    pub(super) fn of(&mut self, header: &Header) -> Option<Arc<CreateOptions>> {
        if let Some((_, layout)) = self.0.as_ref().filter(|(last, _)| last == header) {
            return Some(Arc::clone(layout));
        }
        let mut layout = CreateOptions::new(header.retentions().ok()?);
        (layout.method, layout.x_files_factor) = (header.method, header.x_files_factor);
        let (_, layout) = self.0.insert((header.clone(), Arc::new(layout)));
        Some(Arc::clone(layout))
    }
}
