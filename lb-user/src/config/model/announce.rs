use super::InterfaceName;
use std::path::PathBuf;
use std::time::Duration;

/// How the network is told which VIPs are here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announce {
    /// Who tells it.
    pub by: AnnounceBy,
    /// Which services of a VIP must have enough ready back-ends.
    pub when: AnnounceWhen,
    /// How long that must have been so before the VIP is announced. It is withdrawn at once.
    pub hold: Duration,
    /// How long the agent goes on after it has withdrawn all VIPs, when this machine is drained.
    pub drain_wait: Duration,
    /// How often what is announced is told again, to daemons that were started since.
    pub repeat: Duration,
}

impl Announce {
    /// Unless the configuration says otherwise, a VIP is good for a second before it is announced.
    pub const DEFAULT_HOLD: Duration = Duration::from_secs(1);
    /// Routers far away hear of a withdrawal some seconds later.
    pub const DEFAULT_DRAIN_WAIT: Duration = Duration::from_secs(5);
    /// Half a minute.
    pub const DEFAULT_REPEAT: Duration = Duration::from_secs(30);
}

/// Who tells the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnnounceBy {
    /// BIRD: a file with static routes that its configuration includes, and its control socket.
    Bird {
        /// The control socket.
        socket: PathBuf,
        /// The file that the agent writes.
        file: PathBuf,
        /// What the routes are marked with.
        communities: Vec<Community>,
    },
    /// FRR: networks of its BGP router, by `vtysh`.
    Frr {
        /// Number of the autonomous system that the router is configured for.
        as_number: u32,
    },
    /// ExaBGP: commands of its text API.
    ExaBgp {
        /// The named pipe that it reads.
        pipe: PathBuf,
        /// What the routes are marked with.
        communities: Vec<Community>,
    },
    /// A program of the operator's, and its arguments; the program is an absolute path.
    Hook(Vec<String>),
    /// The agent itself, on the segments of these interfaces: it gives the VIP to them and tells the neighbours.
    L2(Vec<InterfaceName>),
}

impl AnnounceBy {
    /// Where BIRD listens, on Debian.
    pub const DEFAULT_BIRD_SOCKET: &str = "/run/bird/bird.ctl";
    /// What BIRD is to include.
    pub const DEFAULT_BIRD_FILE: &str = "/run/handoff/bird.conf";
    /// What ExaBGP reads, on Debian.
    pub const DEFAULT_EXABGP_PIPE: &str = "/run/exabgp/exabgp.in";
}

/// Which services of a VIP must have enough ready back-ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnnounceWhen {
    /// All of them.
    All,
    /// One of them.
    Any,
}

/// A BGP community (RFC 1997).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Community(pub u16, pub u16);
