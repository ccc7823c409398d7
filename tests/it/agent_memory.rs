//! An agent whose server is away and whose plugins do all that they should not: its memory stays small.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use crate::stack::{PATIENCE, Plumbago, folder, path};

/// What the agent may have for itself: 8 MiB of lines that wait, 2 MiB each of what plugins declare and of lines of
/// streams, what runs at the same time need, and what the allocator keeps. Its program's file comes on top, so that all is
/// well below 30 MB where the agent is a program of its own.
const MOST: u64 = 22 << 20;

/// Bytes on disk after which all that could grow has grown.
const ENOUGH: u64 = 24 << 20;

/// A name of 900 letters, another one each time.
const LONG: &str = "BEGIN { x = sprintf(\"%900s\", \"\"); gsub(/ /, \"x\", x)";

/// Plugins by name, mode and program.
fn plugins() -> [(&'static str, &'static str, String); 9] {
    let awk = |program: &str| format!("exec awk '{LONG}; {program} }}'");
    let each_tick = |program: &str| awk(&format!("while ((getline l) > 0) {{ n++; {program} print \"\"; fflush() }}"));
    [
        ("names", "tick", each_tick("for (i = 0; i < 9990; i++) print \"a\" n \"_\" i x, i;")),
        (
            "counters",
            "tick",
            each_tick(
                "for (i = 0; i < 4990; i++) { c = \"c\" n \"_\" i x; print \"#type\", c, \"counter\"; print c, n }",
            ),
        ),
        ("keeps", "tick", each_tick("for (i = 0; i < 9990; i++) print \"#keep k\" n \"_\" i x, \"1 2 3 4 5 6 7 8\";")),
        ("floods", "tick", "while :; do echo a.b.c 1; done".to_owned()),
        ("endless", "tick", "exec tr '\\0' x < /dev/zero".to_owned()),
        ("streams", "stream", awk("while (1) print \"s\" i++ x, i")),
        ("yes", "stream", "exec yes 'a.b 1'".to_owned()),
        ("complains", "stream", "while :; do echo no no no >&2; done".to_owned()),
        ("again", "once", awk("srand(); r = rand(); for (i = 0; i < 9990; i++) print \"o\" r \"_\" i x, i")),
    ]
}

fn size(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.metadata().ok()).map(|metadata| metadata.len()).sum()
}

#[test]
fn an_outage_with_plugins_that_flood_takes_little_memory() {
    let folder = folder();
    let (config, data) = (folder.path().join("config"), folder.path().join("data"));
    // Nobody listens on port 1.
    let mut text =
        "[agent]\nhost = \"h\"\ninterval = \"1s\"\ndestination = \"127.0.0.1:1\"\nflush-for = \"1s\"\n".to_owned();
    for (name, mode, program) in plugins() {
        let command = format!("[\"sh\", \"-c\", {program:?}]");
        writeln!(text, "[plugin.{name}]\nmode = {mode:?}\nnice = 10\ncommand = {command}").unwrap();
    }
    fs::write(&config, text).unwrap();
    let agent = Plumbago::start(folder.path(), &["agent", "--config", path(&config), "--data", path(&data)]);
    let (until, spool) = (Instant::now() + PATIENCE, data.join("agent/spool/carbon"));
    let mut most = 0;
    while size(&spool) < ENOUGH {
        most = most.max(agent.memory());
        assert!(most < MOST, "{most} bytes with {} on disk", size(&spool));
        assert!(Instant::now() < until, "{} bytes on disk; it logged {}", size(&spool), agent.log());
        thread::sleep(Duration::from_millis(20));
    }
    for (name, _, _) in plugins().iter().filter(|(name, ..)| ["counters", "keeps", "floods", "endless"].contains(name))
    {
        assert!(agent.log().contains(&format!("plugin.{name}")), "{name} is not told of: {}", agent.log());
    }
    assert!(agent.terminate().success());
}
