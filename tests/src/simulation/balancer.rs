use crate::vector::Setup;
use crate::world::{ROUTER, WAN};
use anyhow::{Context, Result};
use etherparse::{PacketBuilder, PacketBuilderStep, TcpHeader};
use lb_common::abi::{ticks, ticks_between};
use lb_user::dataplane::memory::{CLIENT_BUCKETS, MemoryDataplane};
use lb_user::dataplane::{Dataplane, FlowCensus};
use lb_user::lab::Policy;
use lb_user::state::{Desired, DesiredService, Load, Memory, Observed, plan};
use std::net::Ipv4Addr;
use std::ops::Range;
use std::time::Duration;

const VIP: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 10);
const PORT: u16 = 443;

/// Buckets of the flow table: room for ten times the flows that there are at a time.
const BUCKETS: u32 = 1 << 11;

/// Ports that clients connect from.
const CLIENT_PORTS: Range<u16> = 1_024..65_000;

/// A balancer with one service: the packet logic over maps in memory, and the agent's part.
pub struct Balancer {
    dataplane: MemoryDataplane,
    desired: Desired,
    observed: Observed,
    memory: Memory,
    /// What the agent saw when it looked last: live flows, and how many the scheduler had handed out.
    census: FlowCensus,
    scheduled: u64,
    next_port: u16,
}

/// An open connection.
#[derive(Clone, Copy, Debug)]
pub struct Connection {
    client: Ipv4Addr,
    /// The client's port. No other open connection has it.
    pub port: u16,
    /// Slot of the back-end that it is with; slots are counted from 0.
    pub backend: u16,
}

impl Balancer {
    /// A balancer whose service hands out new flows to `backends` back-ends by `policy`.
    ///
    /// # Errors
    /// When there can be no such service.
    pub fn new(policy: &Policy, backends: u8) -> Result<Self> {
        let backends: Vec<String> = (1..=backends).map(|number| format!("server-{number}")).collect();
        let setup: Setup = toml::from_str(&format!(
            "[services.web]\nvip = \"{VIP}\"\nport = {PORT}\nbackends = {backends:?}\n{policy}"
        ))?;
        let mut desired = setup.resolve()?.desired;
        desired.settings.bucket_mask = BUCKETS - 1;
        desired.settings.client_mask = CLIENT_BUCKETS as u32 - 1;
        let mut balancer = Self {
            dataplane: MemoryDataplane::new(BUCKETS as usize),
            desired,
            observed: Observed::default(),
            memory: Memory::default(),
            census: FlowCensus::default(),
            scheduled: 0,
            next_port: CLIENT_PORTS.start,
        };
        balancer.reconcile(&Load::default())?;
        Ok(balancer)
    }

    /// Opens a connection of `client`.
    ///
    /// # Errors
    /// When its packets go to no back-end.
    pub fn open(&mut self, client: Ipv4Addr) -> Result<Connection> {
        let port = self.next_port;
        self.next_port = if port + 1 < CLIENT_PORTS.end { port + 1 } else { CLIENT_PORTS.start };
        let backend = self.send(segment(client, port).syn())?;
        self.send(segment(client, port).ack(1))?;
        Ok(Connection { client, port, backend })
    }

    /// Closes a connection, from the client's side.
    ///
    /// # Errors
    /// When its packets go to no back-end.
    pub fn close(&self, connection: &Connection) -> Result<()> {
        self.send(segment(connection.client, connection.port).ack(1).fin()).map(drop)
    }

    /// Lets time pass until so long after the beginning.
    pub fn wait_until(&self, then: Duration) {
        let then = ticks(then.as_nanos() as u64);
        self.dataplane.wait(ticks_between(self.dataplane.now(), then));
    }

    /// What the agent does once a second.
    ///
    /// # Errors
    /// When there is no room for what it wants to do.
    pub fn look_after_load(&mut self) -> Result<()> {
        self.census = self.dataplane.flows();
        // Otherwise nothing has changed that it would do anything about.
        if self.desired.services.values().any(DesiredService::heeds_load) {
            let load = self.load();
            self.reconcile(&load)?;
        }
        Ok(())
    }

    /// Live flows of each back-end, as the agent counted them last.
    pub fn live_flows(&self) -> Vec<u64> {
        let slots = self.observed.backends.keys();
        slots.map(|slot| self.census.live.get(slot).copied().unwrap_or(0)).collect()
    }

    /// Sends a segment; returns the slot of the back-end that it goes to.
    fn send(&self, segment: PacketBuilderStep<TcpHeader>) -> Result<u16> {
        let mut frame = Vec::with_capacity(64);
        segment.write(&mut frame, &[])?;
        let outcome = self.dataplane.run(&mut frame);
        let (backend, _) = outcome.to.with_context(|| format!("a packet was not forwarded: {:?}", outcome.verdict))?;
        Ok(backend)
    }

    /// What there is to do.
    fn load(&mut self) -> Load {
        let ids: Vec<u32> = self.observed.services.values().map(|service| service.service.id).collect();
        let Ok(counters) = self.dataplane.counters(&ids, &[]);
        let new_flows = counters.services.iter().map(|(&id, service)| (id, service.new_flows));
        let scheduled = new_flows.clone().map(|(_, flows)| flows).sum();
        let before = std::mem::replace(&mut self.scheduled, scheduled);
        Load {
            live_flows: self.census.live.clone(),
            new_flows: new_flows.map(|(id, flows)| (id, flows - before)).collect(),
        }
    }

    fn reconcile(&mut self, load: &Load) -> Result<()> {
        for change in plan(&self.desired, &self.observed, load, &mut self.memory, self.dataplane.now()).complete()? {
            let Ok(()) = self.dataplane.apply(&change);
            self.observed.follow(&change);
        }
        Ok(())
    }
}

/// A segment of a client's, for the service.
fn segment(client: Ipv4Addr, port: u16) -> PacketBuilderStep<TcpHeader> {
    PacketBuilder::ethernet2(ROUTER.octets(), WAN.mac.octets()).ipv4(client.octets(), VIP.octets(), 64).tcp(
        port,
        PORT,
        1,
        u16::MAX,
    )
}
