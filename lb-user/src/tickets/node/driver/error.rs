use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

/// So much of what a program said is shown, in characters.
const SHOWN: usize = 500;

/// Why a server does not use the keys that its files have. None of them shows anything of a key.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A program cannot be run.
    #[error("`{program}` cannot be run: {source}; is it installed?")]
    Run {
        /// The program and its arguments.
        program: String,
        /// Why.
        source: io::Error,
    },
    /// A program has failed.
    #[error("`{program}` failed with {status}: {said}")]
    Failed {
        /// The program and its arguments.
        program: String,
        /// How it ended.
        status: ExitStatus,
        /// What it said.
        said: String,
    },
    /// The server takes too long.
    #[error("{server} was not done within {}: see what it logs, or give it more time with `timeout`", humantime::format_duration(*.after))]
    Slow {
        /// What it is called in the configuration.
        server: &'static str,
        /// How long it was waited for.
        after: Duration,
    },
    /// There is no server that could be told.
    #[error("{path}: {reason}; is {server} running, and is `pid-file` its file?", path = .path.display())]
    Pid {
        /// The server's file.
        path: PathBuf,
        /// The server.
        server: &'static str,
        /// What is wrong with the file.
        reason: String,
    },
    /// Processes cannot be looked at, or signalled.
    #[error("{server}, process {pid}: {reason}; run this as root, and where the processes of {server} can be seen")]
    Process {
        /// The server.
        server: &'static str,
        /// Its master process.
        pid: i32,
        /// What does not work.
        reason: String,
    },
    /// HAProxy cannot be asked.
    #[error(
        "{path}: HAProxy does not answer: {source}; is it running, and is this its `stats socket`? It reads the file of keys when it starts",
        path = .path.display()
    )]
    Socket {
        /// Its socket.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// HAProxy does not have a file of keys with this name.
    #[error("HAProxy does not use {file}: write `tls-ticket-keys {file}` on its `bind` line, word by word", file = .0.display())]
    NotUsed(PathBuf),
    /// HAProxy does not take a key.
    #[error("{path}: HAProxy refuses `set ssl tls-key`: give its `stats socket` the level admin", path = .0.display())]
    Refused(PathBuf),
    /// HAProxy has other keys than it was given.
    #[error("{path}: HAProxy has other keys than it was given; does somebody else set them?", path = .0.display())]
    OtherKeys(PathBuf),
}

impl Error {
    /// A program has failed that said this. Its lines are shown as one, without what terminals would act upon.
    pub(super) fn failed(program: String, status: ExitStatus, said: &[u8]) -> Self {
        let text = String::from_utf8_lossy(said);
        let lines: Vec<_> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let visible = |c: char| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c };
        Self::Failed { program, status, said: lines.join(" / ").chars().map(visible).take(SHOWN).collect() }
    }
}
