use std::sync::Arc;

use collectors::{Class, Collector, Fail, Out, Slot, Spec};
use proptest::prelude::*;
use whisper::Timestamp;

use super::*;
use crate::naming::Naming;

/// A counter that moves 5 a second, and a place in a file.
struct Counting {
    place: u64,
}

impl Collector for Counting {
    fn spec(&self) -> Spec {
        Spec { name: "counting", class: Class::Fast, default_interval: None, deadline: Duration::from_secs(1) }
    }

    fn run(&mut self, slot: Slot, out: &mut Out) -> Result<(), Fail> {
        let secs = slot.monotonic.as_secs();
        out.counter(&["c"], 5 * secs, Bits::B32);
        out.total(&["t"], 0.5 * secs as f64).decimals(1);
        out.avg(&["a"], secs as f64, secs);
        out.gauge(&["place"], self.place as f64);
        self.place += 1;
        Ok(())
    }

    fn keep(&self, kept: &mut Kept) {
        kept.add("a file", None, vec![self.place]);
        kept.add("a\nbreak", None, vec![1]);
    }

    fn recall(&mut self, kept: &Kept) {
        if let Some([place]) = kept.rows().first().map(|row| row.numbers.as_slice()) {
            self.place = *place;
        }
    }
}

fn job() -> Job {
    Job::new(Box::new(Counting { place: 0 }), Arc::new(Naming::new("", "h")))
}

fn run(job: &mut Job, secs: u64) -> String {
    let mut lines = String::new();
    let slot = Slot { time: Timestamp::from_secs(0), monotonic: Duration::from_secs(secs) };
    job.run(slot, &mut String::new(), |part| lines.push_str(part));
    lines
}

fn text_of(job: &Job, boot: &str) -> String {
    let mut text = String::new();
    begin(Some(boot), 7, &mut text);
    append(job, &mut text);
    end(&mut text);
    text
}

/// `text` with the last line that belongs to it.
fn sealed(text: &str) -> String {
    let (body, _) = text.trim_end().rsplit_once('\n').unwrap_or_default();
    let mut text = format!("{body}\n");
    end(&mut text);
    text
}

/// What a job sends at `secs` that was started with `text`.
fn restarted(text: &str, boot: &str, secs: u64) -> String {
    let mut job = job();
    let mut remembered = Remembered::parse(text, Some(boot)).unwrap();
    remembered.give(&mut job, Duration::from_secs(10), Duration::from_secs(secs));
    run(&mut job, secs)
}

#[test]
fn a_restart_makes_no_gap_and_rates_are_over_the_time_that_passed() {
    let mut first = job();
    assert_eq!(run(&mut first, 100), "h.place 0 0\n");
    let text = text_of(&first, "b");
    let expected = "h.c 5 0\nh.t 0.5 0\nh.a.rate 1 0\nh.a.avg 1 0\nh.place 1 0\n";
    assert_eq!(restarted(&text, "b", 110), expected);
    assert_eq!(restarted(&text, "b", 337), expected, "the time without us counts");
}

#[test]
fn after_a_reboot_or_long_after_only_what_holds_for_good_is_used() {
    let mut first = job();
    run(&mut first, 100);
    let text = text_of(&first, "b");
    assert_eq!(restarted(&text, "another", 110), "h.place 1 0\n");
    assert_eq!(restarted(&text, "b", 401), "h.place 1 0\n");
    assert_eq!(restarted(&text, "b", 99), "h.place 1 0\n", "a reading from the future is none");
}

#[test]
fn a_damaged_file_is_refused_whole() {
    let mut first = job();
    run(&mut first, 100);
    let text = text_of(&first, "b");
    for cut in 0..text.len() - 1 {
        assert!(Remembered::parse(&text[..cut], Some("b")).is_err(), "{}", &text[..cut]);
    }
    assert!(Remembered::parse(&text.replace("c 32 500", "c 32 501"), Some("b")).is_err());
    let changed = |from, to| Remembered::parse(&sealed(&text.replace(from, to)), Some("b"));
    assert_eq!(changed("", "").unwrap().number, 7);
    assert!(changed("readings 2", "readings 3").is_err());
    assert!(changed("b 7", "b").is_err());
    assert!(changed("c 32", "c many").is_ok());
    assert!(changed("c 32 500", "c 32 -500").is_err());
}

#[test]
fn a_job_that_is_replaced_goes_on() {
    let mut first = job();
    run(&mut first, 100);
    let mut second = job();
    second.inherit(first);
    assert_eq!(run(&mut second, 110).lines().next(), Some("h.c 5 0"));
}

proptest! {
    #[test]
    fn no_text_is_too_strange(text in "(plumbago-readings 2 b 1\n)?((collector|c|t|a|k|end) ?|[0-9a-f-]{1,20} ?|,|\n){0,40}") {
        let _ = Remembered::parse(&text, Some("b"));
        let _ = Remembered::parse(&sealed(&format!("{text}\nend\n")), Some("b"));
    }
}
