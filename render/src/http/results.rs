//! Answers of `/render` that are kept for a while: many look at the same dashboard at the same time.
//!
//! An answer is found by everything that was asked but its exact time. It is as old as the moment at which its evaluation
//! began, and is given as long as the client that asks for it would let it be: `cacheTimeout` seconds, else `max-age`. A
//! window that ends about now moves along, and its newest points are what people wait for; without a `cacheTimeout` its
//! answers are given for a second only. Answers with gaps where the store did not answer are not kept, nor are faults.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use foldhash::quality::FixedState;

use super::wish::Wish;

/// Share of all that one answer may take: one in so many.
const LARGEST: usize = 4;

/// What an entry takes beside its key and its body, about.
const ENTRY: usize = 256;

/// Answers by what was asked, the oldest first to go.
#[derive(Debug)]
pub(super) struct Results {
    limit: usize,
    kept: Mutex<Kept>,
    bytes: AtomicUsize,
    hits: AtomicU64,
    misses: AtomicU64,
}

#[derive(Debug, Default)]
struct Kept {
    by_key: HashMap<Arc<str>, (u64, Arc<Answer>)>,
    /// Keys as they came, numbered; an answer that was made anew has its key here twice.
    order: VecDeque<(Arc<str>, u64)>,
    number: u64,
    bytes: usize,
    /// Answers begun before are not kept any more.
    since: Option<Instant>,
}

/// An answer as it was sent.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) kind: &'static str,
    pub(super) body: Vec<Bytes>,
    pub(super) tag: Tag,
    /// When its evaluation began.
    begun: Instant,
}

impl Answer {
    fn size(&self) -> usize {
        self.body.iter().map(Bytes::len).sum()
    }

    /// How old it is.
    pub(super) fn age(&self) -> Duration {
        self.begun.elapsed()
    }
}

impl Results {
    /// Keeps `limit` bytes at most; 0 keeps nothing.
    pub(super) fn new(limit: usize) -> Results {
        let (bytes, hits, misses) = (AtomicUsize::new(0), AtomicU64::new(0), AtomicU64::new(0));
        Results { limit, kept: Mutex::default(), bytes, hits, misses }
    }

    /// An answer that is fresh enough.
    pub(super) fn get(&self, wish: &Wish) -> Option<Arc<Answer>> {
        let found = self.lock().by_key.get(&wish.key).map(|(_, answer)| answer.clone());
        let found = found.filter(|answer| answer.age() <= wish.fresh_for);
        (if found.is_some() { &self.hits } else { &self.misses }).fetch_add(1, Relaxed);
        found
    }

    /// Begins to collect an answer; nothing if none are kept.
    pub(super) fn collect(self: &Arc<Results>, wish: &Wish, kind: &'static str, begun: Instant) -> Option<Collector> {
        let room = self.limit / LARGEST;
        if room == 0 {
            return None;
        }
        Some(Collector { results: self.clone(), key: wish.key.clone(), kind, begun, body: Vec::new(), room })
    }

    fn keep(&self, key: Arc<str>, answer: Answer) {
        let mut kept = self.lock();
        if kept.since.is_some_and(|since| answer.begun <= since) {
            return;
        }
        let cost = cost(&key, &answer);
        kept.forget(&key);
        while kept.bytes + cost > self.limit {
            let Some((oldest, number)) = kept.order.pop_front() else { return };
            if kept.by_key.get(&oldest).is_some_and(|(last, _)| *last == number) {
                kept.forget(&oldest);
            }
        }
        kept.bytes += cost;
        kept.number += 1;
        let number = kept.number;
        kept.order.push_back((key.clone(), number));
        kept.by_key.insert(key, (number, Arc::new(answer)));
        // Keys of answers that were made anew are passed over above only once they are the oldest.
        if kept.order.len() > 2 * kept.by_key.len() + 64 {
            let Kept { by_key, order, .. } = &mut *kept;
            order.retain(|(key, number)| by_key.get(key).is_some_and(|(last, _)| last == number));
        }
        self.bytes.store(kept.bytes, Relaxed);
    }

    /// Forgets all answers, and those that are being made: series were changed, and whoever did it wants to see it.
    pub(super) fn clear(&self) {
        let mut kept = self.lock();
        *kept = Kept { number: kept.number, since: Some(Instant::now()), ..Kept::default() };
        self.bytes.store(0, Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        // Nothing in between can panic and leave a half.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers given again, answers that had to be made, and bytes held.
    pub(super) fn numbers(&self) -> (u64, u64, usize) {
        (self.hits.load(Relaxed), self.misses.load(Relaxed), self.bytes.load(Relaxed))
    }
}

impl Kept {
    fn forget(&mut self, key: &str) {
        if let Some((_, answer)) = self.by_key.remove(key) {
            self.bytes -= cost(key, &answer);
        }
    }
}

fn cost(key: &str, answer: &Answer) -> usize {
    key.len() + answer.size() + ENTRY
}

/// Takes an answer's pieces as they are sent, and keeps the answer once all are there.
#[derive(Debug)]
pub(super) struct Collector {
    results: Arc<Results>,
    key: Arc<str>,
    kind: &'static str,
    begun: Instant,
    body: Vec<Bytes>,
    room: usize,
}

impl Collector {
    /// One more piece; `None` once there are too many bytes, and the answer will not be kept.
    pub(super) fn take(mut self, piece: &Bytes) -> Option<Collector> {
        self.room = self.room.checked_sub(piece.len())?;
        self.body.push(piece.clone());
        Some(self)
    }

    /// All pieces are there.
    pub(super) fn finish(self) {
        let tag = Tag::of(self.kind, &self.body);
        let answer = Answer { kind: self.kind, body: self.body, tag, begun: self.begun };
        self.results.keep(self.key, answer);
    }
}

/// Tells one answer from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tag(u64);

impl Tag {
    /// The same for the same bytes in the same pieces, also in another process.
    pub(super) fn of(kind: &str, body: &[Bytes]) -> Tag {
        let mut hasher = FixedState::default().build_hasher();
        hasher.write(kind.as_bytes());
        for piece in body {
            hasher.write(piece);
        }
        Tag(hasher.finish())
    }

    /// As `ETag` has it. Weak, because compression makes other bytes of the same answer.
    pub(super) fn text(self) -> String {
        format!("W/\"{:016x}\"", self.0)
    }

    /// Whether a client that says `If-None-Match: header` has this one.
    pub(super) fn is_in(self, header: &str) -> bool {
        let strong = format!("\"{:016x}\"", self.0);
        header.split(',').map(str::trim).any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == strong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(key: &str, secs: u64) -> Wish {
        Wish { key: key.into(), fresh_for: Duration::from_secs(secs) }
    }

    fn put(results: &Arc<Results>, key: &str, bytes: usize, begun: Instant) {
        let collector = results.collect(&wish(key, 60), "text/plain", begun).unwrap();
        if let Some(collector) = collector.take(&Bytes::from(vec![b'x'; bytes])) {
            collector.finish();
        }
    }

    #[test]
    fn an_answer_is_given_while_it_is_fresh() {
        let results = Arc::new(Results::new(100_000));
        let now = Instant::now();
        assert!(results.get(&wish("a", 60)).is_none());
        put(&results, "a", 10, now.checked_sub(Duration::from_secs(10)).unwrap());
        assert!(results.get(&wish("a", 5)).is_none(), "the one who asks says how old it may be");
        assert!(results.get(&wish("a", 60)).is_some_and(|answer| answer.age() >= Duration::from_secs(10)));
        assert!(results.get(&wish("b", 60)).is_none());
        put(&results, "a", 20, now);
        assert_eq!(results.get(&wish("a", 60)).unwrap().size(), 20);
        assert_eq!(results.numbers(), (2, 3, 20 + 1 + ENTRY));
    }

    #[test]
    fn bytes_are_bounded_and_the_oldest_goes() {
        let results = Arc::new(Results::new(4_000));
        let now = Instant::now();
        put(&results, "too large", 1_001, now);
        assert!(results.get(&wish("too large", 60)).is_none());
        for key in ["a", "b", "c", "d"] {
            put(&results, key, 900, now);
        }
        assert!(results.get(&wish("a", 60)).is_none() && results.get(&wish("b", 60)).is_some());
        for turn in 0..1_000 {
            put(&results, "d", turn % 900, now);
        }
        assert!(results.numbers().2 <= 4_000 && results.lock().order.len() < 100);
        assert!(results.get(&wish("b", 60)).is_some(), "an answer made anew takes nobody's place");
        assert!(
            Results::new(0).lock().by_key.is_empty()
                && Arc::new(Results::new(0)).collect(&wish("a", 1), "", now).is_none()
        );
    }

    #[test]
    fn what_was_begun_before_a_change_is_not_given_after_it() {
        let results = Arc::new(Results::new(100_000));
        let before = Instant::now();
        put(&results, "a", 10, before);
        results.clear();
        assert!(results.get(&wish("a", 60)).is_none() && results.numbers().2 == 0);
        put(&results, "b", 10, before);
        assert!(results.get(&wish("b", 60)).is_none(), "it was being made");
        put(&results, "c", 10, Instant::now() + Duration::from_secs(1));
        assert!(results.get(&wish("c", 60)).is_some());
    }

    #[test]
    fn a_tag_is_found_in_a_list() {
        let tag = Tag::of("text/plain", &[Bytes::from_static(b"body")]);
        let text = tag.text();
        assert!(tag.is_in(&text) && tag.is_in("*") && tag.is_in(&format!("\"x\", {}", &text[2..])));
        assert!(!tag.is_in("\"x\"") && !tag.is_in(""));
        assert_ne!(tag, Tag::of("text/html", &[Bytes::from_static(b"body")]));
    }
}
