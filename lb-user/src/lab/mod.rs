//! The lab: the paper's experiment in network namespaces, and the ground that the end-to-end tests stand on.
//!
//! A data generator, a virtual server and servers 1 to N are namespaces on a switch. The agent runs in the virtual server's as it
//! does on a real machine, the servers answer HTTPS, and the data generator opens real connections to the VIP, as one client or, from
//! 198.18.2.1 on, as many.
//!
//! ```text
//!           client 198.18.0.1 ──┐          ┌── server-1 198.18.1.1, 198.18.255.1 on lo
//!    route to 198.18.255.1      ├─ switch ─┼── server-2 198.18.1.2, 198.18.255.1 on lo
//!  balancer 198.18.0.2, XDP ────┘          └── server-3 198.18.1.3, 198.18.255.1 on lo
//! ```
//!
//! | file | what it does |
//! |---|---|
//! | `site` | names of everything that a lab makes outside its processes |
//! | `topology`, `peer` | [`Topology`]: namespaces, links, addresses, routes; what XDP asks of a veth device |
//! | `namespace`, `program` | working in a namespace; calling `ip` and `ethtool` |
//! | `lock` | one lab of a name at a time |
//! | `janitor`, `take_down` | nothing is left, however the lab ends |
//! | `server`, `tls`, `certificate` | [`Server`]: HTTPS, and its certificate |
//! | `load` | [`Load`]: the data generator |
//! | `agent`, `policy` | [`Agent`]: the process under test, and how it hands out new flows |
//! | `dashboard` | where its dashboard listens |
//! | `stage` | [`Stage`]: all of the above but agent and load, set up and taken down |
//! | `experiment` | [`Experiment`]: the experiment itself |
//! | `sessions` | the experiment about reusing sessions |
//! | `balance`, `reuse`, `report` | what came out of it: errors from even, fairness, sessions, rounds, return path |

mod agent;
pub mod balance;
mod certificate;
mod dashboard;
mod error;
mod experiment;
mod janitor;
pub mod load;
mod lock;
mod namespace;
mod peer;
mod policy;
mod program;
pub mod report;
pub mod reuse;
mod server;
pub mod sessions;
mod site;
mod stage;
mod take_down;
mod tls;
pub mod topology;

pub use agent::{Agent, SERVICE_NAME};
pub use certificate::KeyKind;
pub use dashboard::Dashboard;
pub use error::Error;
pub use experiment::{Experiment, Moment};
pub use janitor::{SUBCOMMAND as JANITOR, keep};
pub use load::{Load, LoadOptions, Sizes};
pub use namespace::Namespace;
pub use policy::Policy;
pub use server::{Cost, Handshakes, SERVER_HEADER, Server};
pub use site::Site;
pub use stage::Stage;
pub use tls::Tls;
pub use topology::{Node, Topology};
