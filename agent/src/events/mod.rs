//! Changes that collectors tell of, posted to the server's list of events, and questions of collectors to that server.
//!
//! One thread does both, so that no run ever waits for a post. It is there only when there is a server to talk to.

mod server;

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use collectors::{Change, Ears, Heard};
use tracing::{info, warn};
use whisper::Timestamp;

pub(crate) use self::server::fault;
use self::server::{Outcome, Server};

/// Changes and questions that wait for the thread. Beyond, a change is lost and logged.
const MOST_WAITING: usize = 256;

/// Changes kept while the server is away; the oldest go first.
const MOST_KEPT: usize = 1000;

/// First and longest pause between two attempts to post.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// The server that the agent's values end up on. Knows none before [`open`](Upstream::open).
#[derive(Clone, Debug, Default)]
pub struct Upstream(Arc<Mutex<Option<SyncSender<Work>>>>);

impl PartialEq for Upstream {
    /// All are alike: settings do not differ by what became of them.
    fn eq(&self, _: &Upstream) -> bool {
        true
    }
}

/// What the thread is given.
#[derive(Debug)]
enum Work {
    Post(Post),
    Ask { pattern: String, patience: Duration, reply: SyncSender<Option<Vec<Heard>>> },
}

/// A change with its moment.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Post {
    pub(crate) change: Change,
    pub(crate) when: Timestamp,
}

impl Upstream {
    /// Talks to the server whose events are taken at `url` from now on, unless it already talks to one.
    pub fn open(&self, url: &str) {
        let mut sender = self.lock();
        if sender.is_some() {
            return;
        }
        let server = match Server::at(url) {
            Ok(server) => server,
            Err(fault) => return warn!(url, "Changes are not posted: {fault}."),
        };
        let (outbox, inbox) = sync_channel(MOST_WAITING);
        let worker = Worker { server, inbox, kept: VecDeque::new(), pause: None };
        match thread::Builder::new().name("events".to_owned()).spawn(move || worker.run()) {
            Ok(_) => *sender = Some(outbox),
            Err(error) => warn!("Changes are not posted, the system gives no thread: {error}."),
        }
    }

    /// Queues `change`; without a server it is forgotten.
    pub(crate) fn post(&self, change: Change, when: Timestamp) {
        let Some(sender) = self.lock().clone() else { return };
        if let Err(TrySendError::Full(Work::Post(post))) = sender.try_send(Work::Post(Post { change, when })) {
            warn!(what = post.change.what, "A change is lost, too many wait to be posted.");
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<SyncSender<Work>>> {
        // Nothing inside can panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ears for Upstream {
    fn last(&self, pattern: &str, patience: Duration) -> Option<Vec<Heard>> {
        let sender = self.lock().clone()?;
        let (reply, answer) = sync_channel(1);
        sender.try_send(Work::Ask { pattern: pattern.to_owned(), patience, reply }).ok()?;
        answer.recv_timeout(patience).ok().flatten()
    }
}

/// The thread.
struct Worker {
    server: Server,
    inbox: Receiver<Work>,
    kept: VecDeque<Post>,
    /// The pause that was made last, and when it ends.
    pause: Option<(Duration, Instant)>,
}

impl Worker {
    fn run(mut self) {
        loop {
            let work = if self.kept.is_empty() {
                self.inbox.recv().map_err(|_| RecvTimeoutError::Disconnected)
            } else {
                let until = self.pause.map_or_else(Instant::now, |(_, until)| until);
                self.inbox.recv_timeout(until.saturating_duration_since(Instant::now()))
            };
            match work {
                Ok(Work::Post(post)) => self.keep(post),
                Ok(Work::Ask { pattern, patience, reply }) => {
                    // Who asked may have given up.
                    let _ = reply.try_send(self.server.last(&pattern, patience));
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            if self.pause.is_none_or(|(_, until)| Instant::now() >= until) {
                self.deliver();
            }
        }
    }

    fn keep(&mut self, post: Post) {
        if self.kept.len() == MOST_KEPT
            && let Some(oldest) = self.kept.pop_front()
        {
            warn!(what = oldest.change.what, "A change is lost, the server of events has been away for too long.");
        }
        self.kept.push_back(post);
    }

    /// Posts the oldest change that is kept.
    fn deliver(&mut self) {
        let Some(post) = self.kept.front() else { return };
        match self.server.post(post) {
            Outcome::Taken => {
                if self.pause.take().is_some() {
                    info!(server = %self.server, "Changes are posted again.");
                }
            }
            Outcome::Refused(answer) => {
                warn!(server = %self.server, what = post.change.what, "A change is refused: {answer}.");
                self.pause = None;
            }
            Outcome::Away(fault) => {
                if self.pause.is_none() {
                    warn!(server = %self.server, "Changes wait, the server of events is away: {fault}.");
                }
                let pause = self.pause.map_or(PAUSES.0, |(pause, _)| (pause * 2).min(PAUSES.1));
                self.pause = Some((pause, Instant::now() + pause));
                return;
            }
        }
        self.kept.pop_front();
    }
}

#[cfg(test)]
mod tests;
