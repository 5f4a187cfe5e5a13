use super::device::{Device, devices};
use crate::config::Protocol;
use crate::decap::settings;
use crate::doctor::BackendOptions;
use crate::doctor::host::{Arrival, Host, Settings};
use crate::network::{self, Monitor, Network};
use netlink_packet_route::link::InfoKind;
use procfs::ProcResult;
use procfs::net::{TcpNetEntry, TcpState, UdpNetEntry};
use std::collections::BTreeSet;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Some client, unless one is named: addresses for documentation (RFC 5737, RFC 3849), which no network treats in a way of its own.
const CLIENTS: [IpAddr; 2] =
    [IpAddr::V4(Ipv4Addr::new(198, 51, 100, 1)), IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0xffff, 0, 0, 0, 0, 1))];

/// This host, as a back-end.
pub(in crate::doctor) async fn host(options: &BackendOptions) -> Result<Host, network::Error> {
    let clients = clients(options);
    let network = Monitor::start().await?.snapshot(&clients.iter().copied().collect()).await?;
    let names =
        if options.interfaces.is_empty() { arrival(&network, &options.vips) } else { options.interfaces.clone() };
    let arrival: Vec<_> = names.into_iter().map(|name| interface(name, &network)).collect();
    let devices = devices().await?;
    Ok(Host {
        vips: options.vips.clone(),
        ports: options.ports.clone(),
        tunnels: options.tunnels,
        without_ipv6: without_ipv6(&arrival),
        arrival,
        all: interface_settings("all"),
        undecided: undecided(&fs::read_to_string("/proc/net/if_inet6").unwrap_or_default()),
        tunnel_devices: devices.iter().filter(|device| is_tunnel(device)).map(|device| device.name.clone()).collect(),
        listeners: listeners(),
        network,
        clients,
    })
}

/// Whom the host should be able to answer: those that are named, or somebody of each family that it has a VIP of.
fn clients(options: &BackendOptions) -> Vec<IpAddr> {
    if !options.clients.is_empty() {
        return options.clients.clone();
    }
    let has_vip = |client: &IpAddr| options.vips.iter().any(|vip| vip.is_ipv4() == client.is_ipv4());
    CLIENTS.into_iter().filter(has_vip).collect()
}

/// Interfaces that packets may arrive by: those that are up and have an address of their own.
fn arrival(network: &Network, vips: &[IpAddr]) -> Vec<String> {
    let has_own = |ifindex| network.addresses.iter().any(|own| own.ifindex == ifindex && !vips.contains(&own.address));
    network.links.values().filter(|link| link.up && has_own(link.ifindex)).map(|link| link.name.clone()).collect()
}

fn interface(name: String, network: &Network) -> Arrival {
    Arrival { link: network.link_by_name(&name).cloned(), settings: interface_settings(&name), name }
}

/// An interface that is not there has none, which is as good as nought: it is told of otherwise.
fn interface_settings(interface: &str) -> Settings {
    let value = |name| settings::get(&settings::key(interface, name)).unwrap_or_default();
    Settings { arp_ignore: value("arp_ignore"), arp_announce: value("arp_announce"), rp_filter: value("rp_filter") }
}

fn without_ipv6(arrival: &[Arrival]) -> BTreeSet<String> {
    let names = arrival.iter().map(|arrival| arrival.name.as_str()).chain(["lo"]);
    let is_off =
        |name: &&str| settings::get(&format!("net/ipv6/conf/{name}/disable_ipv6")).is_ok_and(|value| value == 1);
    names.filter(is_off).map(str::to_owned).collect()
}

/// Addresses that duplicate address detection has found elsewhere, or has not finished with; `text` is that of /proc/net/if_inet6: address,
/// index, prefix length, scope and flags in hexadecimal, and the interface.
fn undecided(text: &str) -> BTreeSet<IpAddr> {
    /// `IFA_F_TENTATIVE` and `IFA_F_DADFAILED`.
    const UNDECIDED: u32 = 0x40 | 0x08;
    let address = |line: &str| {
        let mut fields = line.split_whitespace();
        let address = u128::from_str_radix(fields.next()?, 16).ok()?;
        let flags = u32::from_str_radix(fields.nth(3)?, 16).ok()?;
        (flags & UNDECIDED != 0).then_some(IpAddr::V6(Ipv6Addr::from_bits(address)))
    };
    text.lines().filter_map(address).collect()
}

fn is_tunnel(device: &Device) -> bool {
    let is_tunnel = matches!(device.kind, Some(InfoKind::IpIp | InfoKind::Ip6Tnl | InfoKind::SitTun));
    device.is_up && is_tunnel
}

fn listeners() -> BTreeSet<(Protocol, SocketAddr)> {
    let tcp = |entries: ProcResult<Vec<TcpNetEntry>>| {
        let listening = entries.unwrap_or_default().into_iter().filter(|entry| entry.state == TcpState::Listen);
        listening.map(|entry| (Protocol::Tcp, entry.local_address)).collect::<Vec<_>>()
    };
    let udp = |entries: ProcResult<Vec<UdpNetEntry>>| {
        // One that is connected hears its own peer only.
        let open = entries.unwrap_or_default().into_iter().filter(|entry| entry.remote_address.port() == 0);
        open.map(|entry| (Protocol::Udp, entry.local_address)).collect::<Vec<_>>()
    };
    use procfs::net;
    [tcp(net::tcp()), tcp(net::tcp6()), udp(net::udp()), udp(net::udp6())].concat().into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_are_not_decided_are_told_by_their_flags() {
        let text = "00000000000000000000000000000001 01 80 10 80       lo\n\
                    20010db8000000000000000000000010 01 80 00 40       lo\n\
                    20010db8000000000000000000000011 02 40 00 88     eth0\n\
                    broken\n";
        let found: Vec<_> = undecided(text).iter().map(ToString::to_string).collect();
        assert_eq!(found, ["2001:db8::10", "2001:db8::11"]);
    }
}
