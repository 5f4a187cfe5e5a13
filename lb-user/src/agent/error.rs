use crate::{bpf, control, network, state};
use lb_common::abi;
use std::io;
use std::path::PathBuf;

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
    /// Signals cannot be caught.
    #[error("the agent could not be told to end: signals cannot be caught: {0}")]
    Signals(io::Error),
    /// The system has no randomness for the flow table's secret.
    #[error("the system gives no random numbers for the flow table's secret: {0}")]
    Random(getrandom::Error),
}
