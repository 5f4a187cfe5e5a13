//! `handoff doctor`: why it runs but does not forward.
//!
//! It gathers facts from the kernel, the agent and the configuration, changes nothing, and says what they mean: a [`Finding`] has the
//! name of its [`Check`], how much it matters, and what to do. From facts to findings all is pure.
//!
//! | file | what it looks at |
//! |---|---|
//! | `check` | all that there is to look for, as a table |
//! | `finding` | what was found |
//! | `gather` | the facts |
//! | `kernel` | the machine |
//! | `interface` | a balancer's interfaces: program, driver, queues |
//! | `agent` | whether it is there and well |
//! | `backends`, `vip`, `traffic` | the way of packets: from here on, to here, and what became of them |
//! | `host` | a back-end |

mod agent;
mod backends;
mod check;
mod finding;
mod gather;
mod host;
mod interface;
mod kernel;
#[cfg(test)]
mod testing;
mod traffic;
mod vip;

pub use check::Check;
pub use finding::{Finding, Severity, worst};

use crate::agent::routed;
use crate::bpf::Pins;
use crate::config::{Config, Protocol};
use crate::network::{self, Monitor};
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::Path;
use std::thread::available_parallelism;

/// Examines the balancer on this machine whose configuration `config` is in the file `path`, which is absolute.
///
/// # Errors
/// When the kernel does not tell of its network.
pub async fn examine_balancer(path: &Path, config: &Config) -> Result<Vec<Finding>, network::Error> {
    let pins = Pins::below(&config.pin_folder);
    let network = Monitor::start().await?.snapshot(&routed(config)).await?;
    let interfaces = gather::interfaces(config, &network, &pins).await?;
    let (agent, told) = gather::agent(config, &pins).await;

    let cpus = available_parallelism().map_or(1, |cpus| u32::try_from(cpus.get()).unwrap_or(u32::MAX));
    let several = interfaces.len() > 1;
    let on_interface = |it| interface::findings(it, config.xdp_mode, several, cpus);
    let mut findings = kernel::findings(&gather::kernel(Some(&pins)));
    findings.extend(interfaces.iter().flat_map(on_interface));
    findings.extend(agent::findings(&agent, path));
    findings.extend(backends::findings(config, &network, told.as_ref().map(|told| &*told.backends)));
    findings.extend(vip::findings(config, &network));
    findings.extend(told.into_iter().flat_map(|told| traffic::findings(config, &told.services, &told.verdicts)));
    Ok(findings)
}

/// What a back-end should be.
#[derive(Clone, Debug, Default)]
pub struct BackendOptions {
    /// The VIPs that servers on this host answer for.
    pub vips: Vec<IpAddr>,
    /// Interfaces that packets for them arrive by; if there are none, all that have an address.
    pub interfaces: Vec<String>,
    /// What servers should listen on.
    pub ports: BTreeSet<(Protocol, u16)>,
    /// Whether packets arrive in tunnels.
    pub tunnels: bool,
    /// Whom the host should be able to answer; if there are none, somebody far away.
    pub clients: Vec<IpAddr>,
}

/// Examines this machine as a back-end.
///
/// # Errors
/// When the kernel does not tell of its network.
pub async fn examine_backend(options: &BackendOptions) -> Result<Vec<Finding>, network::Error> {
    let mut findings = kernel::findings(&gather::kernel(None));
    findings.extend(host::findings(&gather::host(options).await?));
    Ok(findings)
}
