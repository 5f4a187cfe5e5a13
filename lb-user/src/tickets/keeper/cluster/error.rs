use crate::tickets::Version;
use std::io;
use std::path::PathBuf;

/// What can go wrong among several agents.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// They contradict each other, or cannot be.
    #[error("agents that meet in etcd: {0}")]
    Settings(String),
    /// It does not answer, or says no.
    #[error("etcd at {endpoints}: {reason}")]
    Etcd {
        /// Where it should be.
        endpoints: String,
        /// What it says.
        reason: String,
    },
    /// Another one may lead.
    #[error("this agent does not lead any more: another one makes the keys")]
    Fenced,
    /// Agents and back-ends would refuse it.
    #[error("the ring is {version}, and {published} is published already")]
    Behind {
        /// That of the ring.
        version: Version,
        /// The published one.
        published: Version,
    },
    /// The cryptography library refuses, or there are no random bytes.
    #[error("cannot seal a ring for {peer}: {reason}")]
    Seal {
        /// The agent that it was for.
        peer: String,
        /// What the library says.
        reason: String,
    },
    /// The file of the seal key.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the kernel says.
        source: io::Error,
    },
    /// It cannot be the file of a seal key.
    #[error("{}: {reason}", path.display())]
    SealKey {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}
