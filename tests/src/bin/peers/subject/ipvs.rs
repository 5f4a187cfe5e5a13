use super::Standing;
use crate::load::PORT;
use crate::memory::Memory;
use crate::place::{Place, addresses};
use anyhow::Result;
use lb_user::lab::Node;
use lb_user::lab::topology::VIP;
use std::path::Path;

pub(super) const PROGRAM: &str = "ipvsadm";

/// Whether the kernel has it: a module has to be loaded before.
pub(super) fn is_available() -> bool {
    Path::new("/proc/net/ip_vs").exists()
}

struct Ipvs<'a> {
    place: &'a Place,
}

/// Round robin with direct routing. The VIP is an address of the balancer's own.
pub(super) fn start(place: &Place) -> Result<Box<dyn Standing + '_>> {
    let service = format!("{VIP}:{PORT}");
    place.scene().ip(Node::Balancer, &format!("addr add {VIP}/32 dev lo"))?;
    place.command(Node::Balancer, PROGRAM, &["--add-service", "--tcp-service", &service, "--scheduler", "rr"])?;
    for address in addresses() {
        let server = format!("{address}:{PORT}");
        let args = ["--add-server", "--tcp-service", &service, "--real-server", &server, "--gatewaying"];
        place.command(Node::Balancer, PROGRAM, &args)?;
    }
    place.forward(true)?;
    Ok(Box::new(Ipvs { place }))
}

impl Standing for Ipvs<'_> {
    /// The kernel does not tell.
    fn memory(&self) -> Result<Memory> {
        Ok(Memory { user: 0.0, kernel: None })
    }

    fn take_down(self: Box<Self>) -> Result<()> {
        self.place.forward(false)?;
        self.place.command(Node::Balancer, PROGRAM, &["--clear"])?;
        self.place.scene().ip(Node::Balancer, &format!("addr del {VIP}/32 dev lo")).map(drop)
    }
}
