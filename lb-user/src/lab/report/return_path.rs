use crate::control::types::VerdictCounter;
use crate::lab::program::ip;
use crate::lab::topology::INTERFACE;
use crate::lab::{Error, Namespace};
use lb_common::verdict::Passed;
use serde::{Deserialize, Serialize};

/// What came to the balancer's interface, by two witnesses.
#[derive(Clone, Debug)]
pub struct Ingress {
    /// Packets that the interface counted.
    pub packets: u64,
    /// What the XDP program made of them.
    pub verdicts: Vec<VerdictCounter>,
}

impl Ingress {
    /// Packets that the interface of the balancer in `namespace` has received.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn packets(namespace: &Namespace) -> Result<u64, Error> {
        let command = format!("-json -stats link show dev {INTERFACE}");
        let [link]: [Link; 1] = serde_json::from_slice(&ip(Some(namespace), &command)?)
            .map_err(|error| Error::Command { command: format!("ip {command}"), message: error.to_string() })?;
        Ok(link.stats64.rx.packets)
    }

    /// The packets whose verdict is `wanted`.
    fn judged(&self, wanted: impl Fn(&VerdictCounter) -> bool) -> Traffic {
        let verdicts = self.verdicts.iter().filter(|verdict| wanted(verdict));
        verdicts.fold(Traffic::default(), |sum, verdict| Traffic {
            packets: sum.packets + verdict.packets,
            bytes: sum.bytes + verdict.bytes,
        })
    }
}

/// What `ip` prints, as far as it matters here.
#[derive(Deserialize)]
struct Link {
    stats64: Stats,
}

#[derive(Deserialize)]
struct Stats {
    rx: Received,
}

#[derive(Deserialize)]
struct Received {
    packets: u64,
}

/// Packets and their bytes, Ethernet headers included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Traffic {
    /// How many packets.
    pub packets: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl Traffic {
    fn since(self, before: Self) -> Self {
        Self { packets: self.packets.saturating_sub(before.packets), bytes: self.bytes.saturating_sub(before.bytes) }
    }
}

/// Whether the servers answered the client directly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ReturnPath {
    /// What the balancer received: the client's half of the connections, and ARP.
    pub received: Traffic,
    /// The part of it that was handed off.
    pub handed_off: Traffic,
    /// Packets that could have come from a server on the way to the client: for an address that is no service, for another
    /// machine, or past the XDP program.
    pub return_packets: u64,
    /// Bytes of response bodies that the servers sent.
    pub response_bytes: u64,
    /// Connections of the client that were not with the VIP.
    pub foreign_peers: u64,
}

impl ReturnPath {
    /// What happened between two looks at the balancer's interface.
    pub fn between(before: &Ingress, after: &Ingress, response_bytes: u64, foreign_peers: u64) -> Self {
        let judged = |wanted: fn(&VerdictCounter) -> bool| after.judged(wanted).since(before.judged(wanted));
        let received = judged(|_| true);
        let unseen = after.packets.saturating_sub(before.packets + received.packets);
        Self {
            received,
            handed_off: judged(|verdict| verdict.action == "forwarded"),
            return_packets: unseen + judged(leads_away).packets,
            response_bytes,
            foreign_peers,
        }
    }

    /// Whether it was direct server return.
    pub fn is_direct(&self) -> bool {
        self.return_packets == 0 && self.foreign_peers == 0
    }
}

/// Whether a packet with this verdict is none of the balancer's business.
fn leads_away(verdict: &VerdictCounter) -> bool {
    [Passed::NoService, Passed::OtherDestination].iter().any(|reason| reason.name() == verdict.reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ingress(packets: u64, verdicts: &[(&str, &str, u64)]) -> Ingress {
        let verdict = |&(action, reason, packets): &(&str, &str, u64)| VerdictCounter {
            action: action.to_owned(),
            reason: reason.to_owned(),
            packets,
            bytes: 100 * packets,
            sizes: [0, packets, 0, 0, 0, 0, 0],
        };
        Ingress { packets, verdicts: verdicts.iter().map(verdict).collect() }
    }

    fn between(before: &Ingress, after: &Ingress) -> ReturnPath {
        ReturnPath::between(before, after, 0, 0)
    }

    #[test]
    fn handed_off_packets_and_arp_are_no_return_packets() {
        let before = ingress(5, &[("forwarded", "new-flow", 0), ("passed", "not-ip", 2)]);
        let after = ingress(47, &[("forwarded", "new-flow", 40), ("passed", "not-ip", 4)]);
        let path = between(&before, &after);
        assert_eq!((path.received.packets, path.handed_off.packets, path.return_packets), (42, 40, 0));
        assert!(path.is_direct());
    }

    #[test]
    fn packets_for_no_service_are_return_packets() {
        let before = ingress(0, &[("passed", "no-service", 0)]);
        let path = between(&before, &ingress(3, &[("passed", "no-service", 3)]));
        assert_eq!((path.return_packets, path.is_direct()), (3, false));
    }

    #[test]
    fn packets_that_the_program_did_not_see_are_return_packets() {
        let before = ingress(0, &[("forwarded", "new-flow", 0)]);
        let path = between(&before, &ingress(9, &[("forwarded", "new-flow", 8)]));
        assert_eq!((path.return_packets, path.is_direct()), (1, false));
    }
}
