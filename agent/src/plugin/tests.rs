//! Real programs, good and bad ones, as `sh` scripts.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use collectors::{Built, Slot};
use whisper::{Interval, Timestamp};

use super::{Home, Living, Plugins, Share, build};
use crate::job::{Job, State};
use crate::naming::Naming;
use crate::rate::Rates;

const BEGIN: u32 = 1_700_000_000;
const LONG: Duration = Duration::from_secs(30);

pub(super) struct Bench {
    job: Job,
    living: Living,
    slot: u32,
}

impl Bench {
    /// A plugin with these settings, and `script` as its program if there is one.
    #[track_caller]
    fn new(settings: &str, script: &str) -> Bench {
        let text = match script {
            "" => format!("[p]\n{settings}"),
            script => format!("[p]\ncommand = [\"/bin/sh\", \"-c\", {}]\n{settings}", toml::Value::from(script)),
        };
        let plugins: Plugins = toml::from_str(&text).unwrap();
        assert_eq!(plugins.problems(), Vec::<String>::new());
        let living = plugins.living.clone();
        let home = Home {
            host: "h",
            prefix: "servers",
            interval: Interval::from_secs(60).unwrap(),
            living: &living,
            share: Share::default(),
        };
        let built = build("p", &plugins.tables["p"], home, Vec::new()).unwrap();
        Bench::of(built, living)
    }

    /// One that is built already, by an agent that keeps `living`.
    pub(super) fn of(built: Built, living: Living) -> Bench {
        let job = Job::new(built.collector, Arc::new(Naming::new("servers", "h")));
        Bench { job, living, slot: BEGIN }
    }

    /// Remembers what `before` did.
    pub(super) fn follow(&mut self, before: &Bench) {
        let (_, kept) = before.job.memory();
        self.job.recall(Rates::default(), &kept);
    }

    /// Runs the next slot, a minute later. Gives the lines, and whether it failed.
    pub(super) fn run(&mut self) -> (String, bool) {
        let mut lines = String::new();
        self.slot += 60;
        let slot =
            Slot { time: Timestamp::from_secs(self.slot), monotonic: Duration::from_secs((self.slot - BEGIN).into()) };
        let report = self.job.run(slot, &mut String::new(), |part| lines.push_str(part));
        (lines, report.state == State::Fails)
    }

    /// What the next slot gives, but for what the agent says about the plugin.
    fn values(&mut self) -> Vec<String> {
        self.run().0.lines().filter(|line| !line.contains(".agent.plugin.")).map(str::to_owned).collect()
    }

    /// Runs slots until one says `what`.
    #[track_caller]
    pub(super) fn run_until(&mut self, what: &str) -> String {
        let until = Instant::now() + LONG;
        loop {
            let (lines, _) = self.run();
            if lines.contains(what) {
                return lines;
            }
            assert!(Instant::now() < until, "{what:?} never came: {lines}");
        }
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.living.end_all();
    }
}

/// Answers each tick with its number and what the tick said.
const COUNTS: &str =
    "n=0; while read word time step; do n=$((n+1)); echo count.$word $n; echo step $step $time; echo; done";

#[test]
fn a_program_is_asked_at_each_slot_and_stays() {
    let mut bench = Bench::new("", COUNTS);
    assert_eq!(bench.values(), ["servers.h.p.count.tick 1 1700000060", "servers.h.p.step 60 1700000060"]);
    let (lines, failed) = bench.run();
    assert!(lines.starts_with("servers.h.p.count.tick 2 1700000120\n"), "{lines}");
    for line in ["up 1 ", "points 2 ", "errors 0 ", "overruns 0 ", "restarts 0 ", "run_ms "] {
        assert!(lines.contains(&format!("servers.h.agent.plugin.p.{line}")), "{line} is not in {lines}");
    }
    assert!(!failed);
}

#[test]
fn echo_is_a_plugin_in_every_mode() {
    for mode in ["tick", "once"] {
        let mut bench = Bench::new(&format!("mode = {mode:?}"), "echo a.b 1");
        assert_eq!(bench.values(), ["servers.h.p.a.b 1 1700000060"]);
        assert_eq!(bench.values(), ["servers.h.p.a.b 1 1700000120"]);
    }
}

#[test]
fn a_program_finds_where_it_is_in_its_environment() {
    let script = "echo $PLUMBAGO_PREFIX.$PLUMBAGO_HOST.$PLUMBAGO_INTERVAL 1; echo \"#log info $PLUMBAGO_CONFIG\"; \
        test \"$PLUMBAGO_CONFIG\" = '{\"a\":[1,\"b\"]}'";
    let mut bench = Bench::new("mode = \"once\"\noptions = { a = [1, \"b\"] }", script);
    let (lines, failed) = bench.run();
    assert!(lines.contains("servers.h.p.servers.h.60 1 "), "{lines}");
    assert!(!failed);
}

#[test]
fn a_declared_counter_becomes_a_rate_over_the_time_of_its_lines() {
    let script = "echo '#type c counter'; while read w t i; do echo c $((t * 3)) $t; echo; done";
    let mut bench = Bench::new("", script);
    assert_eq!(bench.values(), Vec::<String>::new());
    assert_eq!(bench.values(), ["servers.h.p.c 3 1700000120"]);
}

#[test]
fn a_late_answer_is_taken_with_its_own_slot_and_nobody_waits_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let gate = folder.path().join("gate");
    let script = format!(
        "read w t i; while ! test -e {gate}; do sleep 0.01; done; echo a 1; echo; while read w t i; do echo a 2; echo; done",
        gate = gate.display()
    );
    let mut bench = Bench::new("deadline = \"50ms\"", &script);
    let (lines, failed) = bench.run();
    assert!(failed && lines.contains("overruns 1 ") && lines.contains("up 0 "), "{lines}");
    bench.run();
    fs::write(gate, "").unwrap();
    let lines = bench.run_until("servers.h.p.a 1 ");
    assert!(lines.contains("servers.h.p.a 1 1700000060\n"), "{lines}");
    bench.run_until("servers.h.p.a 2 ");
}

#[test]
fn what_a_program_keeps_is_told_to_its_next_start() {
    let script = "n=0; while read -r a b c; do case $a in keep) n=$c ;; *) n=$((n + 1)); \
        echo \"#keep n $n\"; echo v $n; echo ;; esac; done";
    let mut first = Bench::new("", script);
    assert_eq!(first.values(), ["servers.h.p.v 1 1700000060"]);
    assert_eq!(first.values(), ["servers.h.p.v 2 1700000120"]);
    let mut second = Bench::new("", script);
    second.follow(&first);
    assert_eq!(second.values(), ["servers.h.p.v 3 1700000060"]);
}

#[test]
fn one_that_never_answers_is_started_anew() {
    let mut bench = Bench::new("deadline = \"1ms\"", "exec sleep 1000");
    let lines = bench.run_until("restarts 1 ");
    assert!(lines.contains("up 0 "), "{lines}");
    for _ in 0..30 {
        bench.run();
        // Also while it is not started again yet.
        assert_eq!(bench.job.failing(), Some("the program gave no answer in time"));
    }
}

#[test]
fn one_that_dies_at_once_waits_longer_each_time() {
    let mut bench = Bench::new("", "exit 3");
    let starts: usize = (0..20).filter(|_| bench.run().0.contains("restarts 1 ")).count();
    assert!(starts < 2, "a second has to go by before the first restart: {starts}");
}

#[test]
fn what_cannot_be_started_is_a_fault() {
    let mut bench = Bench::new("command = [\"/no/such/program\"]\nmode = \"once\"", "");
    assert!(bench.run().1);
}

#[test]
fn a_flood_is_stopped() {
    for script in ["yes a 1", "yes ''", "yes '#log info x'", "exec tr '\\0' x < /dev/zero", "yes ' \u{ff}x \u{1b}[31m'"]
    {
        for mode in ["tick", "once"] {
            // `yes ''` says nothing but ends of answers.
            let mut bench = Bench::new(&format!("mode = {mode:?}\nlines = 1000\ndeadline = \"20s\""), script);
            let (lines, failed) = bench.run();
            assert!(lines.len() < 60_000, "{script}: {} bytes", lines.len());
            assert!(failed || script == "yes ''", "{script} as {mode}: {lines}");
        }
    }
}

#[test]
fn half_a_line_of_one_that_ends_is_a_line() {
    let mut bench = Bench::new("mode = \"once\"", "printf 'a 1\\nb 2'");
    assert_eq!(bench.values(), ["servers.h.p.a 1 1700000060", "servers.h.p.b 2 1700000060"]);
}

#[test]
fn bad_lines_are_counted_and_the_good_ones_taken() {
    let mut bench = Bench::new(
        "mode = \"once\"\nline-bytes = 64",
        "echo 'a b c d'; echo a nan; echo b 1; head -c 100 /dev/zero; echo",
    );
    let (lines, failed) = bench.run();
    assert!(lines.contains("servers.h.p.b 1 ") && lines.contains("errors 3 ") && failed, "{lines}");
}

#[test]
fn complaints_do_not_block_and_are_no_values() {
    let mut bench = Bench::new("mode = \"once\"", "yes 'out of paper' | head -c 200000 >&2; echo a 1");
    assert_eq!(bench.values(), ["servers.h.p.a 1 1700000060"]);
}

#[test]
fn what_a_program_leaves_behind_ends_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pid");
    // The one left behind holds the output open.
    let script = format!("sleep 1000 & echo $! > {}; echo a 1", file.display());
    let mut bench = Bench::new("mode = \"once\"\ndeadline = \"20s\"", &script);
    assert_eq!(bench.values(), ["servers.h.p.a 1 1700000060"]);
    let pid = fs::read_to_string(file).unwrap();
    wait_for_end(&pid);
}

#[test]
fn a_stubborn_program_ends_with_the_agent() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pid");
    let script =
        format!("trap '' TERM; echo $$ > {}; while read w t i; do echo a 1; echo; done; sleep 1000", file.display());
    let mut bench = Bench::new("", &script);
    assert_eq!(bench.values(), ["servers.h.p.a 1 1700000060"]);
    let pid = fs::read_to_string(&file).unwrap();
    bench.living.end_all();
    wait_for_end(&pid);
}

#[test]
fn a_stream_is_taken_as_it_comes() {
    let mut bench =
        Bench::new("mode = \"stream\"", "n=0; while :; do n=$((n+1)); echo n $n 1700000000; sleep 0.01; done");
    bench.run_until("servers.h.p.n 2 1700000000\n");
    bench.run_until("servers.h.agent.plugin.p.up 1 ");
}

#[test]
fn a_stream_that_ends_is_started_again() {
    let mut bench = Bench::new("mode = \"stream\"", "echo a 1; exit 1");
    bench.run_until("restarts 1 ");
    bench.run_until("up 0 ");
}

#[test]
fn a_flooding_stream_waits_for_us() {
    let mut bench = Bench::new("mode = \"stream\"\nlines = 100", "exec yes a 1");
    let lines = bench.run_until("points 100 ");
    assert!(lines.contains("up 0 ") && lines.len() < 10_000);
}

#[test]
fn files_of_a_folder_are_read_with_their_age() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("backup", "#unit took seconds\nbackup.took 12.5\nbackup.bytes 7 1699999999");
    write(".hidden", "x 1\n");
    write("half.tmp", "y 1\n");
    let mut bench = Bench::new(&format!("mode = \"file\"\npath = {:?}", folder.path().to_str().unwrap()), "");
    let (lines, failed) = bench.run();
    assert!(lines.starts_with("servers.h.agent.plugin.p.age.backup 0 "), "{lines}");
    assert!(
        lines.contains("servers.h.p.backup.took 12.5 1700000060\nservers.h.p.backup.bytes 7 1699999999\n"),
        "{lines}"
    );
    assert!(!failed && !lines.contains(".x ") && !lines.contains(".y "), "{lines}");
    assert_eq!(bench.values(), ["servers.h.p.backup.took 12.5 1700000120"], "a point with a time is sent once");
}

#[test]
fn a_stale_file_is_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f");
    fs::write(&path, "a 1\n").unwrap();
    let old = std::time::UNIX_EPOCH + Duration::from_secs(1_600_000_000);
    fs::File::options().write(true).open(&path).unwrap().set_modified(old).unwrap();
    let mut bench = Bench::new(&format!("mode = \"file\"\npath = {:?}", path.to_str().unwrap()), "");
    let (lines, _) = bench.run();
    assert!(
        lines.contains("servers.h.agent.plugin.p.age.f 100000060 ") && !lines.contains("servers.h.p.a "),
        "{lines}"
    );
}

#[test]
fn a_pipe_or_a_missing_file_keeps_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f");
    let settings = format!("mode = \"file\"\npath = {:?}", path.to_str().unwrap());
    assert!(Bench::new(&settings, "").run().1);
    rustix::fs::mkfifoat(rustix::fs::CWD, &path, rustix::fs::Mode::RUSR).unwrap();
    assert_eq!(Bench::new(&settings, "").values(), Vec::<String>::new());
}

#[test]
#[cfg(target_os = "linux")]
fn limits_hold() {
    let script = "echo nice $(nice); echo memory $(ulimit -v)";
    let mut bench = Bench::new("mode = \"once\"\nnice = 7\nmemory = \"512MiB\"", &format!("sleep 0.2; {script}"));
    assert_eq!(bench.values(), ["servers.h.p.nice 7 1700000060", "servers.h.p.memory 524288 1700000060"]);
}

#[test]
fn another_user_can_be_had_by_root_alone() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let mut bench = Bench::new("mode = \"once\"\nuser = \"nobody\"", "echo uid $(id -u); echo groups $(id -G | wc -w)");
    let values = bench.values();
    assert!(!values[0].starts_with("servers.h.p.uid 0 "), "{values:?}");
    assert!(values[1].starts_with("servers.h.p.groups 1 "), "{values:?}");
}

#[track_caller]
fn wait_for_end(pid: &str) {
    let until = Instant::now() + LONG;
    let stat = Path::new("/proc").join(pid.trim()).join("stat");
    // A zombie that init has not reaped yet has ended.
    while fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z ")) {
        assert!(Instant::now() < until, "{pid} lives on");
        std::thread::sleep(Duration::from_millis(5));
    }
}
