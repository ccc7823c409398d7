//! What has been read for a request: patterns expanded to names, names read over windows.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use carbon_line::{MetricName, Pattern};
use carbon_storage::{Failure, Fetch, FetchQuery, Find, FindQuery, NodeKind, Series, Window};
use futures_util::future::{join_all, try_join_all};
use whisper::Timestamp;

use crate::query::{EvalError, Held, Request};

/// A part of time that is read: `from` excluded, `until` included, in seconds since the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Span {
    pub(crate) from: i64,
    pub(crate) until: i64,
}

/// Patterns with the windows over which they are wanted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Needs(BTreeMap<String, BTreeSet<Span>>);

impl Needs {
    pub(crate) fn add(&mut self, pattern: &str, span: Span) {
        match self.0.get_mut(pattern) {
            Some(spans) => drop(spans.insert(span)),
            None => drop(self.0.insert(pattern.to_owned(), BTreeSet::from([span]))),
        }
    }

    pub(crate) fn patterns(&self) -> HashSet<String> {
        self.0.keys().cloned().collect()
    }
}

impl From<BTreeSet<(String, Span)>> for Needs {
    fn from(missing: BTreeSet<(String, Span)>) -> Needs {
        let mut needs = Needs::default();
        for (pattern, span) in missing {
            needs.add(&pattern, span);
        }
        needs
    }
}

/// Everything read so far.
#[derive(Debug)]
pub(crate) struct Data {
    /// Names by pattern, sorted, with the span for which they were looked up.
    names: HashMap<String, (Span, Vec<MetricName>)>,
    /// Series by window and name; `None` where the store has no values for it.
    series: HashMap<Span, HashMap<MetricName, Option<Arc<Series>>>>,
    /// Pairs that are complete.
    ready: HashMap<String, HashSet<Span>>,
    count: usize,
    points: usize,
    held: Held,
    pub(crate) failures: Vec<Failure>,
}

/// A point that is read, and the one that functions make of it.
const POINT_BYTES: usize = 2 * size_of::<f64>();

impl Data {
    /// Nothing yet, on the account of `request`.
    pub(crate) fn of(request: &Request) -> Data {
        Data {
            names: HashMap::new(),
            series: HashMap::new(),
            ready: HashMap::new(),
            count: 0,
            points: 0,
            held: Held::nothing_of(&request.budget),
            failures: Vec::new(),
        }
    }

    /// The series of `pattern` over `span`, by name; `None` if they have not been read.
    pub(crate) fn get(&self, pattern: &str, span: Span) -> Option<impl Iterator<Item = &Arc<Series>>> {
        self.ready.get(pattern).filter(|spans| spans.contains(&span))?;
        let (names, series) = (self.names.get(pattern).map(|(_, names)| names), self.series.get(&span));
        let series = move |name| series.and_then(|by_name| by_name.get(name)).and_then(Option::as_ref);
        Some(names.into_iter().flatten().filter_map(series))
    }

    /// Reads what is needed and not there: all patterns at once, then all windows at once.
    pub(crate) async fn load(
        &mut self,
        needs: &Needs,
        request: &Request,
        find: &dyn Find,
        fetch: &dyn Fetch,
    ) -> Result<(), EvalError> {
        self.expand(needs, request, find).await?;
        let mut wanted: BTreeMap<Span, Vec<MetricName>> = BTreeMap::new();
        for (pattern, spans) in &needs.0 {
            let names = self.names.get(pattern).map_or(&[][..], |(_, names)| names);
            for span in spans {
                let read = self.series.entry(*span).or_default();
                let fresh = names.iter().filter(|name| !read.contains_key(*name)).cloned().collect::<Vec<_>>();
                read.extend(fresh.iter().map(|name| (name.clone(), None)));
                wanted.entry(*span).or_default().extend(fresh);
                self.ready.entry(pattern.clone()).or_default().insert(*span);
            }
        }
        EvalError::limit("windows", request.limits.windows, self.series.len())?;
        self.count += wanted.values().map(Vec::len).sum::<usize>();
        EvalError::limit("series", request.limits.series, self.count)?;
        wanted.retain(|_, names| !names.is_empty());
        let queries: Vec<(Span, FetchQuery)> =
            wanted.into_iter().map(|(span, names)| query(span, names, request)).collect();
        let answers = try_join_all(queries.iter().map(|(_, query)| fetch.fetch(query))).await?;
        for ((span, _), answer) in queries.iter().zip(answers) {
            self.failures.extend(answer.failures);
            for series in answer.value {
                self.points += series.values.len();
                self.held.more(series.values.len() * POINT_BYTES)?;
                self.series.entry(*span).or_default().insert(series.name.clone(), Some(Arc::new(series)));
            }
        }
        EvalError::limit("points", request.limits.points, self.points)
    }

    /// Looks up the names of patterns that were never looked up, or only for a narrower span.
    async fn expand(&mut self, needs: &Needs, request: &Request, find: &dyn Find) -> Result<(), EvalError> {
        let mut queries = Vec::new();
        for (pattern, spans) in &needs.0 {
            let mut cover = Span {
                from: spans.iter().map(|span| span.from).min().unwrap_or(request.from),
                until: spans.iter().map(|span| span.until).max().unwrap_or(request.until),
            };
            if let Some((known, _)) = self.names.get(pattern) {
                if known.from <= cover.from && known.until >= cover.until {
                    continue;
                }
                cover = Span { from: known.from.min(cover.from), until: known.until.max(cover.until) };
            }
            let compiled = Pattern::parse(pattern)
                .map_err(|fault| EvalError::Pattern { path: pattern.clone(), reason: fault.to_string() })?;
            queries.push((pattern, cover, FindQuery { pattern: compiled, window: Some(window(cover, request)) }));
        }
        let answers = join_all(queries.iter().map(|(_, _, query)| find.find(query))).await;
        for ((pattern, cover, _), answer) in queries.into_iter().zip(answers) {
            let answer = answer?;
            self.failures.extend(answer.failures);
            let leaves = answer.value.into_iter().filter(|node| node.kind == NodeKind::Leaf);
            let mut names: Vec<MetricName> = leaves.filter_map(|node| MetricName::parse(&node.path).ok()).collect();
            names.sort_unstable();
            names.dedup();
            EvalError::limit("series", request.limits.series, names.len())?;
            self.names.insert(pattern.clone(), (cover, names));
        }
        Ok(())
    }
}

fn query(span: Span, names: Vec<MetricName>, request: &Request) -> (Span, FetchQuery) {
    (span, FetchQuery { names, window: window(span, request), max_points: None })
}

fn window(span: Span, request: &Request) -> Window {
    Window {
        from: Timestamp::saturating_from(span.from),
        until: Timestamp::saturating_from(span.until),
        now: Timestamp::saturating_from(request.now),
    }
}
