//! The switch's end of the balancer's link. What the XDP program of the balancer sends back out of its interface arrives there,
//! and a veth device takes such packets in only while it runs an XDP program itself.

use super::program::ethtool;
use super::topology::Node;
use super::{Error, Namespace, Site};
use crate::bpf::{self, Object, Pinning, Pins, Sizes};
use crate::config::XdpMode;
use crate::network::{Link, XdpAttachment};
use lb_common::wire::Mac;
use nix::net::if_::if_nametoindex;

/// Prepares the port that the balancer is connected to.
pub(super) fn prepare(site: &Site) -> Result<(), Error> {
    let (switch, port) = (site.namespace(Node::Switch), Node::Balancer.to_string());
    // A packet that is sent back by XDP takes its checksum along as it is: it has to be complete when it gets to the balancer.
    ethtool(&switch, &format!("-K {port} tx off"))?;
    switch.run(|| pass_everything(&Pins::below(&site.pin_folder(Node::Switch)), &switch, &port))?
}

/// Attaches the balancer's own program. Nobody tells it of any service, so it lets everything pass.
fn pass_everything(pins: &Pins, switch: &Namespace, port: &str) -> Result<(), Error> {
    let ifindex = if_nametoindex(port)
        .map_err(|error| Error::Namespace { namespace: switch.name().to_owned(), source: error.into() })?;
    let link = Link {
        ifindex,
        name: port.to_owned(),
        mac: Mac::default(),
        up: true,
        mtu: 1500,
        vlan: None,
        xdp: XdpAttachment::None,
    };
    pins.create()?;
    let mut object = Object::load(Sizes::LEAST, Pinning::Off)?;
    Ok(bpf::attach(&mut object, pins, &link, XdpMode::Native)?)
}
