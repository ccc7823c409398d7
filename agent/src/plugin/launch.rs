//! How a plugin's process is started: its environment, its group, its limits.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};

use rustix::process::{Pid, setpriority_process};

use super::PluginConfig;
use super::end::{Living, Process};
use super::user::User;

/// What the program finds in its environment beside the agent's own.
type Environment = Vec<(&'static str, String)>;

/// A process that was started, with our ends of its pipes.
type Started = (Process, Option<ChildStdin>, Option<ChildStdout>, Option<ChildStderr>);

/// Everything needed to start a plugin, worked out beforehand.
#[derive(Clone, Debug)]
pub(super) struct Launch {
    command: Vec<String>,
    environment: Environment,
    user: Option<User>,
    nice: Option<i32>,
    memory: Option<u64>,
    living: Living,
    /// Is written to its input first.
    pub(super) preface: Vec<u8>,
}

impl Launch {
    /// `config` has to have passed its check.
    ///
    /// # Errors
    /// The user is not there, or cannot be changed to.
    pub(super) fn new(config: &PluginConfig, environment: Environment, living: &Living) -> Result<Launch, String> {
        let user = config.user.as_deref().map(User::find).transpose()?.flatten();
        Ok(Launch {
            command: config.command.clone(),
            environment,
            user,
            nice: config.nice,
            memory: config.memory.map(|size| size.0),
            living: living.clone(),
            preface: Vec::new(),
        })
    }

    /// What is started, for messages.
    pub(super) fn program(&self) -> &str {
        self.command.first().map_or("", String::as_str)
    }

    /// Starts the process in a group of its own, with pipes for all it says, and for its input if it is to be `asked`.
    ///
    /// Niceness and memory are limited from outside, just after the start: what the program does in its first
    /// fraction of a millisecond, it does without them.
    ///
    /// # Errors
    /// It cannot be started, or not be limited.
    pub(super) fn start(&self, asked: bool) -> io::Result<Started> {
        let mut command = Command::new(self.program());
        command.args(self.command.iter().skip(1)).envs(self.environment.iter().map(|(key, value)| (key, value)));
        command.stdin(if asked { Stdio::piped() } else { Stdio::null() });
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        if let Some(user) = self.user {
            command.gid(user.gid).uid(user.uid);
        }
        let mut child = command.spawn()?;
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let limited = self.limit(&child);
        let process = Process::new(child, &self.living);
        match limited {
            // One that has already ended needs no limits.
            Err(error) if !process.has_ended() => {
                process.kill();
                Err(error)
            }
            _ => Ok((process, stdin, stdout, stderr)),
        }
    }

    fn limit(&self, child: &Child) -> io::Result<()> {
        let pid = Pid::from_child(child);
        if let Some(nice) = self.nice {
            setpriority_process(Some(pid), nice)?;
        }
        #[cfg(target_os = "linux")]
        if let Some(bytes) = self.memory {
            use rustix::process::{Resource, Rlimit, prlimit};
            prlimit(Some(pid), Resource::As, Rlimit { current: Some(bytes), maximum: Some(bytes) })?;
        }
        Ok(())
    }
}
