//! Capture by way of libpcap: real packets in namespaces, and what libpcap sees of a device with an XDP program.

use anyhow::{Context, Result, ensure};
use lb_tests::scene::{Outcome, Responder, Scene, as_nobody, echo, handoff, outcome};
use lb_user::lab::{Namespace, Node};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::Duration;

/// A server of the lab that sends datagrams back, and the balancer, which sends them.
const SERVER: Node = Node::Server(1);
const ECHO: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(198, 18, 1, 1), 7);
/// Bytes of a datagram, and of the frames that it and its answer are in: the answer begins with 16 bytes of the server's name.
const DATAGRAM: u64 = 1000;
const FRAMES: [u32; 2] = [1042, 1058];

#[test]
fn the_devices_are_those_that_the_kernel_has() -> Result<()> {
    let scene = Scene::set("devices", 1)?;
    let listed = |scene: &Scene| -> Result<Vec<Value>> {
        let outcome = scene.at_balancer(&mut handoff(&["devices", "--json"]))?;
        serde_json::from_str(&outcome.stdout).with_context(|| format!("{outcome:?}"))
    };
    let devices = listed(&scene)?;
    let eth0 = named(&devices, "eth0")?;
    assert_eq!(eth0["xdp"], Value::Null);
    let flags = ["up", "running", "loopback", "default"].map(|flag| eth0[flag].as_bool());
    assert_eq!(flags, [Some(true), Some(true), Some(false), Some(true)], "{eth0}");
    assert_eq!(eth0["link_type"], "EN10MB");
    assert_eq!(named(&devices, "lo")?["loopback"], true);
    named(&devices, "any")?;

    let known: Vec<Value> = serde_json::from_str(&scene.ip(Node::Balancer, "-json address show")?)?;
    for link in known {
        let name = link["ifname"].as_str().context("a link has a name")?;
        let field = |value: &Value, key: &str| value[key].as_str().unwrap_or_default().to_owned();
        let of_kernel: BTreeSet<_> = link["addr_info"]
            .as_array()
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .into_iter()
            .map(|info| format!("{}/{}", field(info, "local"), info["prefixlen"]))
            .collect();
        let device = named(&devices, name)?;
        let of_libpcap: BTreeSet<_> = device["addresses"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|address| {
                let network = field(address, "network");
                format!("{}/{}", field(address, "address"), network.split_once('/').map_or("", |(_, bits)| bits))
            })
            .collect();
        assert_eq!(of_libpcap, of_kernel, "{name}");
    }

    let _agent = scene.start_agent()?;
    let devices = listed(&scene)?;
    let xdp = &named(&devices, "eth0")?["xdp"];
    ensure!(xdp["handoff"] == true && xdp["mode"] == "native", "{xdp}");
    let table = scene.at_balancer(&mut handoff(&["devices"]))?;
    ensure!(table.stdout.contains("native, Handoff's"), "{table:?}");
    Ok(())
}

#[test]
fn packets_pass_the_filter_and_are_counted() -> Result<()> {
    let scene = Scene::set("capture-pcap", 1)?;
    let server = scene.namespace(SERVER);
    let _echo = Responder::echoing(&server, ECHO.into(), "server-1")?;
    let capture = Capture::start(&server, &["-i", "eth0", "-c", "4", "udp", "and", "port 7"])?;
    exchange(&scene, 5)?;
    let outcome = capture.outcome()?;
    ensure!(outcome.code == Some(0), "{outcome:?}");
    let lines: Vec<_> = outcome.stdout.lines().collect();
    assert_eq!(lines.len(), 4, "{outcome:?}");
    ensure!(lines[0].contains("Z udp 198.18.0.2:") && lines[0].ends_with(" > 198.18.1.1:7 1042 bytes"), "{outcome:?}");
    ensure!(lines[1].contains("Z udp 198.18.1.1:7 > ") && lines[1].ends_with(" 1058 bytes"), "{outcome:?}");
    ensure!(outcome.stderr.starts_with("4 packets captured\n"), "{outcome:?}");
    ensure!(outcome.stderr.contains("\n0 packets dropped by the kernel"), "{outcome:?}");
    Ok(())
}

#[test]
fn a_file_has_68_bytes_of_each_packet_and_a_signal_ends_it() -> Result<()> {
    let scene = Scene::set("capture-file", 1)?;
    let server = scene.namespace(SERVER);
    let _echo = Responder::echoing(&server, ECHO.into(), "server-1")?;
    let file = scene.site().run_folder().join("captured.pcap");
    let path = file.to_str().context("the name of a lab is ASCII")?;
    for (args, kept) in [(&[][..], 68), (&["-s", "200"][..], 200)] {
        let capture = Capture::start(&server, &[&["-i", "eth0", "--promiscuous", "-w", path, "udp"], args].concat())?;
        // It is told to end before it has read any of them.
        capture.signal(Signal::SIGSTOP)?;
        exchange(&scene, 3)?;
        capture.signal(Signal::SIGINT)?;
        capture.signal(Signal::SIGCONT)?;
        let outcome = capture.outcome()?;
        ensure!(outcome.code == Some(0) && outcome.stdout.is_empty(), "{outcome:?}");
        ensure!(outcome.stderr.starts_with("6 packets captured\n6 packets received"), "{outcome:?}");

        assert_eq!(fs::metadata(&file)?.permissions().mode() & 0o7777, 0o640);
        assert_eq!(lengths(&fs::read(&file)?)?, FRAMES.map(|frame| (kept, frame)).repeat(3));
    }
    Ok(())
}

#[test]
fn forwarded_packets_cannot_be_seen_this_way_and_it_says_so() -> Result<()> {
    let scene = Scene::set("capture-xdp", 1)?;
    let _agent = scene.start_agent()?;
    let balancer = scene.namespace(Node::Balancer);
    let _echo = Responder::echoing(&scene.namespace(SERVER), ECHO.into(), "server-1")?;
    let capture = Capture::start(&balancer, &["-i", "eth0", "tcp port 443 or udp port 7"])?;
    scene.requests_succeed()?;
    exchange(&scene, 2)?;
    capture.signal(Signal::SIGTERM)?;
    let notices = capture.notices.clone();
    ensure!(notices.starts_with("eth0 has Handoff's XDP program: "), "{notices}");
    ensure!(notices.contains("`handoff capture` without --engine pcap"), "{notices}");
    let outcome = capture.outcome()?;
    ensure!(outcome.stdout.contains("udp 198.18.1.1:7 > ") && !outcome.stdout.contains("192.0.2.1:443"), "{outcome:?}");
    Ok(())
}

#[test]
fn what_cannot_be_captured_is_refused_by_its_reason() -> Result<()> {
    let scene = Scene::set("capture-refused", 1)?;
    let server = scene.namespace(SERVER);
    let run = |mut command: Command| Ok::<_, anyhow::Error>(server.run(|| outcome(&mut command))??);
    let missing = run(capture(&["-i", "eth7"]))?;
    ensure!(
        missing.code == Some(1) && missing.stderr.contains("eth7: no such network device; there are "),
        "{missing:?}"
    );
    ensure!(missing.stderr.contains("eth0"), "{missing:?}");
    let filter = run(capture(&["-i", "eth0", "tcp", "prot", "443"]))?;
    ensure!(filter.code == Some(64) && filter.stderr.contains("\"tcp prot 443\": "), "{filter:?}");
    let rights = run(as_nobody(&capture(&["-i", "eth0"])))?;
    ensure!(rights.code == Some(77) && rights.stderr.contains("CAP_NET_RAW"), "{rights:?}");
    let file = run(capture(&["-i", "eth0", "-w", "/proc/no/such"]))?;
    ensure!(file.code == Some(1) && file.stderr.contains("/proc/no/such: cannot write what is captured: "), "{file:?}");
    Ok(())
}

fn capture(args: &[&str]) -> Command {
    let mut command = handoff(&["capture", "--engine", "pcap"]);
    command.args(args);
    command
}

/// A capture under way.
struct Capture {
    process: Child,
    stderr: BufReader<ChildStderr>,
    /// What it has said before it began.
    notices: String,
}

impl Capture {
    /// Starts it in `namespace`, and waits until it captures.
    fn start(namespace: &Namespace, args: &[&str]) -> Result<Self> {
        let mut command = capture(args);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = namespace.run(|| command.spawn())??;
        let mut stderr = BufReader::new(process.stderr.take().context("it is piped")?);
        let mut notices = String::new();
        while !notices.contains("capturing on ") {
            ensure!(stderr.read_line(&mut notices)? > 0, "it has ended: {notices}");
        }
        Ok(Self { process, stderr, notices })
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        Ok(kill(Pid::from_raw(self.process.id().try_into()?), signal)?)
    }

    /// Waits until it has ended. Its standard error is what it said after it began.
    fn outcome(mut self) -> Result<Outcome> {
        let mut said = String::new();
        self.stderr.read_to_string(&mut said)?;
        Ok(Outcome { stderr: said, ..self.process.wait_with_output()?.into() })
    }
}

/// The balancer sends the server so many datagrams, and gets them back.
fn exchange(scene: &Scene, count: u32) -> Result<()> {
    let socket = scene.namespace(Node::Balancer).run(|| UdpSocket::bind("198.18.0.2:0"))??;
    socket.set_read_timeout(Some(Duration::from_secs(5)))?;
    socket.connect(ECHO)?;
    for _ in 0..count {
        echo(&socket, DATAGRAM)?;
    }
    Ok(())
}

fn named<'a>(devices: &'a [Value], name: &str) -> Result<&'a Value> {
    devices.iter().find(|device| device["name"] == name).with_context(|| format!("no {name} in {devices:?}"))
}

/// How many bytes of each packet are in a pcap file, and how many it had.
fn lengths(file: &[u8]) -> Result<Vec<(u32, u32)>> {
    let word = |at: usize| Some(u32::from_le_bytes(*file.get(at..)?.first_chunk()?));
    ensure!(word(0) == Some(0xa1b2_c3d4), "not a pcap file of this machine");
    let (mut lengths, mut at) = (Vec::new(), 24);
    while let (Some(kept), Some(len)) = (word(at + 8), word(at + 12)) {
        lengths.push((kept, len));
        at += 16 + kept as usize;
    }
    Ok(lengths)
}
