//! Runs a program many times in the kernel, on packets that are made anew each time. See `lb-ebpf/src/bench/harness.rs`.

use crate::packet::Packet;
use crate::subject::BALANCER;
use anyhow::{Context, Result};
use aya::maps::{Array, MapData, PerCpuArray, ProgramArray};
use aya::programs::{TestRun, TestRunAttrs, TestRunOptions, Xdp, XdpMode};
use aya::{Ebpf, Pod};
use lb_common::wire::{Be16, Mac};
use std::time::{Duration, Instant};

/// Which flows to make packets of. Laid out as the harness's own.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Traffic {
    /// Number of the next packet.
    next: u64,
    /// What a packet's number is multiplied by to give its flow: an odd number, which decides the order that flows come in.
    stride: u64,
    /// Flows, a power of two, minus one.
    flow_mask: u64,
    destination: Mac,
    /// What the packets are.
    ether_type: Be16,
    /// The interface that generated packets leave by.
    ifindex: u32,
    /// Length of the packets.
    len: u32,
}

// SAFETY: numbers and byte arrays, without padding.
unsafe impl Pod for Traffic {}

impl Traffic {
    /// Packets of the first `flows` flows, a power of two, in the order in which they were opened.
    pub(crate) fn in_order(packet: Packet, flows: u64) -> Self {
        let (ether_type, len) = (packet.ether_type(), packet.frame().len() as u32);
        Self { next: 0, stride: 1, flow_mask: flows - 1, destination: BALANCER, ether_type, ifindex: 0, len }
    }

    /// The same flows in an order that has nothing to do with the one in which they were opened, as packets come in.
    pub(crate) fn shuffled(packet: Packet, flows: u64) -> Self {
        Self { stride: 0x9e37_79b9_7f4a_7c15, ..Self::in_order(packet, flows) }
    }

    /// The same packets, for another Ethernet address.
    pub(crate) fn to(self, destination: Mac) -> Self {
        Self { destination, ..self }
    }

    /// The same packets, sent out of an interface.
    pub(crate) fn leaving_by(self, ifindex: u32) -> Self {
        Self { ifindex, ..self }
    }
}

/// The benchmark's own programs, loaded.
pub(crate) struct Harness {
    ebpf: Ebpf,
    traffic: Array<MapData, Traffic>,
    target: ProgramArray<MapData>,
    sunk: PerCpuArray<MapData, u64>,
}

impl Harness {
    /// Loads the programs of the benchmark object.
    pub(crate) fn load(object: &[u8]) -> Result<Self> {
        let mut ebpf = Ebpf::load(object)?;
        for name in ["harness", "generate", "floor", "grow", "sink"] {
            program(&mut ebpf, name)?.load()?;
        }
        let missing = |name: &'static str| move || format!("the benchmark object has no map {name}");
        let traffic = ebpf.take_map("TRAFFIC").with_context(missing("TRAFFIC"))?.try_into()?;
        let target = ebpf.take_map("TARGET").with_context(missing("TARGET"))?.try_into()?;
        let sunk = ebpf.take_map("SUNK").with_context(missing("SUNK"))?.try_into()?;
        Ok(Self { ebpf, traffic, target, sunk })
    }

    /// The program that only sends packets back.
    pub(crate) fn floor(&mut self) -> Result<&mut Xdp> {
        program(&mut self.ebpf, "floor")
    }

    /// Makes `program` the one to run.
    pub(crate) fn target(&mut self, program: &Xdp) -> Result<()> {
        Ok(self.target.set(0, program.fd()?, 0)?)
    }

    /// Makes a program of the harness's own the one to run.
    pub(crate) fn target_own(&mut self, name: &str) -> Result<()> {
        let program = program(&mut self.ebpf, name)?.fd()?;
        Ok(self.target.set(0, program, 0)?)
    }

    /// Says which packets come next.
    pub(crate) fn traffic(&mut self, traffic: Traffic) -> Result<()> {
        Ok(self.traffic.set(0, traffic, 0)?)
    }

    /// Runs the target on `packets` packets; nanoseconds per packet, the harness's own included. Before there is a target, the
    /// harness alone.
    pub(crate) fn run(&mut self, packet: Packet, packets: u32) -> Result<f64> {
        let frame = packet.frame();
        let options = TestRunOptions { data_in: Some(&frame), repeat: packets, ..TestRunOptions::new() };
        let harness = program(&mut self.ebpf, "harness")?;
        let start = Instant::now();
        harness.test_run(options)?;
        Ok(start.elapsed().as_nanos() as f64 / f64::from(packets))
    }

    /// Takes packets away that come in by the interface.
    pub(crate) fn sink(&mut self, interface: &str) -> Result<()> {
        program(&mut self.ebpf, "sink")?.attach(interface, XdpMode::Driver)?;
        Ok(())
    }

    /// Sends packets out of the interface that the traffic names, as fast as this CPU can; how many the sink took, and in what time.
    pub(crate) fn generate(&mut self, packet: Packet, packets: u32) -> Result<(u64, Duration)> {
        const BATCH: u32 = 64;
        let frame = packet.frame();
        let attrs = TestRunAttrs::new().xdp_live_frames(BATCH);
        let options = TestRunOptions { data_in: Some(&frame), repeat: packets, attrs, ..TestRunOptions::new() };
        let before = self.sunk()?;
        let generate = program(&mut self.ebpf, "generate")?;
        let start = Instant::now();
        generate.test_run(options)?;
        Ok((self.sunk()? - before, start.elapsed()))
    }

    fn sunk(&self) -> Result<u64> {
        Ok(self.sunk.get(&0, 0)?.iter().sum())
    }
}

fn program<'a>(ebpf: &'a mut Ebpf, name: &str) -> Result<&'a mut Xdp> {
    let program = ebpf.program_mut(name).with_context(|| format!("the benchmark object has no program {name}"))?;
    Ok(program.try_into()?)
}
