//! What is measured: the XDP program over a small configuration, in the kernel, and the packets that it gets.

use anyhow::Result;
use lb_common::abi::{Address, Device, MAX_DEVICES, Scheduler, ServiceKey, Settings, Timeouts, VipFilter};
use lb_common::flow_table::WAYS;
use lb_common::wire::{Be16, Mac, protocol};
use lb_user::bpf::{self, KernelDataplane, Object, Pinning};
use lb_user::dataplane::Dataplane;
use lb_user::state::{Desired, DesiredBackend, DesiredService, NextHop, Observed, RingSpace, plan};

/// The balancer's Ethernet address: every packet is for it.
pub(crate) const BALANCER: Mac = Mac::new([2, 0, 0, 0, 0, 0xb0]);

const VIP: [u8; 4] = [192, 0, 2, 10];
const BACKENDS: u8 = 3;

/// A program of an object, its maps filled with one TCP and one UDP service of three back-ends, which are reached through the
/// interface `ifindex` that the packets come in by.
pub(crate) fn balancer(object: &[u8], program: &'static str, flows: u32, ifindex: u32) -> Result<KernelDataplane> {
    let mut dataplane = KernelDataplane::new(Object::load_from(object, program, flows, Pinning::Off)?)?;
    let changes = plan(&desired(flows, ifindex), &Observed::default(), &mut RingSpace::default(), bpf::now())?;
    for change in &changes {
        dataplane.apply(change)?;
    }
    Ok(dataplane)
}

fn desired(flows: u32, ifindex: u32) -> Desired {
    let mut devices = [Device::default(); MAX_DEVICES];
    devices[0] = Device { ifindex, mac: BALANCER, padding: [0; 2] };
    let mut vips = VipFilter::EMPTY;
    vips.insert(u32::from_ne_bytes(VIP));
    let backend = |number| DesiredBackend {
        address: Address::from_v4([10, 0, 0, number]),
        next_hop: Some(NextHop { ifindex, mac: Mac::new([2, 0, 0, 0, 1, number]), source_mac: BALANCER }),
    };
    let service = DesiredService { scheduler: Scheduler::ROUND_ROBIN, backends: (1..=BACKENDS).map(backend).collect() };
    let key =
        |port, protocol| ServiceKey { address: Address::from_v4(VIP), port: Be16::new(port), protocol, padding: 0 };
    Desired {
        settings: Settings {
            flow_secret: [0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210],
            bucket_mask: flows / WAYS as u32 - 1,
            device_count: 1,
            devices,
            timeouts: Timeouts::DEFAULT,
            vips,
        },
        services: [(key(443, protocol::TCP), service.clone()), (key(53, protocol::UDP), service)].into(),
        removal_grace: 0,
    }
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
