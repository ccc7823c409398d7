//! A service manager opens the sockets, as systemd does; here Python does.

use std::io::Write;
use std::net::{TcpStream, UdpSocket};
use std::os::unix::net::UnixStream;
use std::process::Command;

use golden::peer;

use crate::stack::{Plumbago, folder, now, path, program, wait_for};

/// Opens one socket of each kind and becomes the program, which finds them at descriptors 3 and up.
const MANAGER: &str = r#"
import os, socket, sys
folder, program, *arguments = sys.argv[1:]
sockets = []
for name in ("plaintext", "pickle", "http"):
    listening = socket.create_server(("127.0.0.1", 0))
    sockets.append((name, listening))
datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
datagrams.bind(("127.0.0.1", 0))
sockets.append(("plumbago.socket", datagrams))
local = socket.socket(socket.AF_UNIX)
local.bind(folder + "/line.sock")
local.listen()
sockets.append(("unix", local))
high = [os.dup2(s.fileno(), 50 + n) for n, (_, s) in enumerate(sockets)]
for n, fd in enumerate(high):
    os.dup2(fd, 3 + n)
    os.close(fd)
os.environ.update(LISTEN_FDS=str(len(sockets)), LISTEN_PID=str(os.getpid()), LISTEN_FDNAMES=":".join(name for name, _ in sockets))
os.execv(program, [program] + arguments)
"#;

#[test]
fn sockets_of_a_service_manager_take_the_place_of_addresses() {
    if Command::new("python3").arg("--version").output().is_err() {
        return peer::skip("python3", "no python3 is installed");
    }
    let folder = folder();
    let mut manager = Command::new("python3");
    manager.args(["-c", MANAGER, path(folder.path())]).arg(program().get_program());
    let data = folder.path().join("data");
    let plumbago = Plumbago::start_as(manager, folder.path(), &["carbon", "--data", path(&data), "--max-wait", "1s"]);
    let announced = |name: &str| {
        let line = plumbago.printed.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().to_owned()
    };
    let line = |name: &str| format!("{name} 1 {}\n", now()).into_bytes();
    TcpStream::connect(announced("plaintext")).unwrap().write_all(&line("a.tcp")).unwrap();
    UdpSocket::bind("127.0.0.1:0").unwrap().send_to(&line("a.udp"), announced("udp")).unwrap();
    UnixStream::connect(announced("unix")).unwrap().write_all(&line("a.unix")).unwrap();
    TcpStream::connect(announced("pickle")).unwrap();
    wait_for("three files", || {
        ["tcp", "udp", "unix"].iter().all(|name| data.join(format!("whisper/a/{name}.wsp")).exists()).then_some(())
    });
    assert_eq!(plumbago.get("/health").status, 200);
    assert!(plumbago.terminate().success());
    assert!(folder.path().join("line.sock").exists(), "the path belongs to the manager");
}
