//! The real Python whisper reads what our daemon wrote, and we serve what it wrote.

use std::path::Path;
use std::process::Command;

use golden::peer;

use crate::stack::{Plumbago, folder, now, path, run, wait_for};

/// Runs a Python program that imports whisper and gives what it prints.
fn python(program: &str, arguments: &[&str]) -> String {
    let done = Command::new("python3").arg("-c").arg(program).args(arguments).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap().trim().to_owned()
}

fn is_here() -> bool {
    // A folder named `whisper` can be imported, too; only the real one can update.
    let asked = Command::new("python3").args(["-c", "import whisper; whisper.update_many"]).output();
    let here = asked.is_ok_and(|done| done.status.success());
    if !here {
        peer::skip("whisper", "python3 cannot import whisper; install it with `pip install whisper==1.1.10`");
    }
    here
}

const READ: &str = "import sys, whisper
info, values = whisper.fetch(sys.argv[1], int(sys.argv[2]))
print([v for v in values if v is not None])";

const WRITE: &str = "import sys, whisper
whisper.create(sys.argv[1], [(60, 1440), (300, 1000)])
whisper.update_many(sys.argv[1], [(int(sys.argv[2]) - 60 * i, float(i)) for i in range(1, 6)])";

#[test]
fn python_reads_a_file_of_the_daemon() {
    if !is_here() {
        return;
    }
    let folder = folder();
    let plumbago = Plumbago::up(folder.path(), &["--no-agent"]);
    let end = now() / 5 * 5;
    let lines: String = (0..4).map(|i| format!("from.us {i}.25 {}\n", end - 15 + 5 * i)).collect();
    plumbago.send(&lines);
    assert!(plumbago.terminate().success());
    let file = folder.path().join("data/whisper/from/us.wsp");
    assert_eq!(python(READ, &[path(&file), &(end - 60).to_string()]), "[0.25, 1.25, 2.25, 3.25]");
}

#[test]
fn a_file_of_python_is_served() {
    if !is_here() {
        return;
    }
    let folder = folder();
    let tree = folder.path().join("tree");
    std::fs::create_dir_all(tree.join("from")).unwrap();
    let now = now();
    python(WRITE, &[path(&tree.join(Path::new("from/python.wsp"))), &now.to_string()]);
    let plumbago = Plumbago::up(folder.path(), &["--no-agent", "--whisper", path(&tree)]);
    let values: Vec<f64> = plumbago.points("from.python").into_iter().map(|(_, value)| value).collect();
    assert_eq!(values, [5.0, 4.0, 3.0, 2.0, 1.0]);
    // We write on where Python stopped, and it reads the result.
    plumbago.send(&format!("from.python 0.5 {now}\n"));
    assert!(plumbago.terminate().success());
    let read = python(READ, &[path(&tree.join("from/python.wsp")), &(now - 600).to_string()]);
    assert_eq!(read, "[5.0, 4.0, 3.0, 2.0, 1.0, 0.5]");
}

/// What Python finds in the archive of `name` over the last minutes; nothing if there is no archive.
fn values(tree: &Path, name: &str) -> String {
    let file = tree.join(format!("{}.wsp", name.replace('.', "/")));
    if !file.exists() {
        return String::new();
    }
    python(READ, &[path(&file), &(now() - 600).to_string()])
}

#[test]
fn a_drain_brings_the_files_up_to_date_while_the_daemon_runs() {
    if !is_here() {
        return;
    }
    let folder = folder();
    let tree = folder.path().join("data/whisper");
    let plumbago = Plumbago::up(folder.path(), &["--no-agent", "--max-wait", "1h"]);
    let http = plumbago.http.clone().unwrap().replace("http://", "");
    let end = now() / 5 * 5;
    let lines = |name: &str| (0..3).map(|i| format!("{name} {i}.5 {}\n", end - 10 + 5 * i)).collect::<String>();
    plumbago.send(&(lines("wanted.a") + &lines("wanted.b") + &lines("left.c")));

    let (code, printed, errors) = run(&["carbon", "drain", "--http", &http, "wanted.*"]);
    assert_eq!((code, &*printed), (0, "flushed 6 points of 2 series\n"), "{errors}");
    for name in ["wanted.a", "wanted.b"] {
        assert_eq!(values(&tree, name), "[0.5, 1.5, 2.5]");
    }
    assert_eq!(values(&tree, "left.c"), "", "nobody asked for it");

    let (code, _, errors) = run(&["carbon", "drain", "--http", &http]);
    assert_eq!(code, 0, "{errors}");
    assert_eq!(values(&tree, "left.c"), "[0.5, 1.5, 2.5]");

    assert!(plumbago.terminate().success());
    let (code, _, errors) = run(&["carbon", "drain", "--http", &http]);
    assert!(code != 0 && errors.contains("no daemon answers"), "{errors}");
}

#[test]
fn an_offline_drain_writes_what_a_killed_daemon_left_in_its_journal() {
    if !is_here() {
        return;
    }
    let folder = folder();
    let data = folder.path().join("data");
    let plumbago = Plumbago::up(folder.path(), &["--no-agent", "--max-wait", "1h"]);
    let end = now() / 5 * 5;
    let lines: String = (0..3).map(|i| format!("from.journal {i}.5 {}\n", end - 10 + 5 * i)).collect();
    plumbago.send(&lines);
    let drain = ["carbon", "drain", "--offline", "--data", path(&data)];
    let (code, _, errors) = run(&drain);
    assert!(code != 0 && errors.contains("journal"), "a daemon is at work: {errors}");
    wait_for("the journal", || {
        plumbago.get("/metrics").text().contains("plumbago_journal_unsynced_bytes 0\n").then_some(())
    });
    plumbago.signal("-KILL");
    drop(plumbago);
    assert_eq!(values(&data.join("whisper"), "from.journal"), "");

    let (code, printed, errors) = run(&drain);
    assert_eq!(code, 0, "{errors}");
    assert!(printed.starts_with("wrote 3 points;"), "{printed}");
    assert_eq!(values(&data.join("whisper"), "from.journal"), "[0.5, 1.5, 2.5]");
    let (code, printed, _) = run(&drain);
    assert!(code == 0 && printed.starts_with("wrote 0 points;"), "nothing is left: {printed}");
}
