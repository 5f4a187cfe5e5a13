//! Servers that are a master process and its workers: the master reads files, and other workers follow.

use super::Error;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use procfs::process::{Process, all_processes};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The process of a server that reads its configuration.
pub(super) struct Master {
    server: &'static str,
    pid: i32,
}

impl Master {
    /// The one whose number is in `pid_file`. What it calls itself has one of the `titles` in it: the file of a server that was killed may
    /// have the number of anybody by now.
    pub(super) fn of(server: &'static str, pid_file: &Path, titles: &[&str]) -> Result<Self, Error> {
        let wrong = |reason: String| Error::Pid { path: pid_file.to_owned(), server, reason };
        let text = fs::read_to_string(pid_file).map_err(|error| wrong(error.to_string()))?;
        let pid = text.trim().parse().map_err(|_| wrong("there is no number in it".to_owned()))?;
        let title = Process::new(pid).ok().map(|process| title(&process)).unwrap_or_default();
        if !titles.iter().any(|part| title.contains(part)) {
            return Err(wrong(format!("process {pid} is another one")));
        }
        Ok(Self { server, pid })
    }

    /// Sends it a signal.
    pub(super) fn signal(&self, signal: Signal) -> Result<(), Error> {
        kill(Pid::from_raw(self.pid), signal).map_err(|errno| self.error(format!("it takes no signal: {errno}")))
    }

    /// The numbers of its workers, and what they call themselves.
    pub(super) fn workers(&self) -> Result<BTreeMap<i32, String>, Error> {
        let is_worker = |process: &Process| process.stat().is_ok_and(|stat| stat.ppid == self.pid);
        let all = all_processes().map_err(|error| self.error(format!("its workers cannot be seen: {error}")))?;
        // Processes come and go meanwhile.
        Ok(all.flatten().filter(is_worker).map(|process| (process.pid, title(&process))).collect())
    }

    fn error(&self, reason: String) -> Error {
        Error::Process { server: self.server, pid: self.pid, reason }
    }
}

/// What a process calls itself.
fn title(process: &Process) -> String {
    process.cmdline().unwrap_or_default().join(" ").trim_end().to_owned()
}
