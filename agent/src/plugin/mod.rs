//! Plugins: what any program says about this host, line by line.
//!
//! A plugin is a collector like the others, on the pool of those that may wait. Its run ends at its deadline whatever
//! the program does, so it delays nobody. Of what it says a line, a chunk and a part of its values are in memory at a
//! time, and what it has declared and keeps, within its share. How programs talk to us is told in `agent/plugins.md`.

mod config;
mod share;
mod user;
mod word;
mod lines;
mod notes;
mod book;
mod voice;
mod backoff;
mod launch;
mod same;
mod session;
mod end;
mod hearing;
mod tick;
mod once;
mod arrivals;
mod stream;
mod file;
mod diamond;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod diamond_tests;

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use collectors::{Built, Class, Collector, Compat, Fail, Kept, Out, Scope, Slot, Spec, Unit};
use whisper::Interval;

pub use config::{Mode, PluginConfig, Plugins};
pub use diamond::{BUILT_IN, DiamondConfig, Level as DiamondLevel};
pub(crate) use end::Living;

use self::book::{Book, Entered, Moment};
use self::launch::Launch;
pub(crate) use self::share::Share;
use self::voice::Voice;
use crate::config::seconds;

/// What a plugin has to know of the agent it belongs to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Home<'a> {
    pub(crate) host: &'a str,
    pub(crate) prefix: &'a str,
    pub(crate) interval: Interval,
    pub(crate) living: &'a Living,
    pub(crate) share: Share,
}

/// A way to get lines for a slot.
trait Source: Send {
    /// Enters what there is for `slot`.
    fn gather(&mut self, slot: Slot, page: &mut Page<'_>) -> Result<(), Fault>;

    /// Starts so far that were not the first.
    fn restarts(&self) -> u64 {
        0
    }
}

/// Where a source enters its lines in one run.
struct Page<'a> {
    book: &'a mut Book,
    voice: &'a mut Voice,
    out: &'a mut Out,
    /// Takes the values so far.
    pass: &'a mut dyn FnMut(&mut Out),
}

impl Page<'_> {
    /// Enters one line.
    fn enter(&mut self, line: &[u8], moment: impl Into<Moment>) -> Entered {
        let entered = self.book.enter(line, moment.into(), self.out, self.voice);
        if self.out.is_full() {
            (self.pass)(self.out);
        }
        entered
    }
}

/// Why a run gave less than it should.
#[derive(Debug, PartialEq, Eq)]
enum Fault {
    /// No answer in time.
    Late,
    /// Anything else, in words that are the same while it lasts.
    Other(String),
}

impl Fault {
    /// What it is called, the same as long as it lasts.
    fn words(&self) -> String {
        match self {
            Fault::Late => "the program gave no answer in time".to_owned(),
            Fault::Other(words) => words.clone(),
        }
    }
}

/// One plugin, as the schedule sees it.
struct Plugin {
    spec: Spec,
    name: String,
    source: Box<dyn Source>,
    book: Book,
    voice: Voice,
    restarts: u64,
}

impl Plugins {
    /// The plugins that are to run. Starts no process.
    ///
    /// # Errors
    /// Everything that is wrong, each with its key.
    pub(crate) fn build(&self, home: Home<'_>) -> Result<Vec<Built>, Vec<String>> {
        let problems = self.problems();
        if !problems.is_empty() {
            return Err(problems);
        }
        let enabled = self.tables.iter().filter(|(_, config)| config.enabled);
        let home = Home { share: Share::of(self), ..home };
        let built = enabled.map(|(name, config)| {
            let built = build(name, config, home, Vec::new());
            built.map_err(|fault| vec![format!("[plugin.{name}] user: {fault}")])
        });
        let diamond = Some(&self.diamond).filter(|diamond| diamond.is_on());
        let diamond =
            diamond.map(|diamond| diamond.build(home).map_err(|fault| vec![format!("[diamond] user: {fault}")]));
        built.chain(diamond).collect()
    }
}

/// Makes a plugin of settings that have passed their check; `preface` is written to its input first.
pub(crate) fn build(name: &str, config: &PluginConfig, home: Home<'_>, preface: Vec<u8>) -> Result<Built, String> {
    let interval = config.interval.and_then(seconds).unwrap_or(home.interval);
    let whole = Duration::from_secs(interval.secs().into());
    let deadline = config.deadline.map_or(whole * 4 / 5, |deadline| deadline.min(whole));
    let options = serde_json::to_string(&config.options).map_err(|error| error.to_string())?;
    let environment = vec![
        ("PLUMBAGO_HOST", home.host.to_owned()),
        ("PLUMBAGO_PREFIX", home.prefix.to_owned()),
        ("PLUMBAGO_INTERVAL", interval.to_string()),
        ("PLUMBAGO_CONFIG", options),
    ];
    let settings = Some(same::settings(config, home));
    let mut launch = Launch::new(config, environment, home.living)?;
    launch.preface = preface;
    let source: Box<dyn Source> = match config.mode {
        Mode::Tick => Box::new(tick::Tick::new(launch, interval, deadline, config.line_bytes)),
        Mode::Once => Box::new(once::Once::new(launch, deadline, config.line_bytes)),
        Mode::Stream => Box::new(stream::Stream::new(launch, interval, config.line_bytes, home.share.waiting)),
        Mode::File => Box::new(file::File::new(name, config, whole)),
    };
    let spec = Spec {
        name: interned(&format!("plugin.{name}")),
        class: Class::Slow,
        default_interval: Some(whole),
        deadline: whole,
    };
    let kept = config.kept_bytes.map_or(home.share.kept, |size| usize::try_from(size.0).unwrap_or(usize::MAX));
    let (book, voice) = (Book::new(name, config.lines, kept), Voice::new(name));
    let plugin = Plugin { spec, name: name.to_owned(), source, book, voice, restarts: 0 };
    Ok(Built { collector: Box::new(plugin), interval: Some(whole), compat: Compat::Native, settings })
}

impl Collector for Plugin {
    fn spec(&self) -> Spec {
        self.spec
    }

    fn keep(&self, kept: &mut Kept) {
        self.book.kept.keep(kept);
    }

    fn recall(&mut self, kept: &Kept) {
        self.book.recall(kept);
    }

    fn run(&mut self, slot: Slot, out: &mut Out) -> Result<(), Fail> {
        self.run_in_parts(slot, out, &mut |_| {})
    }

    fn run_in_parts(&mut self, slot: Slot, out: &mut Out, pass: &mut dyn FnMut(&mut Out)) -> Result<(), Fail> {
        let begun = Instant::now();
        self.book.begin();
        let mut page = Page { book: &mut self.book, voice: &mut self.voice, out, pass };
        let result = self.source.gather(slot, &mut page);
        let took = begun.elapsed();
        self.tell(out, slot, took, &result);
        let trouble = self.book.trouble();
        match (result, trouble) {
            (Err(fault), _) => Err(Fail::Program { fault: fault.words() }),
            (Ok(()), Some(trouble)) => Err(Fail::Program { fault: trouble.to_owned() }),
            (Ok(()), None) => Ok(()),
        }
    }
}

impl Plugin {
    /// Publishes how the run went, as `agent.plugin.NAME.*`.
    fn tell(&mut self, out: &mut Out, slot: Slot, took: Duration, result: &Result<(), Fault>) {
        out.scope(Scope::Host);
        out.measured_at(slot.monotonic);
        let late = *result == Err(Fault::Late);
        let restarts = self.source.restarts();
        let mut gauge = |what: &str, value: f64| {
            out.gauge(&["agent", "plugin", &self.name, what], value);
        };
        gauge("up", f64::from(u8::from(result.is_ok())));
        gauge("points", self.book.points() as f64);
        gauge("errors", (self.book.bad() + usize::from(result.is_err() && !late)) as f64);
        gauge("overruns", f64::from(u8::from(late)));
        gauge("restarts", (restarts - self.restarts) as f64);
        self.restarts = restarts;
        let run_ms = out.gauge(&["agent", "plugin", &self.name, "run_ms"], took.as_micros() as f64 / 1000.0);
        run_ms.decimals(3).unit(Unit::Milliseconds);
    }
}

/// `name` for as long as the program runs. Costs memory once for each name that ever stood in a configuration.
fn interned(name: &str) -> &'static str {
    static NAMES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    // A set is never half changed.
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = names.get(name) {
        return known;
    }
    let name: &'static str = Box::leak(name.into());
    names.insert(name);
    name
}
