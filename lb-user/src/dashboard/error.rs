use crate::control;
use std::io;
use std::path::PathBuf;

/// Why there is no dashboard.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The configuration has no dashboard.
    #[error("{}: there is no dashboard: add the table [dashboard], and start the agent again", path.display())]
    NotConfigured {
        /// The configuration.
        path: PathBuf,
    },
    /// The login token cannot be read or made.
    #[error("{}: no login token can be had: {source}; name a file in a folder that the agent may write: dashboard: token-file", path.display())]
    Token {
        /// Its file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Others may read the login token.
    #[error("{}: the file of the login token has mode {mode:04o}, which lets others at it: `chmod 600 {}`", path.display(), path.display())]
    Open {
        /// Its file.
        path: PathBuf,
        /// Who may do what with it, as `chmod` takes it.
        mode: u32,
    },
    /// Somebody else has made the login token, and knows it.
    #[error("{}: the file of the login token belongs to the user with number {owner}: give it to root or to the agent's user: `chown`", path.display())]
    Owner {
        /// Its file.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
    },
    /// What is in its file is no login token.
    #[error(
        "{}: a login token has 32 to 256 letters, digits, '-', '_' or '.': remove the file, and the agent makes one when it starts",
        path.display()
    )]
    Weak {
        /// Its file.
        path: PathBuf,
    },
    /// The agent cannot listen, or speak TLS.
    #[error(transparent)]
    Listen(#[from] control::Error),
    /// The system has no randomness.
    #[error("the system gives no random numbers for the dashboard's login: {0}")]
    Random(getrandom::Error),
}
