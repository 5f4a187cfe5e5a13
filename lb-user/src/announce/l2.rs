use super::Error;
use super::driver::Action;
use super::frame::frame;
use crate::config::InterfaceName;
use lb_common::wire::Mac;
use netlink_packet_route::address::AddressHeaderFlags;
use nix::errno::Errno;
use nix::ifaddrs::getifaddrs;
use nix::net::if_::if_nametoindex;
use nix::sys::socket::{AddressFamily, LinkAddr, MsgFlags, SockFlag, SockType, sendto, socket};
use std::io;
use std::net::IpAddr;
use std::os::fd::AsRawFd;
use std::time::Duration;
use tokio::time::sleep;

/// How often neighbours are told, and how long there is between: frames to everybody get lost.
const FRAMES: u32 = 3;
const PAUSE: Duration = Duration::from_millis(50);

/// The segments of some interfaces: the VIP becomes an address of theirs, so that the kernel answers for it, and the neighbours are told.
pub(super) struct L2 {
    interfaces: Vec<String>,
}

impl L2 {
    pub(super) fn new(interfaces: &[InterfaceName]) -> Self {
        Self { interfaces: interfaces.iter().map(ToString::to_string).collect() }
    }

    pub(super) async fn make(&self, vip: IpAddr, action: Action) -> Result<(), Error> {
        for interface in &self.interfaces {
            let failed = |what| move |source| Error::Interface { interface: interface.clone(), what, source };
            match action {
                Action::Announce => {
                    own(interface, vip).await.map_err(failed("cannot be given the VIP"))?;
                    tell(interface, vip).await.map_err(failed("cannot tell neighbours of the VIP"))?;
                }
                Action::Withdraw => disown(interface, vip).await.map_err(failed("cannot be taken the VIP from"))?,
            }
        }
        Ok(())
    }
}

fn host_len(vip: IpAddr) -> u8 {
    if vip.is_ipv4() { 32 } else { 128 }
}

/// Gives the VIP to the interface; one that has it keeps it.
async fn own(interface: &str, vip: IpAddr) -> io::Result<()> {
    let ifindex = if_nametoindex(interface)?;
    let (connection, requests, _) = rtnetlink::new_connection()?;
    let connection = tokio::spawn(connection);
    let mut request = requests.address().add(ifindex, vip, host_len(vip)).replace();
    if vip.is_ipv6() {
        // Who had it before may not be gone for long.
        request.message_mut().header.flags |= AddressHeaderFlags::Nodad;
    }
    let done = request.execute().await.map_err(reason);
    connection.abort();
    done
}

/// Takes the VIP from the interface, if it has it as an address of its own and not of a subnet.
async fn disown(interface: &str, vip: IpAddr) -> io::Result<()> {
    let ifindex = if_nametoindex(interface)?;
    let (connection, requests, _) = rtnetlink::new_connection()?;
    let connection = tokio::spawn(connection);
    // An address is told from others by what it is made from.
    let message = requests.address().add(ifindex, vip, host_len(vip)).message_mut().clone();
    let done = requests.address().del(message).execute().await.map_err(reason);
    connection.abort();
    match done {
        Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable => Ok(()),
        done => done,
    }
}

/// Tells all hosts on the interface's segment that the VIP is here.
async fn tell(interface: &str, vip: IpAddr) -> io::Result<()> {
    let link = link(interface)?;
    let mac = link.addr().map(Mac::new).ok_or_else(|| io::Error::other("it has no Ethernet address"))?;
    let frame = frame(vip, mac);
    // With protocol 0 it receives nothing.
    let socket = socket(AddressFamily::Packet, SockType::Raw, SockFlag::SOCK_CLOEXEC, None)?;
    for _ in 0..FRAMES {
        sendto(socket.as_raw_fd(), &frame, &link, MsgFlags::empty())?;
        sleep(PAUSE).await;
    }
    Ok(())
}

/// The interface's own address for packet sockets.
fn link(interface: &str) -> io::Result<LinkAddr> {
    let addresses = getifaddrs()?.filter(|address| address.interface_name == interface);
    let mut links = addresses.filter_map(|address| address.address?.as_link_addr().copied());
    links.next().ok_or_else(|| Errno::ENODEV.into())
}

/// What the kernel says, without netlink's wrapping.
fn reason(error: rtnetlink::Error) -> io::Error {
    match error {
        rtnetlink::Error::NetlinkError(message) => message.to_io(),
        other => io::Error::other(other),
    }
}
