use super::{Scene, outcome};
use anyhow::{Result, ensure};
use lb_user::lab::Node;
use std::net::IpAddr;
use std::process::Command;

/// Router and client on the segment between them, by family.
const ENDS: [[&str; 2]; 2] = [["198.19.0.2", "198.19.0.1"], ["2001:2:0:1::2", "2001:2:0:1::1"]];
/// Behind addresses of a family where they are given to interfaces. Nobody has to find out whether another has the same.
const FORMS: [&str; 2] = ["/16", "/64 nodad"];

impl Scene {
    /// Puts a router between the client and all others, which send to it whatever is not for them. It takes the client's place on the
    /// switch, addresses included. Packets of up to `mtu` bytes fit through its link to the client, who does not know of that.
    ///
    /// # Errors
    /// When a part of it cannot be made.
    pub fn put_router(&self, mtu: u16) -> Result<()> {
        let [client, router] = [Node::Client, Node::Router].map(|node| self.namespace(node));
        let made = outcome(Command::new("ip").args(["netns", "add", router.name()]))?;
        ensure!(made.code == Some(0), "{made:?}");
        for key in ["ipv4/ip_forward", "ipv6/conf/all/forwarding"] {
            self.write(Node::Router, key, "1")?;
        }
        self.ip(Node::Client, &format!("link set eth0 netns {router}"))?;
        self.ip(Node::Router, &format!("link add eth1 mtu {mtu} type veth peer name eth0 mtu 1500 netns {client}"))?;
        for (node, interface) in [(Node::Router, "eth0"), (Node::Router, "eth1"), (Node::Client, "eth0")] {
            self.ip(node, &format!("link set {interface} up"))?;
        }
        let places = [Node::Client.address().map(IpAddr::V4), Node::Client.address_v6().map(IpAddr::V6)];
        for ((place, form), [near, far]) in places.into_iter().flatten().zip(FORMS).zip(ENDS) {
            self.ip(Node::Router, &format!("addr add {place}{form} dev eth0"))?;
            self.ip(Node::Router, &format!("addr add {near}{form} dev eth1"))?;
            self.ip(Node::Client, &format!("addr add {far}{form} dev eth0"))?;
            self.ip(Node::Client, &format!("route add default via {near}"))?;
            for node in self.stage().topology().servers().chain([Node::Balancer]) {
                self.ip(node, &format!("route add default via {place}"))?;
            }
        }
        Ok(())
    }
}
