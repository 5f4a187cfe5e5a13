//! Everything that the doctor knows to look for, by name. docs/doctor.md is this table, and a test holds it to it.

use super::Severity;

/// Declares the checks: variant, severity, name, what it means, and what to do. Words in capitals stand for what a finding is about.
macro_rules! checks {
    ($($check:ident $severity:ident $name:literal $meaning:literal $remedy:literal;)+) => {
        /// Something that the doctor looks for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Check {
            $(#[doc = $meaning] $check,)+
        }

        impl Check {
            /// All of them, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$check),+];

            /// Its name, as in every listing.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$check => $name,)+
                }
            }

            /// How much it matters.
            pub const fn severity(self) -> Severity {
                match self {
                    $(Self::$check => Severity::$severity,)+
                }
            }

            /// What it means.
            pub const fn meaning(self) -> &'static str {
                match self {
                    $(Self::$check => $meaning,)+
                }
            }

            /// What to do about it, in Markdown with commands between backticks; empty when there is nothing to do.
            pub const fn remedy(self) -> &'static str {
                match self {
                    $(Self::$check => $remedy,)+
                }
            }
        }
    };
}

checks! {
    // The machine, of balancers and back-ends.
    Kernel Ok "kernel" "The kernel has what Handoff needs." "";
    KernelTooOld Fault "kernel-too-old" "The kernel has no XDP links." "run Linux 5.9 or newer";
    KernelAsksOnce Note "kernel-asks-once" "The kernel does not keep Ethernet addresses of neighbours fresh by itself, so the agent asks every second." "run Linux 5.16 or newer";
    BpfMissing Fault "bpf-missing" "The kernel was built without BPF." "run a kernel with CONFIG_BPF_SYSCALL";
    BpfJitOff Warning "bpf-jit-off" "BPF programs are interpreted, which is several times slower." "`sysctl -w net.core.bpf_jit_enable=1`";
    BtfMissing Note "btf-missing" "The kernel does not describe its types. Handoff needs no such description; other BPF tools do." "run a kernel with CONFIG_DEBUG_INFO_BTF";
    BpffsMissing Fault "bpffs-missing" "The pin folder is on no BPF file system, so nothing can outlive the agent." "`mount -t bpf bpf /sys/fs/bpf`";
    MemlockLow Fault "memlock-low" "Kernels before 5.11 count maps as locked memory, and the limit is too low for them." "`ulimit -l unlimited`, or LimitMEMLOCK=infinity in the unit";
    NotExamined Warning "not-examined" "The doctor may not, or cannot, look at this." "run it as root, as `sudo handoff doctor`";
    InterfaceMissing Fault "interface-missing" "There is no Ethernet interface of this name." "give its right name, or add it";
    LinkDown Fault "link-down" "The interface is switched off or has no carrier." "`ip link set dev INTERFACE up`, and check its cable";

    // Interfaces of a balancer.
    Interface Ok "interface" "The program is attached to the interface, and packets get to it." "";
    XdpNotAttached Fault "xdp-not-attached" "No XDP program is attached to an interface of the configuration: its packets go past the balancer." "`handoff run`, whose log says why if it cannot attach";
    XdpOfAnother Fault "xdp-of-another" "Another XDP program is attached, and there can be only one." "detach it with the tool that attached it; one without a link with `ip link set dev INTERFACE xdp off`";
    XdpGeneric Warning "xdp-generic" "The program runs in the generic hook, after the kernel has made a socket buffer: some times slower than in the driver." "use a network card whose driver has native XDP, remove what is in its way, then `handoff stop --purge` and start the agent again; or accept it with xdp-mode = \"generic\"";
    XdpUnsupported Note "xdp-unsupported" "The driver has no native XDP." "use a network card whose driver has it";
    XdpNoRedirect Warning "xdp-no-redirect" "The driver does not send what XDP redirects from other interfaces to this one, so those packets are lost." "put clients and back-ends on one interface, use another network card, or set xdp-mode = \"generic\"";
    MtuOverXdp Warning "mtu-over-xdp" "The MTU is larger than what most drivers take with native XDP, a memory page less some room." "`ip link set dev INTERFACE mtu 3000`, or the largest that the driver takes";
    LroOn Warning "lro-on" "The network card merges packets (LRO), which drivers refuse with native XDP, or which makes packets that are too long to be forwarded." "`ethtool -K INTERFACE lro off`";
    VlanOffloadOn Warning "vlan-offload-on" "The network card takes VLAN tags off before native XDP sees the packets, so VLANs cannot be told apart." "`ethtool -K INTERFACE rxvlan off txvlan off`";
    Veth Note "veth" "The interface is a veth device: what XDP sends back reaches the other end only if that has GRO on or an XDP program itself, and with the other end's transmit checksums complete." "at the other end: `ethtool -K PEER gro on tx off`";
    FewQueues Note "few-queues" "The interface receives on fewer queues than it could and there are CPUs, so these share the work unevenly." "`ethtool -L INTERFACE combined COUNT`, or `rx COUNT`";
    SmallRing Note "small-ring" "The receive ring is less than a quarter of what the card has: short bursts may be lost." "`ethtool -G INTERFACE rx COUNT`";
    RxMissed Warning "rx-missed" "The network card has lost packets because nobody fetched them in time." "more queues with `ethtool -L`, larger rings with `ethtool -G`, more CPUs";

    // The agent.
    Agent Ok "agent" "The agent answers, and the data plane follows it." "";
    AgentNotRunning Fault "agent-not-running" "No agent answers. What is attached goes on forwarding, but follows neither the network nor the back-ends." "`handoff run`";
    AgentSilent Fault "agent-silent" "The agent has taken the question and does not answer it." "look into its log, and start it again: forwarding goes on meanwhile";
    AgentFailing Fault "agent-failing" "The agent could not carry out its last change." "do what the reason says";
    AgentOfAnotherVersion Warning "agent-of-another-version" "Agent and command are of different versions." "start the agent again: it takes over with all flows";
    AgentOfAnotherFile Warning "agent-of-another-file" "The agent follows another configuration than the one that was examined." "`handoff doctor --config FILE` with the agent's file, or start the agent with this one";
    PinsOfAnotherLayout Warning "pins-of-another-layout" "Maps and links of another version of Handoff are pinned: their program may still be attached." "`handoff stop --purge` of that version, or `rm -r FOLDER`, which ends its forwarding";

    // The way to the back-ends.
    Service Ok "service" "The service has back-ends that get new flows." "";
    ServiceWithoutBackend Fault "service-without-back-end" "No back-end of the service gets new flows." "see the findings about its back-ends";
    NotChecked Note "not-checked" "The back-ends of the service have no health check: one that fails gets new flows all the same." "`health = { type = \"tcp\" }` in the service";
    NeighbourUnresolved Warning "neighbour-unresolved" "Nobody answers to ARP or neighbour discovery for the back-end, or the router towards it." "check that it is up and on this segment: `ip neighbour show ADDRESS`, `arping -I INTERFACE ADDRESS`";
    NeighbourNotKept Note "neighbour-not-kept" "Nobody keeps the Ethernet address of the back-end fresh at the moment: XDP's packets do not count as use." "have the agent running";
    RouteMissing Warning "route-missing" "The kernel has no route to the back-end, or one that leads nowhere." "`ip route add ADDRESS via GATEWAY`";
    BackendUnreachable Warning "back-end-unreachable" "The back-end cannot be reached for another reason." "do what the reason says";
    BackendNotReady Warning "back-end-not-ready" "The agent gives the back-end no new flows." "do what the reason says";
    TunnelMtu Warning "tunnel-mtu" "Clients' packets of full size do not fit into the tunnel: clients are told, and those who do not listen are stuck." "raise the MTU of the whole way to the back-end, as with `ip link set dev INTERFACE mtu COUNT`";

    // Clients' packets.
    VipIsLocal Note "vip-is-local" "The VIP is an address of this machine: it answers ARP for it, and its own servers get what the program passes." "";
    VipNotLocal Note "vip-not-local" "The VIP is no address of this machine: nobody answers ARP for it, so routers need a route for it to this machine. Whether they have one cannot be seen from here." "a route on the router, an announcement, or `ip addr add VIP dev INTERFACE`";
    NoPackets Note "no-packets" "No packet for the service has arrived so far." "look for them with `tcpdump -eni INTERFACE host VIP` where they should come from, and check the way there";
    DroppedNoBackend Warning "dropped-no-back-end" "Packets were dropped because no back-end was there for them." "see the findings about back-ends";
    DroppedPackets Note "dropped-packets" "Packets for a VIP were dropped." "`handoff counters` has the reasons";
    TableFull Warning "table-full" "New flows found the flow table full: they move when the back-ends change." "raise flows in [flow-table], and start anew after `handoff stop --purge`";
    UnknownFlows Warning "unknown-flows" "Many packets belong to connections that nobody remembers: clients come from another balancer, or connections outlive their timeouts." "raise tcp-timeout in [flow-table], or idle-timeout of the service";

    // A back-end.
    VipHere Ok "vip" "The VIP is here, and nobody is told so." "";
    VipMissing Fault "vip-missing" "The host does not have the VIP, so it discards packets for it." "`handoff decap`, or `ip addr add VIP/LENGTH dev lo`";
    VipTentative Fault "vip-tentative" "The kernel does not use the VIP: another host has it, or it is still asking whether one has." "`ip addr replace VIP/128 dev lo nodad`";
    VipAnnounced Fault "vip-announced" "The VIP is an address of an interface that clients or balancers reach: it is answered for there, and clients go past the balancer." "`ip addr del VIP/LENGTH dev INTERFACE`, and `ip addr add VIP/LENGTH dev lo`";
    ArpAnswered Fault "arp-answered" "The host answers ARP for addresses of other interfaces, so also for the VIP on lo." "`sysctl -w net.ipv4.conf.all.arp_ignore=1`";
    ArpAnnounced Warning "arp-announced" "The host asks by ARP with the VIP as sender, which others learn from." "`sysctl -w net.ipv4.conf.all.arp_announce=2`";
    RpFilter Warning "rp-filter" "Packets out of a tunnel are discarded if the way back to their client does not lead through the interface that they came in by." "`sysctl -w net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.INTERFACE.rp_filter=0`";
    Ipv6Off Fault "ipv6-off" "IPv6 is switched off where the VIP has to be." "`sysctl -w net.ipv6.conf.INTERFACE.disable_ipv6=0`";
    Decapsulator Ok "decapsulator" "Somebody takes packets out of tunnels." "";
    DecapsulatorMissing Fault "decapsulator-missing" "Nobody takes packets out of tunnels." "`handoff decap --interface INTERFACE --vip VIP`";
    TunnelRoom Note "tunnel-room" "Packets of full size do not fit into a tunnel that ends here, unless the interface takes longer ones." "`ip link set dev INTERFACE mtu COUNT`, and the same on the balancer and all between";
    Listener Ok "listener" "A server listens on the port of the VIP." "";
    PortSilent Fault "port-silent" "No server listens on the port of the VIP." "start the server, and let it listen on VIP or on all addresses";
    NoWayBack Fault "no-way-back" "The host has no route to clients, so it cannot answer." "`ip route add default via GATEWAY`";
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_unique_and_in_kebab_case() {
        let names: BTreeSet<_> = Check::ALL.iter().map(|check| check.name()).collect();
        assert_eq!(names.len(), Check::ALL.len());
        assert!(
            names.iter().all(|name| name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'))
        );
    }

    #[test]
    fn the_documentation_has_a_row_for_each_check() {
        let documented = include_str!("../../../docs/doctor.md").lines();
        let table = documented.skip_while(|line| !line.starts_with("| finding |")).skip(2);
        let documented: Vec<_> = table.map(str::to_owned).collect();
        let row = |check: &Check| {
            format!("| `{}` | {} | {} | {} |", check.name(), check.severity(), check.meaning(), check.remedy())
                .replace("|  |", "| |")
        };
        let rows: Vec<_> = Check::ALL.iter().map(row).collect();
        assert_eq!(documented, rows, "the table should be:\n{}\n", rows.join("\n"));
    }

    #[test]
    fn what_is_wrong_has_a_remedy() {
        for check in Check::ALL.iter().filter(|check| check.severity() >= Severity::Warning) {
            assert!(!check.remedy().is_empty(), "{}", check.name());
        }
    }
}
