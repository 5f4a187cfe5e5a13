use crate::{bpf, control, dashboard};
use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why there is no lab, or no result.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Only root may make network namespaces.
    #[error("the lab needs root: it makes network namespaces; run `sudo handoff lab`")]
    NotRoot,
    /// The name of a lab is part of file and namespace names.
    #[error("name {0:?}: use 1 to 32 lower-case letters, digits and hyphens, as lab-2")]
    Name(String),
    /// The subnet of the servers is as big as the lab gets.
    #[error("{0} back-ends: a lab has 1 to 64")]
    Backends(u8),
    /// A lab by this name is there already.
    #[error("a lab named {name} is running (process {pid}): stop it, or give this one another name with --name")]
    Running {
        /// Name of both labs.
        name: String,
        /// The process that runs the other one.
        pid: String,
    },
    /// The agent's dashboard has no login.
    #[error(transparent)]
    Dashboard(#[from] dashboard::Error),
    /// Network namespaces and links are made with programs of the system.
    #[error("{program}: not found; install the package {package}")]
    MissingProgram {
        /// The program.
        program: &'static str,
        /// What it comes with.
        package: &'static str,
    },
    /// A program of the system says no.
    #[error("`{command}` failed: {message}")]
    Command {
        /// The command, as it would be typed.
        command: String,
        /// What it says.
        message: String,
    },
    /// A network namespace cannot be entered.
    #[error("network namespace {namespace}: {source}; it may have been deleted while the lab was running")]
    Namespace {
        /// Its name.
        namespace: String,
        /// Why.
        source: io::Error,
    },
    /// A file or folder cannot be read, written, made or removed.
    #[error("{}: {source}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The report cannot be written.
    #[error("{}: cannot write the report: {source}; name a file in a folder that exists with --json", path.display())]
    Report {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The lab cannot make a certificate, or configure TLS with it.
    #[error("cannot set TLS up: {0}")]
    Tls(String),
    /// A process of the lab cannot be started or waited for.
    #[error("{process}: {source}")]
    Process {
        /// What it does for the lab.
        process: &'static str,
        /// Why.
        source: io::Error,
    },
    /// The agent ended, or is not ready in time.
    #[error("the agent {what}; it said:\n{log}")]
    Agent {
        /// What it did.
        what: String,
        /// The last lines of its log.
        log: String,
    },
    /// The agent does not answer.
    #[error("the agent does not answer: {0}")]
    Control(#[from] control::Error),
    /// A program cannot be loaded or attached, or pins cannot be made or removed.
    #[error(transparent)]
    Bpf(#[from] bpf::Error),
}

impl Error {
    /// A failure with the file or folder at `path`.
    pub(super) fn file(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }

    /// What a cryptography library has to say.
    pub(super) fn tls(error: impl fmt::Display) -> Self {
        Self::Tls(error.to_string())
    }

    /// A failure with a process that does `process` for the lab.
    pub(super) fn process(process: &'static str) -> impl FnOnce(io::Error) -> Self + Copy {
        move |source| Self::Process { process, source }
    }
}
