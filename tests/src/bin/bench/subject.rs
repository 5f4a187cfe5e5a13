//! What is measured: the XDP program over a small configuration, in the kernel, and the packets that it gets.

use anyhow::Result;
use lb_common::wire::Mac;
use lb_user::agent::desired;
use lb_user::bpf::{self, KernelDataplane, Object, Pinning, Sizes};
use lb_user::config::Config;
use lb_user::dataplane::Dataplane;
use lb_user::network::{InterfaceAddress, Link, Neighbour, NeighbourKind, Network, XdpAttachment};
use lb_user::state::{Load, Memory, Observed, plan};
use std::net::Ipv4Addr;
use std::path::Path;

/// The balancer's Ethernet address: every packet is for it.
pub(crate) const BALANCER: Mac = Mac::new([2, 0, 0, 0, 0, 0xb0]);

const VIP: [u8; 4] = [192, 0, 2, 10];
const BACKENDS: u8 = 3;

/// The interface's name in the configuration.
const INTERFACE: &str = "eth0";

/// A program of an object, its maps filled as for one TCP and one UDP service of three back-ends, which are reached through the
/// interface `ifindex` that the packets come in by. `keys` are more lines of the TCP service's configuration.
pub(crate) fn balancer(
    object: &[u8],
    program: &'static str,
    flows: u32,
    ifindex: u32,
    keys: &str,
) -> Result<KernelDataplane> {
    let config = Config::parse(Path::new("bench"), &configuration(flows, keys))?;
    let sizes = Sizes::of(&config.flow_table);
    let mut dataplane = KernelDataplane::new(Object::load_from(object, program, sizes, Pinning::Off)?)?;
    let desired = desired(&config, &network(ifindex), [0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210]);
    let changes = plan(&desired, &Observed::default(), &Load::default(), &mut Memory::default(), bpf::now())?;
    for change in &changes {
        dataplane.apply(change)?;
    }
    Ok(dataplane)
}

fn configuration(flows: u32, keys: &str) -> String {
    let service = |name, port, protocol, keys| {
        let backends =
            (1..=BACKENDS).map(|number| format!("{{ name = \"server-{number}\", address = \"10.0.0.{number}\" }}"));
        let backends: Vec<String> = backends.collect();
        let vip = Ipv4Addr::from(VIP);
        format!(
            "[[service]]\nname = \"{name}\"\nvip = \"{vip}\"\nport = {port}\nprotocol = \"{protocol}\"\n{keys}\nbackends = [{}]\n",
            backends.join(", ")
        )
    };
    format!(
        "[agent]\ninterfaces = [\"{INTERFACE}\"]\n[flow-table]\nflows = {flows}\n{}{}",
        service("web", 443, "tcp", keys),
        service("dns", 53, "udp", "")
    )
}

/// The network that the agent would find.
fn network(ifindex: u32) -> Network {
    let mut network = Network::default();
    let link = Link {
        ifindex,
        name: INTERFACE.to_owned(),
        mac: BALANCER,
        up: true,
        mtu: 1_500,
        vlan: None,
        xdp: XdpAttachment::None,
    };
    network.links.insert(ifindex, link);
    let address = Ipv4Addr::new(10, 0, 0, 100).into();
    network.addresses.push(InterfaceAddress { ifindex, address, subnet: address, prefix_len: 24 });
    for number in 1..=BACKENDS {
        let mac = Some(Mac::new([2, 0, 0, 0, 1, number]));
        let neighbour = Neighbour { mac, kind: NeighbourKind::Managed };
        network.neighbours.insert((ifindex, Ipv4Addr::new(10, 0, 0, number).into()), neighbour);
    }
    network
}

/// A packet to start from. The harness gives it the Ethernet addresses, the client's address and its port.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Packet {
    /// A TCP segment of a connection that goes on, to the service.
    Ack,
    /// The first segment of a TCP connection, to the service.
    Syn,
    /// A UDP datagram to the service.
    Datagram,
    /// A TCP segment to an address that is not a VIP.
    Elsewhere,
    /// An ARP request.
    Arp,
}

impl Packet {
    /// The frame: 60 bytes, the shortest there is.
    pub(crate) fn frame(self) -> [u8; 60] {
        let mut frame = [0; 60];
        if let Self::Arp = self {
            frame[12..14].copy_from_slice(&[0x08, 0x06]);
            return frame;
        }
        frame[12..14].copy_from_slice(&[0x08, 0x00]);
        let (protocol, port) = if let Self::Datagram = self { (17, 53u16) } else { (6, 443) };
        frame[14..24].copy_from_slice(&[0x45, 0, 0, 46, 0, 0, 0x40, 0, 64, protocol]);
        frame[30..34].copy_from_slice(&if let Self::Elsewhere = self { [192, 0, 2, 99] } else { VIP });
        frame[36..38].copy_from_slice(&port.to_be_bytes());
        match self {
            Self::Datagram => frame[38..40].copy_from_slice(&26u16.to_be_bytes()),
            Self::Syn => frame[46..48].copy_from_slice(&[0x50, 0x02]),
            _ => frame[46..48].copy_from_slice(&[0x50, 0x10]),
        }
        frame
    }
}
