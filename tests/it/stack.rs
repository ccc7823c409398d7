//! Starts the real program on free ports in a folder of its own, and talks to it as its users do.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tempfile::TempDir;

/// Nothing here should take longer, on however busy a machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(180);

/// A running `plumbago`, ended when dropped.
pub(crate) struct Plumbago {
    child: Child,
    /// Where it takes lines in, once it has said so.
    pub(crate) plaintext: Option<String>,
    /// Where it answers HTTP, once it has said so.
    pub(crate) http: Option<String>,
    /// Where it answers cache queries, once it has said so.
    pub(crate) carbonlink: Option<String>,
    /// All it printed until it was ready.
    pub(crate) printed: String,
    log: PathBuf,
}

impl Plumbago {
    /// Runs `plumbago up` with data below `folder`, on free ports, with `arguments` added.
    pub(crate) fn up(folder: &Path, arguments: &[&str]) -> Plumbago {
        let data = folder.join("data");
        let mut all = vec!["up", "--data", path(&data), "--plaintext", "127.0.0.1:0", "--http", "127.0.0.1:0"];
        all.extend(arguments);
        Plumbago::start(folder, &all)
    }

    /// Runs the program and waits until it says that it is ready.
    pub(crate) fn start(folder: &Path, arguments: &[&str]) -> Plumbago {
        Plumbago::start_as(program(), folder, arguments)
    }

    /// As [`Plumbago::start`], by way of another program that becomes ours.
    pub(crate) fn start_as(mut program: Command, folder: &Path, arguments: &[&str]) -> Plumbago {
        let log = folder.join(format!("{}.log", arguments[0]));
        let mut child = program
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(fs::File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let stdout = child.stdout.take().unwrap();
        let mut started =
            Plumbago { child, plaintext: None, http: None, carbonlink: None, printed: String::new(), log };
        started.read_until_ready(stdout);
        started
    }

    fn read_until_ready(&mut self, stdout: impl Read + Send + 'static) {
        let (sender, lines) = mpsc::sync_channel(64);
        // The reader lives as long as the program, so that the program never blocks on a full pipe.
        thread::spawn(move || {
            BufReader::new(stdout).lines().map_while(Result::ok).for_each(|line| {
                // Nobody listens any more once the program is ready.
                let _ = sender.send(line);
            })
        });
        let deadline = Instant::now() + PATIENCE;
        while let Ok(line) = lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            writeln!(self.printed, "{line}").unwrap();
            match line.split_once(' ').map(|(key, value)| (key, value.trim())) {
                Some(("plaintext", address)) => self.plaintext = Some(address.into()),
                Some(("http", address)) => self.http = Some(address.into()),
                Some(("carbonlink", address)) => self.carbonlink = Some(address.into()),
                _ if line == "ready" => return,
                _ => {}
            }
        }
        panic!("not ready; it printed {:?} and logged {}", self.printed, self.log());
    }

    /// Opens a connection for lines.
    pub(crate) fn sender(&self) -> TcpStream {
        TcpStream::connect(self.plaintext.as_ref().expect("it listens for lines")).unwrap()
    }

    /// Sends `lines` and waits until the server has read them all.
    pub(crate) fn send(&self, lines: &str) {
        let mut peer = self.sender();
        peer.write_all(lines.as_bytes()).unwrap();
        peer.shutdown(std::net::Shutdown::Write).unwrap();
        peer.set_read_timeout(Some(PATIENCE)).unwrap();
        // The server closes its side after it has taken the last line.
        assert_eq!(peer.read(&mut [0; 1]).unwrap(), 0, "carbon answers nothing");
    }

    /// GETs `path` and gives status, content type and body.
    pub(crate) fn get(&self, path: &str) -> Answer {
        let base = self.http.as_ref().expect("it answers HTTP");
        let agent: ureq::Agent =
            ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(PATIENCE)).build().into();
        let mut answer = agent.get(format!("{base}{path}")).call().unwrap();
        Answer {
            status: answer.status().as_u16(),
            kind: answer.headers().get("content-type").map_or("", |kind| kind.to_str().unwrap()).to_owned(),
            body: answer.body_mut().with_config().limit(64 << 20).read_to_vec().unwrap(),
        }
    }

    /// GETs `path` and gives the body, or nothing when there is no answer because the program is being killed.
    pub(crate) fn try_get(&self, path: &str) -> Option<Vec<u8>> {
        let base = self.http.as_ref()?;
        ureq::get(format!("{base}{path}")).call().ok()?.body_mut().read_to_vec().ok()
    }

    /// GETs `path`, which must answer with JSON.
    pub(crate) fn json(&self, path: &str) -> serde_json::Value {
        let answer = self.get(path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        serde_json::from_slice(&answer.body).unwrap_or_else(|fault| panic!("{path}: {fault} in {}", answer.text()))
    }

    /// The known points of the one series that `target` gives over the last ten minutes, as (time, value).
    pub(crate) fn points(&self, target: &str) -> Vec<(u64, f64)> {
        let answer = self.json(&format!("/render?target={target}&from=-10min&format=json"));
        let points = answer.get(0).and_then(|series| series["datapoints"].as_array().cloned()).unwrap_or_default();
        points.iter().filter_map(|point| Some((point[1].as_u64()?, point[0].as_f64()?))).collect()
    }

    /// Asks it to end as a supervisor does, and waits until it has.
    pub(crate) fn terminate(self) -> ExitStatus {
        self.signal("-TERM");
        self.ended()
    }

    /// Waits until it has ended by itself.
    pub(crate) fn ended(mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "it does not end; it logged {}", self.log());
            thread::park_timeout(Duration::from_millis(20));
        }
    }

    /// Sends a signal such as `-TERM`.
    pub(crate) fn signal(&self, signal: &str) {
        assert!(self.try_signal(signal));
    }

    /// Sends a signal; `false` when it has ended by itself.
    pub(crate) fn try_signal(&self, signal: &str) -> bool {
        let sent = Command::new("kill").args([signal, &self.child.id().to_string()]).stderr(Stdio::null()).status();
        sent.unwrap().success()
    }

    /// Bytes of memory that it has for itself now, without its program's file.
    pub(crate) fn memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
    }

    /// Whether it runs.
    pub(crate) fn is_alive(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// What it logged so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Plumbago {
    fn drop(&mut self) {
        // Fails when it has ended already, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An HTTP answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) kind: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// The program under test, not yet started.
pub(crate) fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_plumbago"))
}

/// Runs the program to its end and gives exit code, standard output and standard error.
pub(crate) fn run(arguments: &[&str]) -> (i32, String, String) {
    let done = program().args(arguments).stdin(Stdio::null()).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (done.status.code().unwrap_or(-1), text(&done.stdout), text(&done.stderr))
}

/// Asks again until `check` gives something.
#[track_caller]
pub(crate) fn wait_for<T>(what: &str, mut check: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = check() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        thread::park_timeout(Duration::from_millis(100));
    }
}

/// A folder of the test's own.
pub(crate) fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// Seconds since the epoch.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// A path as text; ours are.
pub(crate) fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}
