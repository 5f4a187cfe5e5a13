use crate::tickets::{Unprotected, keeper};
use crate::{bpf, control, dashboard, network, state};
use lb_common::abi;
use std::io;
use std::path::{Path, PathBuf};

/// Why the agent does not start, or cannot end in good order.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The process may not do what an agent does.
    #[error(
        "not allowed: the agent lacks {missing}; run it as root, as `sudo handoff run`, or give it these capabilities, as handoff.service does"
    )]
    Rights {
        /// The capabilities that it lacks.
        missing: String,
    },
    /// The process cannot give up what an agent never does.
    #[error("cannot give up the rights that an agent never uses: {source}; is a seccomp filter in the way?")]
    GivingUp {
        /// Why.
        source: io::Error,
    },
    /// The process would not keep ticket keys to itself.
    #[error(transparent)]
    Unprotected(Unprotected),
    /// Ticket keys cannot be kept.
    #[error(transparent)]
    Tickets(#[from] keeper::Error),
    /// The configuration does not fit this machine's network.
    #[error("{0}")]
    Network(String),
    /// A program of another release is attached, whose maps have another layout.
    #[error(
        "{}: the program on {interfaces} is of a release with another layout of the maps, this agent has layout {}: it goes on forwarding as it is, until you start that release again, which keeps its flows, or let go of them with `handoff stop --purge --pin-folder {}` and start this one",
        folder.display(), abi::VERSION, pin_folder.display()
    )]
    Layout {
        /// Its pins, in a folder that is called by the version of their layout.
        folder: PathBuf,
        /// Where it is attached.
        interfaces: String,
        /// The folder of all pins.
        pin_folder: PathBuf,
    },
    /// Another agent is in charge of the maps.
    #[error(
        "{}: another agent is running with these maps; see it with `handoff status`, end it with `handoff stop`, or give this one another agent: pin-folder and control-socket",
        path.display()
    )]
    AlreadyRunning {
        /// The folder that it holds.
        path: PathBuf,
    },
    /// The lock cannot be had.
    #[error("{}: cannot lock the pins: {source}", path.display())]
    Lock {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The folder of what outlives the agent cannot be used.
    #[error("{}: cannot keep the agent's state there: {source}; give the agent a folder that it may write: agent: state-folder", path.display())]
    State {
        /// The folder, or what is in it.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The agent's own file cannot be replaced.
    #[error("{}: cannot write the configuration: {source}; let the agent write its own file, or change that file and reload it with `handoff apply`", path.display())]
    Install {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another agent uses that folder.
    #[error("{}: another agent keeps its state there: give this one another agent: state-folder", path.display())]
    StateTaken {
        /// The folder.
        path: PathBuf,
    },
    /// The overrides that were kept cannot be read.
    #[error("{}: these are no overrides: {reason}; move the file away to start without any", path.display())]
    Overrides {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// There is no room in the maps.
    #[error("the data plane is full: {0}")]
    Full(#[from] state::Full),
    /// The data plane.
    #[error(transparent)]
    Bpf(#[from] bpf::Error),
    /// The kernel's network configuration.
    #[error(transparent)]
    Netlink(#[from] network::Error),
    /// The control socket.
    #[error(transparent)]
    Control(#[from] control::Error),
    /// The dashboard.
    #[error(transparent)]
    Dashboard(#[from] dashboard::Error),
    /// Signals cannot be caught.
    #[error("the agent could not be told to end: signals cannot be caught: {0}")]
    Signals(io::Error),
    /// The system has no randomness for the flow table's secret.
    #[error("the system gives no random numbers for the flow table's secret: {0}")]
    Random(getrandom::Error),
}

impl Error {
    /// What could not be kept at `path`.
    pub(super) fn from_state(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        |source| Self::State { path, source }
    }
}
