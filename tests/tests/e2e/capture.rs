//! Packets that are captured in the program: what they hold, which are taken, and that nobody is in the way of anybody.

use anyhow::{Context, Result, ensure};
use lb_tests::scene::{ON_ETH0, Outcome, Responder, Scene, eventually, handoff, outcome, service};
use lb_user::lab::topology::VIP;
use lb_user::lab::{Agent, Node};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::io::Read;
use std::net::{SocketAddrV4, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

const ECHO: SocketAddrV4 = SocketAddrV4::new(VIP, 7);
const SERVERS: [(&str, &str); 3] = [("server-1", "198.18.1.1"), ("server-2", "198.18.1.2"), ("server-3", "198.18.1.3")];

struct Stand {
    scene: Scene,
    _servers: Vec<Responder>,
    agent: Option<Agent>,
}

impl Stand {
    fn set(name: &str) -> Result<Self> {
        let scene = Scene::set(name, 3)?;
        let greet = |node: Node| Responder::tcp(&scene.namespace(node), ECHO.port(), &node.to_string(), 1);
        let servers = scene.stage().topology().servers().map(greet).collect::<Result<Vec<_>>>()?;
        let agent = scene.start_agent_with(ON_ETH0, &service("echo", ECHO.port(), "tcp", &SERVERS))?;
        Ok(Self { scene, _servers: servers, agent: Some(agent) })
    }

    /// Connects, and reads the name of the server that answers.
    fn connect(&self) -> Result<(TcpStream, String)> {
        let mut connection = self.scene.connect(ECHO)?;
        let mut name = [0; 8];
        connection.read_exact(&mut name)?;
        Ok((connection, String::from_utf8(name.to_vec())?))
    }

    /// Runs `handoff capture <args>` to its end.
    fn ask(&self, args: &[&str]) -> Result<Outcome> {
        Ok(outcome(handoff(&["capture"]).args(args).arg("--socket").arg(self.scene.site().control_socket()))?)
    }

    /// How many more captures the agent would take.
    fn room(&self) -> Result<usize> {
        let mut captures = Vec::new();
        while captures.len() < 4 {
            let mut capture = Capture::start(self, &[])?;
            if capture.is_refused()? {
                break;
            }
            captures.push(capture);
        }
        Ok(captures.len())
    }
}

/// A `handoff capture` under way.
struct Capture(Child);

impl Capture {
    fn start(stand: &Stand, args: &[&str]) -> Result<Self> {
        let mut command = handoff(&["capture"]);
        command.args(args).arg("--socket").arg(stand.scene.site().control_socket());
        Ok(Self(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?))
    }

    /// As [`Capture::start`], and waits until the file is there: the agent has begun by then, or refused.
    fn to_file(stand: &Stand, file: &Path, args: &[&str]) -> Result<Self> {
        let path = file.to_str().context("a path of a test is ASCII")?;
        let capture = Self::start(stand, &[args, &["-w", path]].concat())?;
        eventually("the capture begins", || Ok(file.metadata().is_ok_and(|file| file.len() > 0)))?;
        Ok(capture)
    }

    /// Whether the agent has refused it, which it does at once.
    fn is_refused(&mut self) -> Result<bool> {
        std::thread::sleep(std::time::Duration::from_millis(300));
        Ok(self.0.try_wait()?.is_some())
    }

    /// As Ctrl-C.
    fn interrupt(&self) -> Result<()> {
        Ok(kill(Pid::from_raw(self.0.id() as i32), Signal::SIGINT)?)
    }

    /// Waits for its end; what it wrote to standard output and to standard error.
    fn end(mut self) -> Result<[String; 2]> {
        let (mut lines, mut said) = (String::new(), String::new());
        self.0.stdout.take().context("it is piped")?.read_to_string(&mut lines)?;
        self.0.stderr.take().context("it is piped")?.read_to_string(&mut said)?;
        ensure!(self.0.wait()?.success(), "the capture failed: {said}");
        Ok([lines, said])
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What tshark says of the packets in a file: these fields of each.
fn tshark(file: &Path, fields: &[&str]) -> Result<Vec<Vec<String>>> {
    let mut command = Command::new("tshark");
    command.arg("-r").arg(file).args(["-T", "fields"]).args(fields.iter().flat_map(|field| ["-e", field]));
    let outcome = outcome(&mut command)?;
    ensure!(outcome.code == Some(0), "tshark: {outcome:?}");
    Ok(outcome.stdout.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect())
}

#[test]
fn a_capture_holds_both_sides_and_the_decision() -> Result<()> {
    let stand = Stand::set("capture-both")?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("both.pcapng");
    // The answers are drawn from another connection, which the filter says no to.
    let filter = "tcp port 7 and host 198.18.0.1";
    let capture = Capture::to_file(&stand, &file, &["-c", "2", filter])?;
    let (_connection, server) = stand.connect()?;
    let [_, said] = capture.end()?;
    ensure!(said.starts_with("2 packets captured\n0 packets missed"), "{said}");

    let fields =
        ["frame.interface_name", "frame.comment", "eth.dst", "ip.dst", "tcp.flags.syn", "frame.len", "frame.cap_len"];
    let packets = tshark(&file, &fields)?;
    let macs = [mac(&stand.scene, Node::Balancer)?, mac(&stand.scene, server_node(&server)?)?];
    let expected = |interface: &str, comment: String, to: &str, syn: &str, packet: &[String]| {
        let expected = [interface, &comment, to, &VIP.to_string(), syn].map(str::to_owned);
        ensure!(packet[..5] == expected && packet[5] == packet[6], "{packet:?} is not {expected:?}");
        Ok(())
    };
    let [syn_in, syn_out, ack_in, ack_out] = &packets[..] else { anyhow::bail!("{packets:?}") };
    expected("eth0:in", format!("#1 forwarded to {server} of echo (new-flow)"), &macs[0], "1", syn_in)?;
    expected("eth0:out", "#1".to_owned(), &macs[1], "1", syn_out)?;
    expected("eth0:in", format!("#2 forwarded to {server} of echo (remembered)"), &macs[0], "0", ack_in)?;
    expected("eth0:out", "#2".to_owned(), &macs[1], "0", ack_out)
}

#[test]
fn only_what_is_asked_for_is_taken() -> Result<()> {
    let stand = Stand::set("capture-only")?;
    // By turns: the second connection is the second server's.
    let begin = |args: &[&str]| -> Result<Capture> {
        let mut capture = Capture::start(&stand, &[args, &["--duration", "2s"]].concat())?;
        ensure!(!capture.is_refused()?, "{args:?}");
        Ok(capture)
    };
    let captures = [
        begin(&["--backend", "server-2"])?,
        begin(&["--verdict", "new-flow", "--service", "echo"])?,
        begin(&["tcp[13] & 2 != 0 or udp"])?,
    ];
    let connections = (0..6).map(|_| stand.connect()).collect::<Result<Vec<_>>>()?;
    let [of_server, new_flows, by_libpcap] = captures.map(Capture::end);
    let (of_server, new_flows, by_libpcap) = (of_server?, new_flows?, by_libpcap?);

    let of_server: Vec<&str> = of_server[0].lines().collect();
    let syns = of_server.iter().filter(|line| line.contains(" syn ")).count();
    ensure!(syns == 2 && of_server.iter().all(|line| line.contains("to server-2 of echo")), "{of_server:#?}");
    for lines in [&new_flows[0], &by_libpcap[0]] {
        for (connection, server) in &connections {
            let client = connection.local_addr()?.to_string();
            let line =
                lines.lines().find(|line| line.contains(&client)).with_context(|| format!("{client}: {lines}"))?;
            ensure!(line.ends_with(&format!("forwarded to {server} of echo (new-flow)")), "{line}");
        }
        ensure!(lines.lines().count() == connections.len(), "{lines}");
    }
    Ok(())
}

#[test]
fn a_limit_leaves_packets_out_and_says_how_many() -> Result<()> {
    let stand = Stand::set("capture-limit")?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("some.pcapng");
    let capture =
        Capture::to_file(&stand, &file, &["--rate", "10", "--rotate-size", "2000", "--keep", "2", "-s", "60"])?;
    for _ in 0..50 {
        stand.connect()?;
    }
    // Half a second later there is room for a packet again, which says how many were left out before it.
    std::thread::sleep(std::time::Duration::from_millis(500));
    stand.connect()?;
    std::thread::sleep(std::time::Duration::from_millis(200));
    capture.interrupt()?;
    let [_, said] = capture.end()?;
    let number = |word: &str| -> Result<u64> {
        let line = said.lines().find(|line| line.contains(word)).with_context(|| said.clone())?;
        Ok(line.split(' ').next().unwrap_or_default().parse()?)
    };
    let (captured, missed) = (number("captured")?, number("missed")?);
    ensure!((10..40).contains(&captured) && missed >= 60, "{said}");

    let mut files: Vec<_> = folder.path().read_dir()?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    files.sort();
    ensure!(files.len() == 2, "{files:?}");
    for file in &files {
        ensure!(file.metadata()?.len() <= 2_000, "{} is too large", file.display());
        let packets = tshark(file, &["frame.interface_name", "frame.cap_len"])?;
        ensure!(
            !packets.is_empty() && packets.iter().all(|packet| packet[1].parse::<u32>().is_ok_and(|len| len <= 60)),
            "{packets:?}"
        );
    }
    Ok(())
}

#[test]
fn captures_end_with_their_readers_and_with_the_agent() -> Result<()> {
    let mut stand = Stand::set("capture-end")?;
    ensure!(stand.room()? == 3, "three can capture at once");
    let refused = {
        let mut three = Vec::new();
        eventually("three capture", || {
            let mut capture = Capture::start(&stand, &[])?;
            if !capture.is_refused()? {
                three.push(capture);
            }
            Ok(three.len() == 3)
        })?;
        let mut refused = None;
        eventually("a fourth is refused", || {
            let outcome = stand.ask(&["--duration", "1s"])?;
            refused = (outcome.code == Some(1)).then_some(outcome);
            Ok(refused.is_some())
        })?;
        refused.context("it was refused")?
    };
    ensure!(refused.stderr.contains("3 others are capturing"), "{refused:?}");
    // Killed they were, and leave room.
    eventually("there is room again", || Ok(stand.room()? == 3))?;

    let folder = tempfile::tempdir()?;
    let file = folder.path().join("cut-off.pcapng");
    let capture = Capture::to_file(&stand, &file, &[])?;
    stand.agent.take().context("it is there")?.kill()?;
    let mut capture = capture;
    eventually("the capture ends with the agent", || Ok(capture.0.try_wait()?.is_some()))?;
    stand.connect().context("forwarding goes on")?;
    Ok(())
}

#[test]
fn what_cannot_be_captured_is_refused_with_the_reason() -> Result<()> {
    let stand = Stand::set("capture-refused")?;
    for (args, code, said) in [
        (&["tcp prot 7"][..], 64, "filter \"tcp prot 7\""),
        (&["-s", "60", "ether[100:4] = 1"], 64, "use -s 104"),
        (&["--service", "web"], 1, "no service is called \"web\""),
        (&["--backend", "server-9"], 1, "no back-end is called \"server-9\""),
        (&["--verdict", "lost"], 1, "no verdict is called \"lost\""),
        (&["--flags", "urg"], 1, "no TCP flag is called \"urg\""),
        (&["-s", "5000"], 1, "use 1 to 4096"),
        (&["--rate", "0"], 64, "--rate"),
        (&["-i", "eth0"], 64, "an option is for the other engine"),
        (&["--engine", "pcap", "--service", "echo"], 64, "an option is for the other engine"),
        (&["--keep", "2"], 64, "--write"),
        (&["-w", "/nonexistent/a.pcapng"], 1, "/nonexistent/a.pcapng"),
    ] {
        let outcome = stand.ask(args)?;
        ensure!(outcome.code == Some(code) && outcome.stderr.contains(said), "{args:?}: {outcome:?}");
    }
    Ok(())
}

fn server_node(name: &str) -> Result<Node> {
    Ok(Node::Server(name.trim_start_matches("server-").parse()?))
}

fn mac(scene: &Scene, node: Node) -> Result<String> {
    let links: Vec<serde_json::Value> = serde_json::from_str(&scene.ip(node, "-json link show dev eth0")?)?;
    Ok(links[0]["address"].as_str().context("an address")?.to_owned())
}
