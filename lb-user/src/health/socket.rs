//! The sockets of probes. They are plain but for the mark of those that go by way of the VIP.

use super::target::Target;
use nix::sys::socket::{setsockopt, sockopt};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::AsFd;
use tokio::net::{TcpSocket, TcpStream, UdpSocket};

/// Longest segment of a marked connection, in bytes: small enough for any tunnel.
const SEGMENT: u32 = 1_200;

/// Connects to a back-end; with a mark, by way of the VIP.
///
/// # Errors
/// When it, or the network, refuses.
pub(crate) async fn tcp(address: SocketAddr, mark: Option<u32>) -> io::Result<TcpStream> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A reset at the end: connections that wait for late packets would use up the ports.
    socket.set_zero_linger()?;
    if let Some(mark) = mark {
        setsockopt(&socket, sockopt::TcpMaxSeg, &SEGMENT)?;
        set_mark(&socket, mark)?;
        // Ports tell answers from a VIP apart. The kernel would give one port to connections to several back-ends.
        socket.bind(any_port(address))?;
    }
    socket.connect(address).await
}

/// A socket that takes datagrams of a target alone.
///
/// # Errors
/// When there is no way to it.
pub(super) async fn udp(target: &Target) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind(any_port(target.address)).await?;
    if let Some(mark) = target.mark {
        set_mark(&socket, mark)?;
    }
    socket.connect(target.address).await?;
    Ok(socket)
}

fn set_mark(socket: &impl AsFd, mark: u32) -> io::Result<()> {
    Ok(setsockopt(socket, sockopt::Mark, &mark)?)
}

/// A port of the system's choice, of the family of `address`.
fn any_port(address: SocketAddr) -> SocketAddr {
    let any = match address {
        SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    SocketAddr::new(any, 0)
}
