//! What has been read for a request: patterns and tag expressions expanded to names, names and events read over
//! windows.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};

use carbon_line::{MetricName, Pattern};
use carbon_storage::{EventQuery, Failure, Fetch, FetchQuery, Find, ListQuery, TagSet, Window};
use futures_util::future::{join_all, try_join_all};
use whisper::Timestamp;

use super::wanted::Wanted;
use super::{Hold, Stores, at_once, tagged};
use crate::query::{EvalError, Held, Request};
use crate::series::Stored;

/// A part of time that is read: `from` excluded, `until` included, in seconds since the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Span {
    pub(crate) from: i64,
    pub(crate) until: i64,
}

/// What is wanted, with the windows over which it is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Needs(BTreeMap<Wanted, BTreeSet<Span>>);

impl Needs {
    pub(crate) fn add(&mut self, wanted: Wanted, span: Span) {
        self.0.entry(wanted).or_default().insert(span);
    }

    pub(crate) fn patterns(&self) -> HashSet<Wanted> {
        self.0.keys().cloned().collect()
    }
}

impl From<BTreeSet<(Wanted, Span)>> for Needs {
    fn from(missing: BTreeSet<(Wanted, Span)>) -> Needs {
        let mut needs = Needs::default();
        for (wanted, span) in missing {
            needs.add(wanted, span);
        }
        needs
    }
}

/// Series that are to be read, all windows at once.
#[derive(Debug)]
pub(crate) struct Reads(BTreeMap<Span, Vec<MetricName>>);

impl Reads {
    /// Whether reading them takes no longer than handing them to other threads.
    pub(crate) fn are_few(&self) -> bool {
        self.0.values().map(Vec::len).sum::<usize>() <= FEW
    }
}

/// Series that are read on the thread that evaluates.
const FEW: usize = 32;

/// Everything read so far.
#[derive(Debug)]
pub(crate) struct Data {
    /// Names by pattern or tags, sorted, with the span for which they were looked up.
    names: HashMap<Wanted, (Span, Vec<MetricName>)>,
    /// Series by window and name; `None` where the store has no values for it.
    series: HashMap<Span, HashMap<MetricName, Option<Stored>>>,
    /// When events happened, in seconds since the epoch.
    events: HashMap<(Wanted, Span), Vec<i64>>,
    /// Pairs that are complete.
    ready: HashMap<Wanted, HashSet<Span>>,
    count: usize,
    points: usize,
    held: Held,
    failures: Vec<Failure>,
}

/// Microseconds in a second.
const MICROS: i64 = 1_000_000;

/// A point that is read, and the one that functions make of it.
const POINT_BYTES: usize = 2 * size_of::<f64>();

/// What a name costs beside its text, here and as a series.
const NAME_BYTES: usize = 64;

/// So many are worth counting.
const MANY_NAMES: usize = 1_000;

/// Series read in the first part of a request, and in the largest ones.
const FIRST_PART: usize = 256;
const LARGEST_PART: usize = 4_096;

impl Data {
    /// Nothing yet, on the account of `request`.
    pub(crate) fn of(request: &Request) -> Data {
        Data {
            names: HashMap::new(),
            series: HashMap::new(),
            events: HashMap::new(),
            ready: HashMap::new(),
            count: 0,
            points: 0,
            held: Held::nothing_of(&request.budget),
            failures: Vec::new(),
        }
    }

    /// Bytes of the account that wait for what functions make of the points.
    pub(crate) fn set_aside(&self) -> usize {
        self.points.saturating_mul(POINT_BYTES - size_of::<f64>())
    }

    /// What did not contribute, and the account; the rest goes.
    pub(crate) fn into_parts(self) -> (Vec<Failure>, Held) {
        (self.failures, self.held)
    }

    /// The series that are `wanted` over `span`, by name; `None` if they have not been read.
    pub(crate) fn get(&self, wanted: &Wanted, span: Span) -> Option<impl Iterator<Item = &Stored>> {
        self.ready.get(wanted).filter(|spans| spans.contains(&span))?;
        let (names, series) = (self.names.get(wanted).map(|(_, names)| names), self.series.get(&span));
        let series = move |name| series.and_then(|by_name| by_name.get(name)).and_then(Option::as_ref);
        Some(names.into_iter().flatten().filter_map(series))
    }

    /// When the events that are `wanted` happened; `None` if they have not been read.
    pub(crate) fn events(&self, wanted: &Wanted, span: Span) -> Option<&[i64]> {
        self.events.get(&(wanted.clone(), span)).map(Vec::as_slice)
    }

    /// Looks up what is needed and not there, all patterns at once, and says which series are to be read.
    pub(crate) async fn look_up(
        &mut self,
        needs: &Needs,
        request: &Request,
        stores: Stores<'_>,
        hold: &dyn Hold,
    ) -> Result<Reads, EvalError> {
        self.expand(needs, request, stores.find).await?;
        self.choose_by_tags(needs, request, stores).await?;
        self.load_events(needs, request, stores).await?;
        let mut wanted: BTreeMap<Span, Vec<MetricName>> = BTreeMap::new();
        for (wanted_now, spans) in &needs.0 {
            let names = self.names.get(wanted_now).map_or(&[][..], |(_, names)| names);
            for span in spans {
                let read = self.series.entry(*span).or_default();
                let fresh = names.iter().filter(|name| !read.contains_key(*name)).cloned().collect::<Vec<_>>();
                read.extend(fresh.iter().map(|name| (name.clone(), None)));
                wanted.entry(*span).or_default().extend(fresh);
                self.ready.entry(wanted_now.clone()).or_default().insert(*span);
            }
        }
        EvalError::limit("windows", request.limits.windows, self.series.len())?;
        self.count += wanted.values().map(Vec::len).sum::<usize>();
        EvalError::limit("series", request.limits.series, self.count)?;
        wanted.retain(|_, names| !names.is_empty());
        hold.weigh(self.count).await;
        Ok(Reads(wanted))
    }

    /// Reads series, a part of them after the other: nobody knows before how many points they have, and what is too much
    /// is not to be in memory first.
    pub(crate) async fn read(
        &mut self,
        Reads(wanted): Reads,
        request: &Request,
        fetch: &dyn Fetch,
    ) -> Result<(), EvalError> {
        let (mut read, mut before) = (0, self.points);
        let is_first = self.points == 0;
        let mut rest: VecDeque<(Span, Vec<MetricName>)> = wanted.into_iter().collect();
        let mut most = FIRST_PART;
        while !rest.is_empty() {
            let queries: Vec<(Span, FetchQuery)> =
                part(&mut rest, most).into_iter().map(|(span, names)| query(span, names, request)).collect();
            read += queries.iter().map(|(_, query)| query.names.len()).sum::<usize>();
            let answers = try_join_all(queries.iter().map(|(_, query)| fetch.fetch(query))).await?;
            for ((span, _), answer) in queries.iter().zip(answers) {
                self.failures.extend(answer.failures);
                self.keep(*span, answer.value)?;
            }
            EvalError::limit("points", request.limits.points, self.points)?;
            let usual = (self.points - before) / read.max(1);
            // What is left is read once there is memory for all of it. Later reads do not wait: much is held by then.
            let left = usual.saturating_mul(rest.iter().map(|(_, names)| names.len()).sum());
            if is_first && most == FIRST_PART && self.points.saturating_add(left) <= request.limits.points {
                self.held.reserve(left.saturating_mul(POINT_BYTES)).await;
            }
            let room = (request.limits.points - self.points).min(self.held.room() / POINT_BYTES);
            // One more than there should be room for, so that the limit is passed and told.
            most = (room / usual.max(1)).saturating_add(1).min(LARGEST_PART);
            (read, before) = (0, self.points);
        }
        self.held.give_rest_back();
        Ok(())
    }

    /// Reads them here if they are few and nothing has to be waited for; says whether they were read.
    pub(crate) fn read_at_once(
        &mut self,
        Reads(wanted): &Reads,
        request: &Request,
        fetch: &dyn Fetch,
    ) -> Result<bool, EvalError> {
        if wanted.values().map(Vec::len).sum::<usize>() > at_once::SERIES {
            return Ok(false);
        }
        let (mut found, mut room) = (Vec::new(), at_once::VALUES);
        for (span, names) in wanted {
            let (span, query) = query(*span, names.clone(), request);
            let Some(series) = fetch.fetch_at_once(&query, room) else { return Ok(false) };
            room = room.saturating_sub(series.iter().map(|series| series.values.len()).sum());
            found.push((span, series));
        }
        for (span, series) in found {
            self.keep(span, series)?;
        }
        EvalError::limit("points", request.limits.points, self.points)?;
        Ok(true)
    }

    /// Puts series in that were read over `span`.
    fn keep(&mut self, span: Span, series: Vec<carbon_storage::Series>) -> Result<(), EvalError> {
        for series in series {
            self.points += series.values.len();
            self.held.more(series.values.len() * POINT_BYTES)?;
            self.series.entry(span).or_default().insert(series.name.clone(), Some(series.into()));
        }
        Ok(())
    }

    /// Looks up the names of patterns that were never looked up, or only for a narrower span.
    async fn expand(&mut self, needs: &Needs, request: &Request, find: &dyn Find) -> Result<(), EvalError> {
        let mut queries = Vec::new();
        for (wanted, spans) in &needs.0 {
            let Wanted::Pattern(pattern) = wanted else { continue };
            let mut cover = Span {
                from: spans.iter().map(|span| span.from).min().unwrap_or(request.from),
                until: spans.iter().map(|span| span.until).max().unwrap_or(request.until),
            };
            if let Some((known, _)) = self.names.get(wanted) {
                if known.from <= cover.from && known.until >= cover.until {
                    continue;
                }
                cover = Span { from: known.from.min(cover.from), until: known.until.max(cover.until) };
            }
            let compiled = Pattern::parse(pattern)
                .map_err(|fault| EvalError::Pattern { path: pattern.clone(), reason: fault.to_string() })?;
            let (window, most) = (Some(window(cover, request)), request.limits.series);
            // Graphite-web draws a series without points as one, so nothing is left out for being silent.
            let query = ListQuery { window, leaves_only: true, most, ..ListQuery::all(compiled) };
            queries.push((wanted, cover, query));
        }
        let answers = join_all(queries.iter().map(|(_, _, query)| find.list(query))).await;
        for ((wanted, cover, _), answer) in queries.into_iter().zip(answers) {
            let answer = answer?;
            self.failures.extend(answer.failures);
            let found = answer.value.len() + usize::from(answer.value.is_cut());
            EvalError::limit("series", request.limits.series, found)?;
            let mut names: Vec<MetricName> =
                answer.value.iter().filter_map(|(path, _)| MetricName::parse(path).ok()).collect();
            names.sort_unstable();
            names.dedup();
            if names.len() >= MANY_NAMES {
                self.held.more(names.iter().map(|name| name.len() + NAME_BYTES).sum())?;
            }
            self.names.insert(wanted.clone(), (cover, names));
        }
        Ok(())
    }

    /// Looks up the names of series that are chosen by their tags; the index knows no times.
    async fn choose_by_tags(&mut self, needs: &Needs, request: &Request, stores: Stores<'_>) -> Result<(), EvalError> {
        let always = Span { from: i64::MIN, until: i64::MAX };
        for wanted in needs.0.keys().filter(|wanted| matches!(wanted, Wanted::Tagged { .. })) {
            if self.names.contains_key(wanted) {
                continue;
            }
            let unreadable = |reason| EvalError::Pattern { path: wanted.text().to_owned(), reason };
            let expressions = tagged::read(wanted).map_err(unreadable)?;
            let limit = request.limits.series;
            let names = match stores.tags {
                Some(tags) => tags.series(&expressions, limit).await?,
                None => Some(Vec::new()),
            };
            let names = names.ok_or(EvalError::Limit { limit: "series", allowed: limit, found: limit + 1 })?;
            self.names.insert(wanted.clone(), (always, names));
        }
        Ok(())
    }

    async fn load_events(&mut self, needs: &Needs, request: &Request, stores: Stores<'_>) -> Result<(), EvalError> {
        for (wanted, spans) in &needs.0 {
            let Wanted::Events(tags) = wanted else { continue };
            for span in spans {
                let (from, until) = (span.from.saturating_mul(MICROS), span.until.saturating_mul(MICROS));
                let query = EventQuery { from, until, tags: tags.clone(), set: TagSet::All };
                let found = match stores.events {
                    Some(events) => events.find(&query).await?,
                    None => Vec::new(),
                };
                self.points += found.len();
                EvalError::limit("points", request.limits.points, self.points)?;
                let times = found.iter().map(|event| event.told.when.div_euclid(MICROS)).collect();
                self.events.insert((wanted.clone(), *span), times);
            }
        }
        Ok(())
    }
}

/// Takes at most `most` series off what is left to read.
fn part(rest: &mut VecDeque<(Span, Vec<MetricName>)>, most: usize) -> Vec<(Span, Vec<MetricName>)> {
    let (mut taken, mut room) = (Vec::new(), most);
    while room > 0
        && let Some((span, mut names)) = rest.pop_front()
    {
        let later = names.split_off(names.len().min(room));
        room -= names.len();
        if !later.is_empty() {
            rest.push_front((span, later));
        }
        taken.push((span, names));
    }
    taken
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
