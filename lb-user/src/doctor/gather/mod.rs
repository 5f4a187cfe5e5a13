//! From the kernel and the agent to facts. What cannot be had is `None`, and no reason to stop.
//!
//! | file | what it asks |
//! |---|---|
//! | `kernel` | /proc and the file systems |
//! | `device` | the kernel's interfaces (rtnetlink), for what the network module has no use for |
//! | `driver` | network drivers, by ethtool's netlink family |
//! | `xdp_features` | network drivers, by the netdev netlink family |
//! | `agent` | the agent, at its control socket |
//! | `interface` | all that there is to know of an interface |
//! | `host` | what a back-end's findings are made of |

mod agent;
mod device;
mod driver;
mod host;
mod interface;
mod kernel;
mod xdp_features;

pub(super) use agent::agent;
pub(super) use host::host;
pub(super) use interface::interfaces;
pub(super) use kernel::kernel;
