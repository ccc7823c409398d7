//! The index of names: right from the first request after a start, and when files come and go.

use std::fs;
use std::path::Path;

use crate::stack::{Plumbago, folder, now, path, wait_for};

fn found(program: &Plumbago, query: &str) -> Vec<String> {
    let answer = program.json(&format!("/metrics/expand?leavesOnly=1&query={query}"));
    answer["results"].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect()
}

fn archive(data: &Path, name: &str) -> std::path::PathBuf {
    data.join("whisper").join(name.replace('.', "/") + ".wsp")
}

#[test]
fn names_are_right_at_once_after_a_restart_whatever_the_snapshot_says() {
    let folder = folder();
    let data = folder.path().join("data");
    let up = || Plumbago::up(folder.path(), &["--no-agent"]);
    let program = up();
    for name in ["a.b.c", "a.b.gone", "a.x", "z"] {
        program.send(&format!("{name} 1 {}\n", now()));
    }
    assert_eq!(found(&program, "**"), ["a.b.c", "a.b.gone", "a.x", "z"], "before there are files");
    assert_eq!(found(&program, "a.{b,y}.c"), ["a.b.c"]);
    assert!(program.terminate().success());
    assert!(data.join("names.index").exists());

    fs::remove_file(archive(&data, "a.b.gone")).unwrap();
    fs::create_dir_all(data.join("whisper/new")).unwrap();
    fs::copy(archive(&data, "z"), archive(&data, "new.z")).unwrap();
    let program = up();
    assert_eq!(found(&program, "**"), ["a.b.c", "a.x", "new.z", "z"]);
    fs::remove_file(archive(&data, "a.x")).unwrap();
    wait_for("the name to go", || (found(&program, "a.*") == [""; 0]).then_some(()));
    program.send(&format!("a.x 2 {}\n", now()));
    wait_for("it to come again", || (found(&program, "*.x") == ["a.x"]).then_some(()));
    assert!(program.terminate().success());

    fs::write(data.join("names.index"), b"plumbago names 1 and nothing that could be meant").unwrap();
    let program = up();
    assert_eq!(found(&program, "**"), ["a.b.c", "a.x", "new.z", "z"]);
    assert!(program.terminate().success());
}

#[test]
fn a_render_of_its_own_sees_files_of_others() {
    let folder = folder();
    let data = folder.path().join("data");
    let (data_option, any) = (path(&data), "127.0.0.1:0");
    let config = folder.path().join("render.toml");
    fs::write(&config, format!("[store]\ndata = {data:?}\n[http]\nlisten = \"{any}\"\n")).unwrap();
    let render = Plumbago::start(folder.path(), &["render", "--config", path(&config)]);
    assert_eq!(found(&render, "**"), [""; 0]);
    let carbon = ["carbon", "--data", data_option, "--plaintext", any, "--max-wait", "1s"];
    let carbon = Plumbago::start(folder.path(), &carbon);
    carbon.send(&format!("a.b 1 {}\n", now()));
    wait_for("the name", || (found(&render, "a.*") == ["a.b"]).then_some(()));
    assert!(carbon.terminate().success());
    assert!(render.terminate().success());
}
