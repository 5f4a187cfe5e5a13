//! The control API over TCP, with certificates; and whatever else clients send, to TCP and to the control socket.

use anyhow::{Context, Result, bail, ensure};
use lb_tests::scene::{
    Malformed, ON_ETH0, Pki, Scene, backends, configuration, eventually, handoff, outcome, send_all, service, services,
    wait,
};
use lb_user::control::types::{BackendStatus, ServiceStatus, Status, Stop};
use lb_user::control::{Client, Error};
use lb_user::lab::{Agent, Node};
use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::{Duration, Instant};

const SERVER_1: (&str, &str) = ("server-1", "198.18.1.1");
/// How long the agent may keep a client that sends nothing of use, and then some.
const PATIENCE: Duration = Duration::from_secs(12);

#[test]
fn everyone_may_do_what_their_certificate_says() -> Result<()> {
    let (scene, pki, agent) = set("api")?;
    for name in ["admin", "reader"] {
        let status =
            scene.namespace(Node::Client).run(|| outcome(handoff(&["status", "--json"]).args(pki.options(name))))??;
        let status: Status = serde_json::from_str(&status.stdout).with_context(|| format!("{name}: {status:?}"))?;
        assert_eq!((status.ready, status.failure), (1, None));
    }
    let stop = |name: &str| -> Result<_> {
        let client = Client::remote(pki.remote(name)?);
        scene.namespace(Node::Client).run(|| wait(client.stop(Stop { purge: false, drain: false })))?
    };
    match stop("reader")? {
        Err(Error::Forbidden { request, reason, .. }) => {
            assert_eq!(request, "POST /v1/stop");
            ensure!(reason.contains("api: admins"), "{reason}");
        }
        other => bail!("a reader got {other:?}"),
    }
    wait(agent.control().status())??;
    stop("admin")??;
    ensure!(agent.terminate()?.success(), "the agent did not end in good order");
    Ok(())
}

#[test]
fn whoever_has_no_good_certificate_gets_no_answer() -> Result<()> {
    let (scene, pki, mut agent) = set("api-strangers")?;
    for name in ["expired", "stranger"] {
        let refused = scene.namespace(Node::Client).run(|| outcome(handoff(&["status"]).args(pki.options(name))))??;
        assert_eq!((refused.code, refused.stdout.as_str()), (Some(1), ""), "{name}");
        ensure!(refused.stderr.contains("https://198.18.0.2:9443"), "{refused:?}");
    }
    let mut nobody = pki.speak(scene.connect(Pki::address())?, None)?;
    let answer = send_all(&mut nobody, b"GET /v1/status HTTP/1.1\r\nHost: h\r\n\r\n");
    ensure!(answer.is_empty(), "an answer without a certificate: {}", String::from_utf8_lossy(&answer));
    let mut plain = scene.connect(Pki::address())?;
    let answer = send_all(&mut plain, b"GET /v1/status HTTP/1.1\r\nHost: h\r\n\r\n");
    ensure!(!answer.starts_with(b"HTTP"), "an answer without TLS: {}", String::from_utf8_lossy(&answer));

    // An agent that somebody else has certified is not believed.
    let options: Vec<_> = pki.options("admin").into_iter().map(|it| it.replace("/ca.pem", "/other-ca.pem")).collect();
    let refused = scene.namespace(Node::Client).run(|| outcome(handoff(&["status"]).args(options)))??;
    ensure!(refused.code == Some(1) && refused.stderr.contains("certificate"), "{refused:?}");

    ensure!(agent.is_running()?, "the agent was killed");
    let log = fs::read_to_string(scene.site().agent_log())?;
    ensure!(!log.contains("TLS") && !log.contains("client"), "strangers are in the log:\n{log}");
    Ok(())
}

#[test]
fn slow_clients_are_cut_off_and_in_nobodys_way() -> Result<()> {
    let (scene, pki, agent) = set("api-slow")?;
    let half = b"GET /v1/status HTTP/1.1\r\nHo";
    // More than may be in a handshake at once, fewer than may wait to be accepted.
    let silent: Vec<_> = (0..100).map(|_| scene.connect(Pki::address())).collect::<Result<_>>()?;
    let mut local = UnixStream::connect(scene.site().control_socket())?;
    local.set_read_timeout(Some(PATIENCE))?;
    local.write_all(half)?;
    // Meanwhile, others are served at the socket.
    wait(agent.control().status())??;

    // With all handshakes under way that there may be, nobody else gets in; but they do not last.
    let begin = Instant::now();
    let client = Client::remote(pki.remote("admin")?);
    let ask = || scene.namespace(Node::Client).run(|| wait(client.status()));
    while ask()??.is_err() {
        ensure!(begin.elapsed() < PATIENCE, "silent clients keep everybody out");
        thread::sleep(Duration::from_millis(200));
    }
    let mut remote = pki.speak(scene.connect(Pki::address())?, Some("admin"))?;
    remote.sock.set_read_timeout(Some(PATIENCE))?;
    remote.write_all(half)?;
    for (who, end) in [("local", read_to_end(&mut local)), ("remote", read_to_end(&mut remote))] {
        ensure!(end, "a slow {who} client is still served");
    }
    for mut stream in silent {
        stream.set_read_timeout(Some(PATIENCE))?;
        ensure!(read_to_end(&mut stream), "a silent client is still connected");
    }
    Ok(())
}

#[test]
fn ten_thousand_malformed_requests_change_nothing() -> Result<()> {
    let (scene, pki, mut agent) = set("api-malformed")?;
    eventually("the agent sees its own program", || Ok(state(&agent)?.0.interfaces[0].xdp == "native"))?;
    let before = state(&agent)?;
    let socket = scene.site().control_socket();
    thread::scope(|scope| -> Result<()> {
        let local = scope.spawn(|| hurt(1, 6_000, || Ok(UnixStream::connect(&socket)?)));
        let plain = scope.spawn(|| hurt(2, 2_000, || scene.connect(Pki::address())));
        let secure = hurt(3, 2_000, || pki.speak(scene.connect(Pki::address())?, Some("admin")));
        let joined =
            [local, plain].map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        joined.into_iter().chain([secure]).collect()
    })?;
    ensure!(agent.is_running()?, "the agent was killed");
    assert_eq!(state(&agent)?, before);
    let remote = Client::remote(pki.remote("admin")?);
    scene.namespace(Node::Client).run(|| wait(remote.status()))???;
    let log = fs::read_to_string(scene.site().agent_log())?;
    ensure!(!log.contains("panicked") && !log.contains("ERROR") && !log.contains("WARN"), "{log}");
    Ok(())
}

#[test]
fn log_lines_are_objects_for_those_who_ask() -> Result<()> {
    let scene = Scene::set("log-json", 1)?;
    let file = scene.site().config_file();
    fs::write(&file, configuration(scene.site(), ON_ETH0, &service("web", 443, "tcp", &[SERVER_1])))?;
    let log = scene.site().agent_log();
    let mut command = handoff(&["run", "--log-format", "json", "--config"]);
    command.arg(&file).env_remove("RUST_LOG").stderr(fs::File::create(&log)?);
    let mut agent = scene.namespace(Node::Balancer).run(|| command.spawn())??;
    let client = Client::new(scene.site().control_socket());
    let done = eventually("the agent answers", || Ok(wait(client.status())?.is_ok()));
    wait(client.stop(Stop { purge: true, drain: false }))??;
    agent.wait()?;
    done?;
    let text = fs::read_to_string(&log)?;
    let lines: Vec<serde_json::Value> = text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let running = lines.iter().find(|line| line["message"] == "running").with_context(|| text.clone())?;
    assert_eq!((&running["level"], &running["services"]), (&"INFO".into(), &1.into()));
    ensure!(running["timestamp"].is_string(), "{running}");
    Ok(())
}

/// An agent whose API listens on TCP.
fn set(name: &str) -> Result<(Scene, Pki, Agent)> {
    let scene = Scene::set(name, 1)?;
    let pki = Pki::make(&scene.site().run_folder())?;
    let agent = scene.start_agent_with(ON_ETH0, &(pki.api() + &service("web", 443, "tcp", &[SERVER_1])))?;
    Ok((scene, pki, agent))
}

/// What the agent says of itself, but for what time changes.
fn state(agent: &Agent) -> Result<(Status, Vec<ServiceStatus>, Vec<BackendStatus>)> {
    let status = Status { uptime_s: 0, ..wait(agent.control().status())?? };
    Ok((status, services(agent)?, backends(agent)?))
}

/// Sends `count` malformed requests, each over a connection of its own, and waits for the end of each.
fn hurt<S: Read + Write + End>(seed: u64, count: usize, connect: impl Fn() -> Result<S>) -> Result<()> {
    for request in Malformed::seeded(seed).take(count) {
        let mut stream = connect()?;
        stream.patient()?;
        // The agent may have heard enough long before the end.
        let _ = stream.write_all(&request).and_then(|()| stream.end());
        let shown = String::from_utf8_lossy(&request[..request.len().min(100)]).into_owned();
        ensure!(read_to_end(&mut stream), "still connected after {shown:?}");
    }
    Ok(())
}

/// Reads whatever comes; returns whether the other side has hung up.
fn read_to_end(stream: &mut impl Read) -> bool {
    let read = stream.read_to_end(&mut Vec::new());
    !read.is_err_and(|error| matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut))
}

/// The end of what a client has to send.
trait End {
    fn patient(&self) -> Result<()>;
    fn end(&mut self) -> std::io::Result<()>;
}

impl End for UnixStream {
    fn patient(&self) -> Result<()> {
        Ok(self.set_read_timeout(Some(PATIENCE))?)
    }

    fn end(&mut self) -> std::io::Result<()> {
        self.shutdown(Shutdown::Write)
    }
}

impl End for TcpStream {
    fn patient(&self) -> Result<()> {
        Ok(self.set_read_timeout(Some(PATIENCE))?)
    }

    fn end(&mut self) -> std::io::Result<()> {
        self.shutdown(Shutdown::Write)
    }
}

impl End for rustls::StreamOwned<rustls::ClientConnection, TcpStream> {
    fn patient(&self) -> Result<()> {
        self.sock.patient()
    }

    fn end(&mut self) -> std::io::Result<()> {
        self.conn.send_close_notify();
        self.flush()
    }
}

#[test]
fn monitoring_needs_no_certificate_and_says_the_same() -> Result<()> {
    const ADDRESS: &str = "127.0.0.1:9469";
    let scene = Scene::set("api-metrics", 1)?;
    let more = format!("{ON_ETH0}\nmetrics = \"{ADDRESS}\"");
    let agent = scene.start_agent_with(&more, &service("web", 443, "tcp", &[("server-1", "198.18.1.1")]))?;
    let ask = |path: &str| -> Result<String> {
        let mut stream = scene.namespace(Node::Balancer).run(|| TcpStream::connect(ADDRESS))??;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: balancer\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    let metrics = ask("/metrics")?;
    for wanted in ["HTTP/1.1 200 OK", "handoff_service_ready_backends{service=\"web\"} 1.0", "# EOF"] {
        ensure!(metrics.contains(wanted), "no {wanted} in\n{metrics}");
    }
    ensure!(ask("/live")?.starts_with("HTTP/1.1 200 ") && ask("/ready")?.starts_with("HTTP/1.1 200 "));
    ensure!(ask("/v1/status")?.starts_with("HTTP/1.1 404 "), "nothing but monitoring is served there");
    ensure!(scene.ask("disable server-1 --force")?.code == Some(0));
    let ready = ask("/ready")?;
    ensure!(ready.starts_with("HTTP/1.1 503 ") && ready.contains("service web: no back-end is ready"), "{ready}");
    drop(agent);
    Ok(())
}
