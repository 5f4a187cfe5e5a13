use super::Error;
use super::error::said;
use crate::bpf;
use crate::config::Prefix;
use crate::network::{Monitor, Network, XdpAttachment};
use nix::net::if_::if_nametoindex;
use pcap::Capture;
use serde::Serialize;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// What libpcap calls all devices at once.
const ANY: &str = "any";

/// A network device, as libpcap and the kernel know it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Device {
    /// Its name.
    pub name: String,
    /// What libpcap says about it.
    pub description: Option<String>,
    /// Its addresses.
    pub addresses: Vec<DeviceAddress>,
    /// What its packets begin with, as libpcap names it; `None` when it cannot be opened to find out, as without CAP_NET_RAW.
    pub link_type: Option<String>,
    /// Whether it is switched on.
    pub up: bool,
    /// Whether it can carry packets.
    pub running: bool,
    /// Whether it leads nowhere but to this machine.
    pub loopback: bool,
    /// The XDP program on it. Packets that the program forwards or drops cannot be captured there by way of libpcap.
    pub xdp: Option<Xdp>,
    /// Whether libpcap would choose it if nobody said which.
    pub default: bool,
}

/// An address of a device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeviceAddress {
    /// The address.
    pub address: IpAddr,
    /// Which bits of it are the network's.
    pub netmask: Option<IpAddr>,
    /// The network.
    pub network: Option<Prefix>,
}

/// An XDP program on a device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Xdp {
    /// `native`, `generic` or `offloaded`.
    pub mode: String,
    /// Its name; `None` when this process may not ask for it.
    pub program: Option<String>,
    /// Whether it is Handoff's.
    pub handoff: bool,
}

/// All network devices that packets can be captured on. Those that libpcap knows besides, as USB, are left out.
///
/// # Errors
/// When libpcap or the kernel does not say.
pub async fn devices() -> Result<Vec<Device>, Error> {
    let mut devices = known().await?;
    for device in &mut devices {
        device.link_type = link_type(&device.name);
    }
    Ok(devices)
}

/// The device that is called `name`, or the one that libpcap chooses. It is not opened, so its link type stays unknown.
///
/// # Errors
/// As [`devices`], and when there is none of this name.
pub async fn device(name: Option<&str>) -> Result<Device, Error> {
    let devices = known().await?;
    let there = devices.iter().map(|device| device.name.as_str()).collect::<Vec<_>>().join(", ");
    let found = devices.into_iter().find(|device| name.map_or(device.default, |name| device.name == name));
    found.ok_or_else(|| Error::NoDevice { name: name.unwrap_or("default").to_owned(), there })
}

async fn known() -> Result<Vec<Device>, Error> {
    let listed = pcap::Device::list().map_err(|error| Error::List(said(error)))?;
    let default = listed.first().map(|device| device.name.clone());
    let network = Monitor::start().await?.snapshot(&BTreeSet::new()).await?;
    let devices = listed.into_iter().filter(|device| device.name == ANY || if_nametoindex(&*device.name).is_ok());
    Ok(devices.map(|device| of(device, default.as_deref(), &network)).collect())
}

fn of(device: pcap::Device, default: Option<&str>, network: &Network) -> Device {
    Device {
        description: device.desc.clone(),
        addresses: device.addresses.iter().map(address).collect(),
        link_type: None,
        up: device.flags.is_up(),
        running: device.flags.is_running(),
        loopback: device.flags.is_loopback(),
        xdp: network.link_by_name(&device.name).and_then(|link| xdp(link.xdp)),
        default: default == Some(device.name.as_str()),
        name: device.name,
    }
}

fn address(address: &pcap::Address) -> DeviceAddress {
    let bits = address.netmask.map(|mask| match mask {
        IpAddr::V4(mask) => mask.to_bits().leading_ones(),
        IpAddr::V6(mask) => mask.to_bits().leading_ones(),
    });
    let network = bits.map(|bits| Prefix::of(address.addr, bits as u8));
    DeviceAddress { address: address.addr, netmask: address.netmask, network }
}

fn xdp(attached: XdpAttachment) -> Option<Xdp> {
    let (XdpAttachment::Native(id) | XdpAttachment::Generic(id) | XdpAttachment::Offloaded(id)) = attached else {
        return None;
    };
    let program = bpf::program_name(id);
    Some(Xdp { mode: attached.to_string(), handoff: program.as_deref().is_some_and(bpf::is_ours), program })
}

/// libpcap tells the type of what is open.
fn link_type(name: &str) -> Option<String> {
    Capture::from_device(name).ok()?.open().ok()?.get_datalink().get_name().ok()
}
