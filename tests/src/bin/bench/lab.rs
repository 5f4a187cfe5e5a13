//! Forwarding in the lab while somebody captures: an agent and `handoff capture` as anybody starts them, and frames that come as fast as wanted.

use crate::harness::Harness;
use crate::line::Line;
use crate::measure::median;
use crate::packet::{Packet, VIP_V4};
use anyhow::{Context, Result, ensure};
use lb_tests::scene::{ON_ETH0, Scene, handoff};
use lb_user::lab::Agent;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::Serialize;
use std::net::Ipv4Addr;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Flows of four clients, 10.0.0.0 to 10.0.0.3.
const FLOWS: u64 = 1 << 16;
/// Frames a second, where they come evenly.
const OFFERED: u32 = 500_000;
/// How long they come in each round.
const TIME: Duration = Duration::from_secs(2);
/// Frames of a round, where they come as fast as they can.
const MOST: u32 = 2_000_000;
/// What one of four packets is.
const FILTER: &str = "tcp port 443 and host 10.0.0.1";

/// What a capture costs.
#[derive(Debug, Serialize)]
pub(crate) struct CaptureCost {
    /// Frames a second that were offered.
    pub(crate) offered: u32,
    /// The share of them that came back, without and with a capture, the median of all rounds.
    pub(crate) forwarded: [f64; 2],
    /// Million frames a second that came back when as many as possible were offered, without and with a capture, the median of all rounds.
    pub(crate) mpps: [f64; 2],
    /// Packets that were captured in a round, at least.
    pub(crate) captured: u64,
}

/// Measures with and without a capture by turns, in `rounds` rounds.
pub(crate) fn measure(harness: &mut Harness, rounds: usize) -> Result<CaptureCost> {
    let scene = Scene::set("bench-capture", 3)?;
    let _agent = start_agent(&scene)?;
    let mut line = Line::to_balancer(harness, &scene, Packet::Ack, FLOWS)?;
    // The first packet of a flow opens it, the second makes it established.
    for _ in 0..2 {
        line.send(FLOWS as u32)?;
    }

    let (mut forwarded, mut mpps, mut captured) = ([vec![], vec![]], [vec![], vec![]], u64::MAX);
    for _ in 0..rounds {
        for with_capture in [0, 1] {
            let capture = (with_capture == 1).then(|| Capture::start(&scene)).transpose()?;
            let (sent, back) = line.evenly(OFFERED, TIME)?;
            forwarded[with_capture].push(back as f64 / sent as f64);
            let (back, time) = line.send(MOST)?;
            mpps[with_capture].push(back as f64 / time.as_micros() as f64);
            if let Some(capture) = capture {
                captured = captured.min(capture.end()?);
            }
        }
    }
    ensure!(captured > 0, "nothing was captured");
    let middle = |mut samples: Vec<f64>| {
        samples.sort_by(f64::total_cmp);
        median(&samples)
    };
    Ok(CaptureCost { offered: OFFERED, forwarded: forwarded.map(middle), mpps: mpps.map(middle), captured })
}

/// An agent with a service for the frames of the harness. Nobody answers at the back-ends, so their Ethernet addresses are said.
fn start_agent(scene: &Scene) -> Result<Agent> {
    let backend = |number| {
        format!(
            "{{ name = \"server-{number}\", address = \"198.18.1.{number}\", mac = \"02:00:00:00:01:0{number}\", interface = \"eth0\" }}"
        )
    };
    let backends: Vec<_> = (1..=3).map(backend).collect();
    let (vip, backends) = (Ipv4Addr::from(VIP_V4), backends.join(", "));
    let service = format!("[[service]]\nname = \"web\"\nvip = \"{vip}\"\nport = 443\nbackends = [{backends}]\n");
    scene.start_agent_with(ON_ETH0, &service)
}

/// A capture under way.
struct Capture {
    process: Child,
    _folder: TempDir,
}

impl Capture {
    fn start(scene: &Scene) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("capture.pcapng");
        let mut command = handoff(&["capture", FILTER, "--write"]);
        command.arg(&file).arg("--socket").arg(scene.site().control_socket()).stderr(Stdio::piped());
        let process = command.spawn()?;
        let start = Instant::now();
        while !file.exists() {
            ensure!(start.elapsed() < Duration::from_secs(5), "the capture does not begin");
            sleep(Duration::from_millis(10));
        }
        // The agent looks for records every 50 ms.
        sleep(Duration::from_millis(200));
        Ok(Self { process, _folder: folder })
    }

    /// Ends it; how many packets it has written.
    fn end(self) -> Result<u64> {
        kill(Pid::from_raw(self.process.id() as i32), Signal::SIGINT)?;
        let output = self.process.wait_with_output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        let captured = said.split_once(" packets captured").with_context(|| format!("the capture says: {said}"))?.0;
        Ok(captured.trim().parse()?)
    }
}
