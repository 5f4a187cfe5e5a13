//! A balancer with services of every kind, over both families.

use lb_common::abi::Address;
use lb_common::datapath::Outcome;
use lb_common::decap::{Settings, Tables, decide, strip};
use lb_common::frame::Frame;
use lb_tests::output::{Choice, handed_off};
use lb_tests::vector::{Resolved, ResolvedBackend, Setup};
use lb_user::dataplane::memory::MemoryDataplane;
use lb_user::dataplane::{Counters, Dataplane};
use lb_user::state::{Change, Load, Memory, Observed, plan};
use std::sync::LazyLock;

/// So many that no five flows of a test ever meet in one.
const BUCKETS: u32 = 1 << 16;

const GUE_PORT: u16 = 6080;

/// The VIPs of the services that have back-ends, by family.
pub(crate) const VIPS: [&str; 2] = ["192.0.2.10", "2001:db8:ffff::10"];

/// Back-ends that get packets as they are, on both interfaces and with other VLAN tags; tunnels of both kinds to back-ends of both
/// families; single ports, and a range.
const SERVICES: &str = r#"
    port = 443, backends = ["server-1", "server-2 via lan0", "server-3 vlan 100", "server-4 vlan 200,300", "server-5 untagged"]
    port = 53, protocol = "udp", backends = ["server-11", "server-12", "server-13"]
    port = 2905, protocol = "sctp", backends = ["server-21", "server-22"]
    port = 1000, forwarding = "ipip", backends = ["server-31/4", "server-32/6", "server-33/6 routed vlan 100"]
    port = "2000-2099", protocol = "udp", forwarding = "gue", backends = ["server-41/4", "server-42/6"], SPREAD
    port = "all", forwarding = "gue", backends = ["server-51/4 via lan0", "server-52/6 untagged"], SPREAD
"#;

/// Where tunnels start that are spread over many source addresses.
const SPREAD: &str = r#"tunnel-source = ["172.16.0.0/16", "fd00:1::/64"]"#;

/// What every balancer is told, and the changes that follow: compiling its rings takes longer than most tests.
static TOLD: LazyLock<(Resolved, Vec<Change>)> = LazyLock::new(|| {
    let services = SERVICES.trim().lines().enumerate().flat_map(|(number, service)| {
        let service = service.replace("SPREAD", SPREAD);
        ["v4", "v6"].into_iter().zip(VIPS).map(move |(family, vip)| {
            format!("services.service-{number}-{family} = {{ vip = \"{vip}\", {service} }}\n")
        })
    });
    let off = r#"services.off = { vip = "192.0.2.11", port = 80, backends = ["server-9 unreachable"] }"#;
    let setup = services.chain([off.to_owned()]).collect::<String>();
    let setup: Setup = toml::from_str(&setup).expect("a setup");
    let mut resolved = setup.resolve().expect("a configuration");
    resolved.desired.settings.bucket_mask = BUCKETS - 1;
    let (load, mut memory) = (Load::default(), Memory::default());
    let changes = plan(&resolved.desired, &Observed::default(), &load, &mut memory, 0).complete().expect("enough room");
    (resolved, changes)
});

/// The balancer, and what it was told.
pub(crate) struct Balancer {
    pub(crate) dataplane: MemoryDataplane,
    /// What its maps say.
    pub(crate) observed: Observed,
    resolved: &'static Resolved,
}

impl Balancer {
    pub(crate) fn new() -> Self {
        let (resolved, changes) = &*TOLD;
        let mut dataplane = MemoryDataplane::new(BUCKETS as usize);
        for change in changes {
            let Ok(()) = dataplane.apply(change);
        }
        let Ok(observed) = dataplane.observe();
        Self { dataplane, observed, resolved }
    }

    /// What becomes of a packet, and the frame that comes out.
    pub(crate) fn run(&self, frame: &[u8]) -> (Outcome, Vec<u8>) {
        let mut frame = frame.to_vec();
        (self.dataplane.run(&mut frame), frame)
    }

    /// Slot of the back-end that a packet goes to.
    pub(crate) fn slot(&self, frame: &[u8]) -> Option<u16> {
        self.run(frame).0.to.map(|(slot, _)| slot)
    }

    /// Slot of the back-end that a packet goes to, and what was chosen for the tunnel to it.
    pub(crate) fn way(&self, frame: &[u8]) -> Option<(u16, Option<Choice>)> {
        let (Outcome { to, .. }, came_out) = self.run(frame);
        let (slot, _) = to?;
        let tunnel = self.backend(slot).delivery.tunnel.as_ref();
        Some((slot, tunnel.map(|tunnel| tunnel.choice(&came_out).expect("a packet in the tunnel"))))
    }

    /// The counters of all services and all back-ends.
    pub(crate) fn counters(&self) -> Counters {
        let services: Vec<u32> = self.observed.services.values().map(|service| service.service.id).collect();
        let slots: Vec<u16> = self.observed.backends.keys().copied().collect();
        let Ok(counters) = self.dataplane.counters(&services, &slots);
        counters
    }

    /// What the setup says of the back-end in a slot.
    fn backend(&self, slot: u16) -> &ResolvedBackend {
        let entry = &self.observed.backends[&slot];
        let is_it = |backend: &&ResolvedBackend| {
            backend.desired.address == entry.address
                && self.observed.services[&backend.service].service.id == entry.service
        };
        self.resolved.backends.values().find(is_it).expect("every slot is of a back-end")
    }

    /// The frame that the back-end in `slot` should get for one that came in. `came_out` shows what was left to choose.
    pub(crate) fn expected(&self, slot: u16, came_in: &[u8], came_out: &[u8]) -> anyhow::Result<Vec<u8>> {
        let backend = self.backend(slot);
        let way = backend.desired.delivery.expect("every back-end is reachable");
        let link = backend.delivery.link(came_in, way.source_mac, way.mac)?;
        match &backend.delivery.tunnel {
            Some(tunnel) => tunnel.wrapped(came_in, &link, tunnel.choice(came_out)?),
            None => handed_off(came_in, &link),
        }
    }

    /// The frame as the back-end in `slot` sees it, out of its tunnel if it came in one.
    pub(crate) fn received(&self, slot: u16, mut frame: Vec<u8>) -> Vec<u8> {
        if self.backend(slot).delivery.tunnel.is_none() {
            return frame;
        }
        let host = Host { settings: Settings::new(GUE_PORT), own: self.observed.backends[&slot].address };
        let mut inside = Frame::from_slice(&mut frame);
        let plan = decide(&host, &inside).expect("a packet for this host");
        strip(&mut inside, &plan).expect("headers to take off");
        frame.split_off(plan.remove)
    }
}

/// A back-end that takes packets out of tunnels.
struct Host {
    settings: Settings,
    own: Address,
}

impl Tables for Host {
    fn settings(&self) -> Option<&Settings> {
        Some(&self.settings)
    }

    fn is_own(&self, address: &Address) -> bool {
        *address == self.own
    }

    fn is_tunnel_source(&self, address: &Address) -> bool {
        let prefixes = [("10.0.1.100", 128), ("2001:db8:1::100", 128), ("172.16.0.0", 96 + 16), ("fd00:1::", 64)];
        prefixes.iter().any(|&(prefix, bits)| address.prefix(bits) == lb_tests::tunnel::address(prefix))
    }

    fn is_vip(&self, address: &Address) -> bool {
        VIPS.iter().any(|vip| *address == lb_tests::tunnel::address(vip))
    }
}
