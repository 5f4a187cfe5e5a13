use super::Standing;
use crate::load::PORT;
use crate::memory::{Memory, connection_tracking_memory};
use crate::place::{Place, addresses};
use anyhow::{Context, Result};
use lb_user::lab::Node;
use lb_user::lab::topology::VIP;
use std::fs;

pub(super) const PROGRAM: &str = "nft";

struct Nftables<'a> {
    place: &'a Place,
}

/// Translates addresses in turn. Answers come back through the balancer, so no other address has to be translated.
pub(super) fn start(place: &Place) -> Result<Box<dyn Standing + '_>> {
    let file = place.file("peers.nft");
    fs::write(&file, rules())?;
    place.command(Node::Balancer, PROGRAM, &["-f", file.to_str().context("the name of a lab is ASCII")?])?;
    place.forward(true)?;
    Ok(Box::new(Nftables { place }))
}

fn rules() -> String {
    let backends: Vec<_> =
        addresses().iter().enumerate().map(|(number, address)| format!("{number} : {address}")).collect();
    format!(
        "table ip peers {{
    chain in-turn {{
        type nat hook prerouting priority dstnat;
        ip daddr {VIP} tcp dport {PORT} dnat to numgen inc mod {} map {{ {} }}
    }}
}}
",
        backends.len(),
        backends.join(", ")
    )
}

impl Standing for Nftables<'_> {
    fn memory(&self) -> Result<Memory> {
        let kernel = self.place.scene().namespace(Node::Balancer).run(connection_tracking_memory)??;
        Ok(Memory { user: 0.0, kernel })
    }

    fn take_down(self: Box<Self>) -> Result<()> {
        self.place.forward(false)?;
        self.place.command(Node::Balancer, PROGRAM, &["delete", "table", "ip", "peers"])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_backend_has_its_turn() {
        let rule = "dnat to numgen inc mod 3 map { 0 : 198.18.1.1, 1 : 198.18.1.2, 2 : 198.18.1.3 }";
        assert!(rules().contains(rule), "{}", rules());
    }
}
