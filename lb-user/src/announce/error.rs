use std::io;
use std::path::PathBuf;

/// Why a VIP is not announced, or not withdrawn.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file for BIRD cannot be written.
    #[error("{}: cannot write BIRD's routes: {source}; set announce: file to a file that the agent may write", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// BIRD cannot be asked.
    #[error("{}: BIRD does not answer: {source}; is it running, and is announce: socket its control socket?", path.display())]
    Bird {
        /// Its socket.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// BIRD does not take its configuration.
    #[error("BIRD has refused its configuration: {0}; see it with `birdc configure check`")]
    Refused(String),
    /// ExaBGP does not read its pipe.
    #[error("{}: ExaBGP does not take commands: {source}; is it running, with exabgp.api.pipename, and is announce: pipe its pipe?", path.display())]
    ExaBgp {
        /// Its pipe.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A program cannot be run.
    #[error("{program}: cannot be run: {source}; is it installed, and may the agent run it?")]
    Run {
        /// The program.
        program: String,
        /// Why.
        source: io::Error,
    },
    /// A program has failed.
    #[error("{program}: {reason}")]
    Failed {
        /// The program.
        program: String,
        /// How it ended, and the last that it said.
        reason: String,
    },
    /// Something takes too long.
    #[error("{0}: no answer within 10 seconds")]
    Slow(String),
    /// An interface does not take the VIP.
    #[error(
        "interface {interface}: {what}: {source}; the agent needs CAP_NET_ADMIN and CAP_NET_RAW for announce: by = \"l2\""
    )]
    Interface {
        /// The interface.
        interface: String,
        /// What does not work.
        what: &'static str,
        /// Why.
        source: io::Error,
    },
}
