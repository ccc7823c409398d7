//! Many daemons asked at once from one thread: a daemon that is slow or stuck costs its own answer and nobody else's.
//!
//! A daemon itself is never asked two things at a time: it answers its socket with one thread.

use std::path::Path;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::socket::{Fault, Talk};

/// Conversations at one time.
const MOST_AT_ONCE: usize = 64;

/// Bytes that all answers on their way may take up together; beyond, the longest is given up.
const MOST_BYTES: usize = 16 << 20;

/// Whom a round talks to.
pub(super) trait Party {
    /// Where daemon `at` is asked.
    fn path(&self, at: usize) -> &Path;

    /// What daemon `at` is asked first or next; `None` when that was all.
    fn question(&mut self, at: usize) -> Option<String>;

    /// Takes what daemon `at` answered to the last question.
    fn answer(&mut self, at: usize, answer: Result<&[u8], Fault>);
}

/// Talks to `count` daemons, each until it has no more questions to answer. Each answer may take `timeout`; nothing is
/// begun after `last_call`.
pub(super) fn talk(party: &mut impl Party, count: usize, timeout: Duration, last_call: Instant) {
    let mut round = Round { party, timeout, last_call, talks: Vec::new(), spare: Vec::new() };
    let mut waiting = 0..count;
    loop {
        while round.talks.len() < MOST_AT_ONCE {
            let Some(at) = waiting.next() else { break };
            round.ask(at);
        }
        if round.talks.is_empty() {
            return;
        }
        round.wait();
    }
}

struct Round<'a, P> {
    party: &'a mut P,
    timeout: Duration,
    last_call: Instant,
    talks: Vec<(usize, Talk)>,
    /// Memory of answers that were taken.
    spare: Vec<Vec<u8>>,
}

impl<P: Party> Round<'_, P> {
    /// Asks daemon `at` until a question is on its way.
    fn ask(&mut self, at: usize) {
        while let Some(request) = self.party.question(at) {
            if Instant::now() >= self.last_call {
                self.party.answer(at, Err(Fault::Silent));
                continue;
            }
            let memory = self.spare.pop().unwrap_or_default();
            match Talk::begin(self.party.path(at), &request, self.timeout, memory) {
                Ok(talk) => return self.talks.push((at, talk)),
                Err((fault, memory)) => {
                    self.spare.push(memory);
                    self.party.answer(at, Err(fault));
                }
            }
        }
    }

    /// Waits until at least one answer goes on, and takes what is there.
    fn wait(&mut self) {
        let now = Instant::now();
        let until = self.talks.iter().map(|(_, talk)| talk.until()).min().unwrap_or(now);
        let left = Timespec::try_from(until.saturating_duration_since(now)).ok();
        let mut sockets: Vec<PollFd<'_>> =
            self.talks.iter().map(|(_, talk)| PollFd::from_borrowed_fd(talk.socket(), PollFlags::IN)).collect();
        // An interrupted wait is a short one.
        let _ = poll(&mut sockets, left.as_ref());
        let ready: Vec<bool> = sockets.iter().map(|socket| !socket.revents().is_empty()).collect();
        let now = Instant::now();
        // From the end, so that those who leave move nobody who was not looked at yet.
        for (place, ready) in ready.into_iter().enumerate().rev() {
            let (at, talk) = &mut self.talks[place];
            let at = *at;
            let ended = match ready.then(|| talk.hear()) {
                Some(Ok(true)) => Some(Ok(())),
                Some(Err(fault)) => Some(Err(fault)),
                _ if talk.until() <= now => Some(Err(Fault::Silent)),
                _ => None,
            };
            if let Some(ended) = ended {
                let (_, talk) = self.talks.swap_remove(place);
                self.party.answer(at, ended.map(|()| talk.answer()));
                self.spare.push(talk.end());
                self.ask(at);
            }
        }
        self.keep_small();
    }

    /// Gives up the longest answers while all together are too long.
    fn keep_small(&mut self) {
        self.spare.retain(|memory| memory.capacity() < 256 << 10);
        while self.talks.iter().map(|(_, talk)| talk.size()).sum::<usize>() > MOST_BYTES {
            let longest = self.talks.iter().enumerate().max_by_key(|(_, (_, talk))| talk.size());
            let Some(place) = longest.map(|(place, _)| place) else { return };
            let (at, _) = self.talks.swap_remove(place);
            let finding = "more than there is room for".to_owned();
            self.party.answer(at, Err(Fault::Garbled { expectation: "answers of 16 MiB together", finding }));
            self.ask(at);
        }
    }
}
