//! What is not for a service goes to the balancer's own network stack.

use anyhow::{Context, Result, ensure};
use etherparse::{IcmpEchoHeader, Icmpv4Header, Icmpv4Type};
use lb_tests::scene::{Responder, Scene, packets};
use lb_user::lab::Node;
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, SockaddrIn, recv, sendto, setsockopt, socket, sockopt,
};
use nix::sys::time::{TimeVal, TimeValLike};
use std::io::Read;
use std::net::Ipv4Addr;
use std::os::fd::AsRawFd;

#[test]
fn connections_to_the_balancer_itself_pass() -> Result<()> {
    let scene = Scene::set("pass-tcp", 1)?;
    let agent = scene.start_agent()?;
    let address = Node::Balancer.address().context("it has one")?;
    let _own = Responder::tcp(&scene.namespace(Node::Balancer), 8080, "balancer", 100)?;
    let before = packets(&agent, "no-service")?;
    let mut text = String::new();
    scene.connect((address, 8080))?.read_to_string(&mut text)?;
    assert_eq!(text, "balancer\n".repeat(100));
    // SYN, ACK and FIN at the least.
    ensure!(packets(&agent, "no-service")? >= before + 3, "the packets were not counted as passed");
    Ok(())
}

#[test]
fn pings_pass() -> Result<()> {
    let scene = Scene::set("pass-ping", 1)?;
    let agent = scene.start_agent()?;
    let address = Node::Balancer.address().context("it has one")?;
    let before = packets(&agent, "no-service")?;
    scene.namespace(Node::Client).run(|| ping(address))?.context("no answer to a ping")?;
    assert_eq!(packets(&agent, "no-service")?, before + 1);
    Ok(())
}

/// Sends an ICMP echo request from the namespace of this thread, and waits for the answer.
fn ping(address: Ipv4Addr) -> Result<()> {
    const HEADER: usize = 20;
    let echo = IcmpEchoHeader { id: 7, seq: 1 };
    let message = |kind: Icmpv4Type| Icmpv4Header::with_checksum(kind, &[]).to_bytes();
    let socket = socket(AddressFamily::Inet, SockType::Raw, SockFlag::empty(), SockProtocol::Icmp)?;
    setsockopt(&socket, sockopt::ReceiveTimeout, &TimeVal::seconds(5))?;
    let [a, b, c, d] = address.octets();
    let to = SockaddrIn::new(a, b, c, d, 0);
    sendto(socket.as_raw_fd(), &message(Icmpv4Type::EchoRequest(echo)), &to, MsgFlags::empty())?;
    let mut packet = [0; 64];
    let length = recv(socket.as_raw_fd(), &mut packet, MsgFlags::empty())?;
    assert_eq!(packet.get(HEADER..length), Some(&*message(Icmpv4Type::EchoReply(echo))));
    Ok(())
}
