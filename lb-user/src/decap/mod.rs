//! `handoff decap`: what a back-end does so that packets of a balancer reach its servers.
//!
//! The VIPs go to the loopback interface, where the servers find them and nobody asks for them by ARP. Behind a tunnel, an XDP program
//! takes the packets out of it. All of this lasts as long as the process: [`run`] undoes it at its end, and what a killed one could not
//! undo is recorded in a file, for the next one or for [`undo`].
//!
//! | file | what it does |
//! |---|---|
//! | `plan` | which settings and addresses have to change; pure |
//! | `change` | a change, and making and undoing it |
//! | `settings` | the network stack's settings in /proc/sys |
//! | `sources` | where tunnels may begin, as the map has it |
//! | `host` | interfaces and addresses, over netlink |
//! | `record` | the file |
//! | `lock` | one at a time |
//! | `running` | from start to end |
//! | `event` | what there is to tell on the way |

mod change;
mod error;
mod event;
mod host;
mod lock;
mod plan;
mod record;
mod running;
pub(crate) mod settings;
mod sources;

pub use change::Change;
pub use error::Error;
pub use event::{Attached, Event};
pub use running::{run, undo};

use crate::config::{Prefix, XdpMode};
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Where record and lock are unless the command line names another folder.
pub const DEFAULT_RUN_FOLDER: &str = "/run/handoff";

/// The UDP port of generic UDP encapsulation (IANA), unless the command line names another.
pub const DEFAULT_GUE_PORT: u16 = 6080;

/// What a back-end is to do.
#[derive(Clone, Debug)]
pub struct Options {
    /// Interfaces that packets for the VIPs arrive by.
    pub interfaces: Vec<String>,
    /// What the servers on this host answer for.
    pub vips: Vec<IpAddr>,
    /// How packets come out of tunnels; `None` behind a balancer on the same segment (`l2-dsr`), which uses none.
    pub tunnels: Option<Tunnels>,
    /// Folder of record and lock.
    pub run_folder: PathBuf,
    /// How often the counters are told; never, by default, but at the end and on SIGUSR1.
    pub statistics: Option<Duration>,
}

/// How packets come out of tunnels.
#[derive(Clone, Debug)]
pub struct Tunnels {
    /// Where tunnels may begin; anywhere, if there is none.
    pub sources: Vec<Prefix>,
    /// UDP port of generic UDP encapsulation.
    pub gue_port: u16,
    /// Where in the network stack the program runs.
    pub xdp_mode: XdpMode,
}
