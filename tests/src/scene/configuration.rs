use lb_user::lab::topology::VIP;
use lb_user::lab::{Node, Site};
use std::fmt::Write;

/// The configuration of an agent at `site`: the lines `agent` in its first table, then `services`.
pub fn configuration(site: &Site, agent: &str, services: &str) -> String {
    let (socket, pins) = (site.control_socket(), site.pin_folder(Node::Balancer));
    format!(
        "[agent]\n{agent}\ncontrol-socket = \"{}\"\npin-folder = \"{}\"\nstate-folder = \"{}\"\n{services}",
        socket.display(),
        pins.display(),
        site.state_folder().display()
    )
}

/// A service of the VIP; back-ends are names and addresses.
pub fn service(name: &str, port: u16, protocol: &str, backends: &[(&str, &str)]) -> String {
    let mut text =
        format!("[[service]]\nname = \"{name}\"\nvip = \"{VIP}\"\nport = {port}\nprotocol = \"{protocol}\"\n");
    text += "backends = [\n";
    for (name, address) in backends {
        // Writing to a string does not fail.
        let _ = writeln!(text, "    {{ name = \"{name}\", address = \"{address}\" }},");
    }
    text + "]\n"
}
