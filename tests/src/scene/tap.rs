use anyhow::Result;
use etherparse::{NetSlice, SlicedPacket};
use lb_user::lab::Namespace;
use nix::sys::socket::{AddressFamily, SockFlag, SockProtocol, SockType, socket};
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::net::IpAddr;

/// A look at the packets of a network stack. What an XDP program takes away, it does not see.
#[derive(Debug)]
pub struct Tap {
    socket: File,
}

impl Tap {
    /// Sees whatever from now on comes to or leaves the stack of `namespace`, until its buffer is full.
    ///
    /// # Errors
    /// When the kernel has no packet sockets.
    pub fn at(namespace: &Namespace) -> Result<Self> {
        let open = || socket(AddressFamily::Packet, SockType::Raw, SockFlag::SOCK_NONBLOCK, SockProtocol::EthAll);
        Ok(Self { socket: namespace.run(open)??.into() })
    }

    /// The sources of the IP packets that it has seen and not yet told of.
    ///
    /// # Errors
    /// When the kernel does not tell.
    pub fn sources(&mut self) -> Result<Vec<IpAddr>> {
        let mut sources = Vec::new();
        let mut frame = [0; 2048];
        loop {
            match self.socket.read(&mut frame) {
                Ok(len) => sources.extend(source(&frame[..len])),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(sources),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

fn source(frame: &[u8]) -> Option<IpAddr> {
    match SlicedPacket::from_ethernet(frame).ok()?.net? {
        NetSlice::Ipv4(packet) => Some(packet.header().source_addr().into()),
        NetSlice::Ipv6(packet) => Some(packet.header().source_addr().into()),
        NetSlice::Arp(_) => None,
    }
}
