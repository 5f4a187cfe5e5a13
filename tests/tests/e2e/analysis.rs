//! What the agent says of the traffic is what was sent.

use anyhow::{Context, Result, ensure};
use lb_tests::scene::{
    HOST, ON_ETH0, OpensslClient, Responder, Scene, TicketCluster, TlsClient, configuration, echo, eventually,
    exchange, service, services, wait,
};
use lb_user::control::types::{
    ApplyRequest, ClientHellos, History, HistoryRequest, Measure, SeriesOf, ServerNameCount, Traffic,
};
use lb_user::lab::topology::VIP;
use lb_user::lab::{Agent, Node};
use rustls::HandshakeKind::{Full, Resumed};
use rustls::version::TLS12;
use std::net::{SocketAddr, UdpSocket};
use std::thread::sleep;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const SERVERS: [(&str, &str); 2] = [("server-1", "198.18.1.1"), ("server-2", "198.18.1.2")];
const UPLOAD: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(VIP), 7);
const DNS: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(VIP), 53);

/// Servers that take uploads, and answer datagrams.
fn servers(scene: &Scene) -> Result<Vec<Responder>> {
    let start = |node: Node| {
        let namespace = scene.namespace(node);
        let upload = Responder::exchanging(&namespace, UPLOAD.port(), &node.to_string())?;
        Ok([upload, Responder::echoing(&namespace, DNS, &node.to_string())?])
    };
    let servers = scene.stage().topology().servers().map(start).collect::<Result<Vec<_>>>()?;
    Ok(servers.into_iter().flatten().collect())
}

fn two_services() -> String {
    service("upload", UPLOAD.port(), "tcp", &SERVERS) + &service("dns", DNS.port(), "udp", &SERVERS)
}

#[test]
fn counters_and_samples_are_those_of_what_was_sent() -> Result<()> {
    const CONNECTIONS: u64 = 6;
    const SIZE: u64 = 100_000;
    const DATAGRAMS: u64 = 25;
    let scene = Scene::set("analysis", 2)?;
    let _servers = servers(&scene)?;
    let settings = "[analysis]\nsamples = 10000\n[applications]\nupload = \"7/tcp\"\n";
    let agent = scene.start_agent_with(ON_ETH0, &format!("{settings}{}", two_services()))?;
    let samples = || wait(agent.control().samples())?.context("the agent answers");
    eventually("everything is sampled", || Ok(samples()?.one_packet_in == 1))?;

    for _ in 0..CONNECTIONS {
        exchange(&mut scene.connect(UPLOAD)?, SIZE, 0)?;
    }
    let socket = scene.namespace(Node::Client).run(|| UdpSocket::bind("0.0.0.0:0"))??;
    socket.connect(DNS)?;
    socket.set_read_timeout(Some(Duration::from_secs(5)))?;
    for _ in 0..DATAGRAMS {
        echo(&socket, 100)?;
    }
    eventually("all connections are closed", || Ok(wait(agent.control().traffic())??.tcp.fin == CONNECTIONS))?;

    let traffic = wait(agent.control().traffic())??;
    let [upload, dns] = &services(&agent)?[..] else { anyhow::bail!("two services") };
    assert_eq!((traffic.tcp.syn, traffic.tcp.rst), (CONNECTIONS, 0));
    assert_eq!(of_protocol(&traffic, "tcp"), (upload.packets, upload.bytes));
    // Ethernet, IPv4 and UDP have headers of 42 bytes.
    assert_eq!(of_protocol(&traffic, "udp"), (DATAGRAMS, DATAGRAMS * (42 + 100)));
    let applications: Vec<_> = traffic.applications.iter().map(|it| (it.application.as_str(), it.new_flows)).collect();
    assert_eq!(applications, [("DNS", 1), ("upload", CONNECTIONS)]);
    let fairness = traffic.fairness.iter().find(|it| it.service == "upload").context("it is there")?;
    assert_eq!((fairness.backends, fairness.max_over_mean, fairness.jain), (2, Some(1.0), Some(1.0)));

    eventually("the flows are over", || Ok(samples()?.flow_sizes.iter().any(|it| it.flows == CONNECTIONS)))?;
    let samples = samples()?;
    assert_eq!((samples.one_packet_in, samples.one_flow_in, samples.missed), (1, 1, 0));
    let [talker] = &samples.talkers[..] else { anyhow::bail!("one client sends: {samples:?}") };
    assert_eq!(Some(talker.client), Node::Client.address().map(Into::into));
    assert_eq!((talker.packets, talker.bytes), (upload.packets + dns.packets, upload.bytes + dns.bytes));
    let [sizes] = &samples.flow_sizes[..] else { anyhow::bail!("the datagrams' flow goes on: {samples:?}") };
    assert_eq!(sizes.application, "upload");
    let mean = upload.bytes as f64 / CONNECTIONS as f64;
    ensure!((sizes.mean_bytes / mean - 1.0).abs() < 0.01, "{} is not about {mean}", sizes.mean_bytes);
    assert_eq!(sizes.sizes.iter().map(|it| (it.up_to_bytes, it.flows)).collect::<Vec<_>>(), [(131_072, CONNECTIONS)]);

    for (command, word) in [("traffic", "upload"), ("samples", "198.18.0."), ("history --since 1h", "new-flows/s")] {
        let said = scene.ask(command)?;
        ensure!(said.code == Some(0) && said.stdout.contains(word), "{command}: {said:?}");
    }
    Ok(())
}

fn of_protocol(traffic: &Traffic, transport: &str) -> (u64, u64) {
    let of = traffic.protocols.iter().filter(|it| it.network == "ipv4" && it.transport == transport);
    of.fold((0, 0), |sum, it| (sum.0 + it.packets, sum.1 + it.bytes))
}

#[test]
fn hellos_of_real_clients_tell_versions_and_offers_and_names_only_when_asked() -> Result<()> {
    let cluster = TicketCluster::start_rustls("analysis-tls", 2, "probe-interval = \"0s\"")?;
    let namespace = || cluster.scene().namespace(Node::Client);
    let old = TlsClient::new(namespace(), HOST, cluster.certificate(), &TLS12)?;
    let new = OpensslClient::new(namespace(), HOST, cluster.certificate(), "-tls1_3")?;
    let hellos = || -> Result<Option<ClientHellos>> {
        Ok(wait(cluster.agent()?.control().samples())??.hellos.into_iter().find(|hellos| hellos.service == "web"))
    };
    for expected in [Full, Resumed, Resumed] {
        assert_eq!((old.visit(cluster.vip())?, new.visit(cluster.vip())?), (expected, expected));
    }
    let expected = ClientHellos {
        service: "web".to_owned(),
        seen: 6,
        tls13: 3,
        tls12: 3,
        older: 0,
        resumption: 4,
        cut: 0,
        server_names: Vec::new(),
    };
    eventually("all hellos were read", || Ok(hellos()?.is_some_and(|hellos| hellos.seen == expected.seen)))?;
    assert_eq!(hellos()?, Some(expected));

    let named = format!("{}\n[analysis]\nserver-names = true\n", cluster.services("")?);
    let text = configuration(cluster.scene().site(), ON_ETH0, &named);
    wait(cluster.agent()?.control().apply(&ApplyRequest { path: None, text: Some(text), force: false }))??;
    old.visit(cluster.vip())?;
    eventually("it was read", || Ok(hellos()?.is_some_and(|hellos| hellos.seen == 7)))?;
    let names = hellos()?.map(|hellos| hellos.server_names);
    assert_eq!(names, Some(vec![ServerNameCount { name: HOST.to_owned(), seen: 1 }]));
    Ok(())
}

#[test]
fn everything_comes_each_second_to_those_who_listen() -> Result<()> {
    let scene = Scene::set("live", 1)?;
    let agent = scene.start_agent()?;
    let _connection = scene.connect(lb_user::lab::topology::SERVICE)?;
    let (mut times, mut flows) = (Vec::new(), 0);
    wait(agent.control().live(|snapshot| {
        times.push(snapshot.unix_ms);
        flows = snapshot.status.flow_table.live;
        times.len() < 3
    }))??;
    ensure!(times.is_sorted() && times[2] - times[0] > 1_000, "not one a second: {times:?}");
    assert_eq!(flows, 1);
    let snapshot = wait(agent.control().snapshot())??;
    assert_eq!(snapshot.services, services(&agent)?);
    Ok(())
}

#[test]
fn the_history_survives_the_agent_and_a_minute_of_it_survives_sigkill() -> Result<()> {
    let scene = Scene::set("history", 2)?;
    let agent = scene.start_agent()?;
    scene.requests_succeed()?;
    eventually("requests are in the history", || Ok(known(&new_flows(&agent)?).iter().any(|(_, rate)| *rate > 0.0)))?;
    let before = known(&new_flows(&agent)?);
    ensure!(agent.terminate()?.success(), "the agent did not end in good order");

    let agent = scene.start_agent()?;
    eventually("it was read", || Ok(is_within(&before, &known(&new_flows(&agent)?))))?;
    // What was written when the minute ended outlives the agent whatever happens.
    let minute = unix_seconds()? / 60;
    while unix_seconds()? < (minute + 1) * 60 + 3 {
        sleep(Duration::from_millis(200));
    }
    let mut before = known(&new_flows(&agent)?);
    before.retain(|(second, _)| second / 60 <= minute);
    agent.kill()?;
    let agent = scene.start_agent()?;
    eventually("it was read", || Ok(is_within(&before, &known(&new_flows(&agent)?))))?;
    ensure!(scene.site().state_folder().join("history.redb").exists(), "it is somewhere else");
    Ok(())
}

/// How many new flows the service got, each second. None, as long as the file is being read.
fn new_flows(agent: &Agent) -> Result<Option<History>> {
    let request = HistoryRequest { since_s: 600, measure: Some(Measure::NewFlows), service: None };
    Ok(wait(agent.control().history(&request))?.ok())
}

/// The seconds that something is known of, and what.
fn known(history: &Option<History>) -> Vec<(u64, f64)> {
    let Some(history) = history else { return Vec::new() };
    let all = history.series.iter().find(|series| series.of == SeriesOf::All);
    let values = all.into_iter().flat_map(|series| &series.values);
    (history.start_unix_s..).zip(values).filter_map(|(second, value)| Some((second, (*value)?))).collect()
}

fn is_within(some: &[(u64, f64)], all: &[(u64, f64)]) -> bool {
    !some.is_empty() && some.iter().all(|value| all.contains(value))
}

fn unix_seconds() -> Result<u64> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())
}
