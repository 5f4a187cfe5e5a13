use super::{Error, bird::Bird, exabgp::ExaBgp, frr::Frr, hook::Hook, l2::L2};
use crate::config::AnnounceBy;
use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

/// What is to become of a VIP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// The network is told that it is here.
    Announce,
    /// The network is told that it is here no more.
    Withdraw,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Announce => "announce",
            Self::Withdraw => "withdraw",
        })
    }
}

/// A way to announce VIPs. To do the same again does no harm in any of them.
pub(super) enum Driver {
    /// It takes all VIPs at once.
    Bird(Bird),
    /// One after the other.
    Each(Each),
}

/// A way to announce one VIP after the other.
pub(super) enum Each {
    Frr(Frr),
    ExaBgp(ExaBgp),
    Hook(Hook),
    L2(L2),
}

/// What came of a change.
pub(super) type Outcome = Result<(), Arc<Error>>;

impl Driver {
    /// The one that the configuration says.
    pub(super) fn of(by: &AnnounceBy) -> Self {
        match by {
            AnnounceBy::Bird { socket, file, communities } => Self::Bird(Bird::new(socket, file, communities)),
            AnnounceBy::Frr { as_number } => Self::Each(Each::Frr(Frr::new(*as_number))),
            AnnounceBy::ExaBgp { pipe, communities } => Self::Each(Each::ExaBgp(ExaBgp::new(pipe, communities))),
            AnnounceBy::Hook(command) => Self::Each(Each::Hook(Hook::new(command))),
            AnnounceBy::L2(interfaces) => Self::Each(Each::L2(L2::new(interfaces))),
        }
    }

    /// Makes the changes, after which `announced` are to be announced and no others; returns what came of each.
    pub(super) async fn make(&mut self, changes: &[(IpAddr, Action)], announced: &BTreeSet<IpAddr>) -> Vec<Outcome> {
        match self {
            Self::Bird(bird) => vec![bird.set(announced).await.map_err(Arc::new); changes.len()],
            Self::Each(each) => {
                let mut outcomes = Vec::new();
                for &(vip, action) in changes {
                    outcomes.push(each.make(vip, action).await.map_err(Arc::new));
                }
                outcomes
            }
        }
    }
}

impl Each {
    async fn make(&self, vip: IpAddr, action: Action) -> Result<(), Error> {
        match self {
            Self::Frr(frr) => frr.make(vip, action).await,
            Self::ExaBgp(exabgp) => exabgp.make(vip, action),
            Self::Hook(hook) => hook.make(vip, action).await,
            Self::L2(l2) => l2.make(vip, action).await,
        }
    }
}
