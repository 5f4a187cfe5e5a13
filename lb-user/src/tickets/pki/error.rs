use std::io;
use std::path::PathBuf;

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Keys that are in use may be there.
    #[error("{}: there is something already, and nothing is overwritten: name a folder that is empty or not there", folder.display())]
    Taken {
        /// Where the files should go.
        folder: PathBuf,
    },
    /// It is not there, or may not be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What the kernel says.
        source: io::Error,
    },
    /// The file of the authority is none.
    #[error("{}: {reason}; `handoff tickets init-ca` makes an authority", path.display())]
    Authority {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A program that checks certificates would refuse this one.
    #[error("the certificate made by {} would be refused ({reason}): do ca.pem and ca.key belong together?", authority.display())]
    Refused {
        /// Folder of the authority.
        authority: PathBuf,
        /// Why it would be refused.
        reason: String,
    },
    /// The cryptography library refuses.
    #[error("cannot make a key or certificate: {0}")]
    Make(#[from] rcgen::Error),
}
