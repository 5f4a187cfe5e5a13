use super::Standing;
use crate::bpf::program_time;
use crate::load::PORT;
use crate::memory::{Memory, process_memory};
use crate::place::{Place, backends};
use anyhow::{Context, Result, ensure};
use lb_tests::memory::pinned_maps;
use lb_tests::scene::{Decap, ON_ETH0, handoff, service};
use lb_user::lab::topology::VIP;
use lb_user::lab::{Agent, Node};

/// Where tunnels begin. Nobody has these addresses.
const TUNNEL_SOURCE: &str = "172.16.0.0/16";

struct Handoff<'a> {
    place: &'a Place,
    agent: Agent,
    /// The kernel's number of the XDP program.
    program: u32,
    _decaps: Vec<Decap>,
}

/// Starts the agent with a service for the back-ends, as anybody would.
pub(super) fn start(place: &Place, by_tunnel: bool) -> Result<Box<dyn Standing + '_>> {
    let nodes = || if by_tunnel { backends().collect() } else { vec![] };
    let decaps = nodes().into_iter().map(|node| decap(place, node)).collect::<Result<_>>()?;
    let backends: Vec<_> =
        backends().filter_map(|node| Some((node.to_string(), node.address()?.to_string()))).collect();
    let backends: Vec<_> = backends.iter().map(|(name, address)| (name.as_str(), address.as_str())).collect();
    let mut services = service("peers", PORT, "tcp", &backends);
    if by_tunnel {
        services += &format!("forwarding = \"ipip\"\ntunnel-source = [{TUNNEL_SOURCE:?}]\n");
    }
    let agent = place.scene().start_agent_with(ON_ETH0, &services)?;
    let attached = place.scene().attached("eth0")?.context("there is no XDP program at the balancer")?;
    ensure!(attached.is_native, "the XDP program is not native");
    Ok(Box::new(Handoff { place, agent, program: attached.program, _decaps: decaps }))
}

fn decap(place: &Place, node: Node) -> Result<Decap> {
    let mut command = handoff(&["decap", "--json", "--interface", "eth0", "--source", TUNNEL_SOURCE]);
    command.args(["--vip", &VIP.to_string(), "--run-folder"]).arg(place.file(&format!("decap-{node}")));
    let log = place.file(&format!("decap-{node}.log"));
    place.scene().namespace(node).run(|| Decap::start(&mut command, log))?
}

impl Standing for Handoff<'_> {
    fn memory(&self) -> Result<Memory> {
        let pins = self.place.scene().site().pin_folder(Node::Balancer);
        Ok(Memory { user: process_memory(self.agent.id())?, kernel: Some(pinned_maps(&pins)?) })
    }

    fn program_time(&self) -> Result<Option<f64>> {
        program_time(self.program).map(Some)
    }

    fn take_down(self: Box<Self>) -> Result<()> {
        self.agent.terminate()?;
        let purged = self.place.scene().purge()?;
        ensure!(purged.code == Some(0), "cannot stop forwarding: {purged:?}");
        Ok(())
    }
}
