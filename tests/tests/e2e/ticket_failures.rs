//! What goes wrong with shared ticket keys, and the state that each ends in.

use anyhow::{Context, Result, ensure};
use lb_tests::scene::web_server::Kind;
use lb_tests::scene::{
    HOST, OpensslClient, RING, Secrets, TicketCluster, eventually, handoff, outcome, secrets_in_memory,
};
use lb_user::control::types::RingStatus;
use lb_user::lab::Node;
use lb_user::tickets::NodeState;
use nix::sys::signal::Signal;
use rustls::HandshakeKind::{Full, Resumed};
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

const SLOW: &str = "rotation = \"10m\"\nguard = \"0s\"\nprobe-interval = \"0s\"";
const QUICK: &str = "rotation = \"3s\"\nguard = \"1s\"\nprobe-interval = \"0s\"";

fn client(cluster: &TicketCluster) -> Result<OpensslClient> {
    OpensslClient::new(cluster.scene().namespace(Node::Client), HOST, cluster.certificate(), "-tls1_3")
}

/// The keys of a ring, by their names in files.
fn keys(folder: &Path) -> Result<Vec<Vec<u8>>> {
    let key = |name: &str| fs::read(folder.join(name)).with_context(|| name.to_owned());
    ["old.key", "active.key", "next.key"].into_iter().map(key).collect()
}

fn secrets(keys: &[Vec<u8>]) -> Result<Secrets> {
    let parts: Vec<_> =
        keys.iter().flat_map(|key| [("authentication key", &key[16..48]), ("cipher key", &key[48..])]).collect();
    Secrets::new(&parts)
}

#[test]
fn who_has_no_right_to_a_ring_does_not_get_it() -> Result<()> {
    let mut cluster = TicketCluster::start("tickets-rights", Kind::Nginx, SLOW)?;
    // A node without a name here, and one whose certificate is another authority's.
    let ca = cluster.certificates();
    let path = |name: &str| ca.join(name).to_str().map(str::to_owned).context("a path of text");
    let (folder, stranger) = (path("")?, path("stranger")?);
    let enroll = ["tickets", "enroll", "server-9", "--folder", &folder, "--agent-url", "https://198.18.0.2:9444"];
    let enrolled = outcome(handoff(&enroll).args(["--output", &stranger]))?;
    ensure!(enrolled.code == Some(0), "{enrolled:?}");
    let other = path("other")?;
    let made = outcome(&mut handoff(&["tickets", "init-ca", "--folder", &other, "--agent", "server-2"]))?;
    ensure!(made.code == Some(0), "{made:?}");

    let node = &mut cluster.nodes()[1];
    node.kill_client()?;
    let own = node.folder().to_owned();
    let before = keys(node.memory())?;
    for (from, names, complaint) in [
        ("stranger", ["node.pem", "node.key"], "403 Forbidden: the certificate is of \"server-9\", which is no node"),
        ("other", ["agent.pem", "agent.key"], "received fatal alert"),
    ] {
        for (name, ours) in names.into_iter().zip(["node.pem", "node.key"]) {
            fs::copy(ca.join(from).join(name), own.join(ours))?;
        }
        cluster.start_client(1)?;
        let node = &mut cluster.nodes()[1];
        eventually("it is refused", || Ok(node.log()?.contains(complaint)))?;
        node.kill_client()?;
        ensure!(keys(node.memory())? == before, "what was there is kept until its time is over");
    }
    Ok(())
}

#[test]
fn a_revoked_node_gets_no_key_any_more() -> Result<()> {
    let mut cluster = TicketCluster::start("tickets-revoked", Kind::Nginx, SLOW)?;
    let before = cluster.status()?;
    cluster.apply("revoked-nodes = [\"server-2\"]")?;
    let outcome = cluster.scene().ask("tickets revoke shop")?;
    ensure!(outcome.code == Some(0), "{outcome:?}");
    eventually("the other one has new keys", || {
        let ring = cluster.status()?;
        Ok(ring.nodes.len() == 1 && ring.nodes[0].lag == Some(0) && ring.version.term > before.version.term)
    })?;
    let nodes = cluster.nodes();
    eventually("it is refused", || Ok(nodes[1].log()?.contains("403 Forbidden")))?;
    let [first, second] = [keys(nodes[0].memory())?, keys(nodes[1].memory())?];
    ensure!(first.iter().all(|key| !second.contains(key)), "the revoked node has a key of the cluster");
    let client = client(&cluster)?;
    let addresses = [cluster.nodes()[0].address()?, cluster.nodes()[1].address()?];
    ensure!(client.visit(addresses[0])? == Full && client.visit(addresses[1])? == Full, "it resumes new sessions");
    Ok(())
}

#[test]
fn without_an_agent_servers_go_on_with_keys_of_their_own_and_come_back() -> Result<()> {
    let mut cluster = TicketCluster::start("tickets-gone", Kind::Nginx, QUICK)?;
    let agent = cluster.take_agent().context("there is an agent")?;
    let shared = keys(cluster.nodes()[0].memory())?;
    agent.kill()?;
    let nodes = cluster.nodes();
    eventually("the keys of the cluster are given up", || {
        let logs = [nodes[0].log()?, nodes[1].log()?];
        Ok(logs.iter().all(|log| log.contains("the server works with its own")))
    })?;
    let [first, second] = [keys(nodes[0].memory())?, keys(nodes[1].memory())?];
    ensure!(first.iter().chain(&second).all(|key| !shared.contains(key)), "a key of the cluster is left");
    ensure!(first.iter().all(|key| !second.contains(key)), "their own keys are the same");
    let [a, b] = [cluster.nodes()[0].address()?, cluster.nodes()[1].address()?];
    eventually("sessions are resumed where they were made, and only there", || {
        let visitor = client(&cluster)?;
        Ok(visitor.visit(a)? == Full && visitor.visit(a)? == Resumed && visitor.visit(b)? == Full)
    })?;

    let shared = secrets(&shared)?;
    for node in 0..2 {
        let pid = cluster.nodes()[node].pid()?;
        eventually("they are gone from memory as well", || Ok(secrets_in_memory(pid, &shared)?.is_empty()))?;
    }

    cluster.start_agent()?;
    eventually("they have the cluster's keys again", || {
        let ring = cluster.status()?;
        Ok(ring.nodes.iter().all(|node| node.lag == Some(0) && node.state == Some(NodeState::Cluster)))
    })?;
    let visitor = client(&cluster)?;
    eventually("sessions are resumed on the other", || {
        visitor.visit(a)?;
        Ok(visitor.visit(b)? == Resumed)
    })
}

#[test]
fn an_agent_that_starts_again_goes_on_with_its_ring() -> Result<()> {
    let mut cluster = TicketCluster::start("tickets-restart", Kind::Nginx, SLOW)?;
    let before = cluster.status()?;
    cluster.take_agent().context("there is an agent")?.kill()?;
    cluster.start_agent()?;
    let ids = |ring: &RingStatus| ring.keys.iter().map(|key| key.id.clone()).collect::<Vec<_>>();
    let after = cluster.status()?;
    ensure!(after.version == before.version && ids(&after) == ids(&before), "{before:?}\n{after:?}");

    // Without what it kept in memory it begins anew, above everything that nodes have seen: also if the clock was set back meanwhile.
    cluster.take_agent().context("there is an agent")?.kill()?;
    fs::remove_file(cluster.memory().join(format!("{RING}.json")))?;
    let terms = cluster.scene().site().state_folder().join("ticket-terms.json");
    let future = before.version.term + 1_000_000;
    fs::write(&terms, format!("{{\"{RING}\":{future}}}"))?;
    cluster.start_agent()?;
    ensure!(cluster.status()?.version.term == future + 1, "{:?}", cluster.status()?);
    eventually("the nodes have it", || Ok(cluster.status()?.nodes.iter().all(|node| node.lag == Some(0))))?;

    // One that has forgotten both offers a ring that nodes have left behind: they keep theirs, and say why.
    cluster.take_agent().context("there is an agent")?.kill()?;
    fs::remove_file(cluster.memory().join(format!("{RING}.json")))?;
    fs::remove_file(&terms)?;
    let held = keys(cluster.nodes()[0].memory())?;
    cluster.start_agent()?;
    eventually("the older ring is refused", || {
        let ring = cluster.status()?;
        let complaint = |error: &Option<String>| error.as_ref().is_some_and(|error| error.contains("is older than"));
        Ok(ring.nodes.iter().all(|node| complaint(&node.error)))
    })?;
    ensure!(keys(cluster.nodes()[0].memory())? == held, "an older ring was taken");
    Ok(())
}

#[test]
fn a_server_that_does_not_take_keys_keeps_the_former_ones() -> Result<()> {
    let mut cluster = TicketCluster::start("tickets-refused", Kind::Nginx, SLOW)?;
    let node = &mut cluster.nodes()[1];
    let held = keys(node.memory())?;
    node.server().configure("no_such_directive on;\n")?;
    let rotated = cluster.scene().ask("tickets rotate shop")?;
    ensure!(rotated.code == Some(0), "{rotated:?}");
    eventually("the node says so", || {
        let ring = cluster.status()?;
        let error = ring.nodes[1].error.as_deref().unwrap_or_default();
        Ok(error.contains("unknown directive") && ring.nodes[1].lag == Some(1) && ring.nodes[0].lag == Some(0))
    })?;
    let log = fs::read_to_string(cluster.scene().site().agent_log())?;
    ensure!(log.contains("ring shop: server-2: ") && log.contains("no_such_directive"), "{log}");
    ensure!(keys(cluster.nodes()[1].memory())? == held, "the former files are back");
    cluster.nodes()[1].server().configure("")?;
    eventually("it takes them when it can", || Ok(cluster.status()?.nodes[1].lag == Some(0)))?;

    // The same without room for the files.
    let filler = cluster.nodes()[1].memory().join("filler");
    fs::write(&filler, vec![1; 1 << 20]).expect_err("the folder is small");
    let held = keys(cluster.nodes()[1].memory())?;
    let rotated = cluster.scene().ask("tickets rotate shop")?;
    ensure!(rotated.code == Some(0), "{rotated:?}");
    eventually("the node says so", || {
        let ring = cluster.status()?;
        Ok(ring.nodes[1].error.as_deref().is_some_and(|error| error.contains("the file system is full")))
    })?;
    ensure!(keys(cluster.nodes()[1].memory())? == held, "some files are others");
    fs::remove_file(filler)?;
    eventually("it takes them when there is room", || Ok(cluster.status()?.nodes[1].lag == Some(0)))
}

#[test]
fn keys_whose_time_is_over_are_gone_from_memory_and_nothing_tells_any() -> Result<()> {
    let mut cluster = TicketCluster::start("tickets-secrets", Kind::Nginx, QUICK)?;
    let agent = cluster.scene().ask("status --json")?;
    let agent: serde_json::Value = serde_json::from_str(&agent.stdout)?;
    let agent: u32 = agent["pid"].as_u64().context("it has a number")?.try_into()?;
    let nodes = [cluster.nodes()[0].pid()?, cluster.nodes()[1].pid()?];
    let early = keys(cluster.nodes()[0].memory())?;
    ensure!(!secrets_in_memory(agent, &secrets(&early)?)?.is_empty(), "the agent holds keys: the search finds nothing");
    ensure!(
        !secrets_in_memory(nodes[0], &secrets(&early)?)?.is_empty(),
        "the node holds keys: the search finds nothing"
    );
    let epoch = cluster.status()?.version.epoch;
    eventually("four rotations", || Ok(cluster.status()?.version.epoch >= epoch + 4))?;
    eventually("all nodes have the ring", || Ok(cluster.status()?.nodes.iter().all(|node| node.lag == Some(0))))?;
    let secrets = secrets(&early)?;
    for (who, pid) in [("the agent", agent), ("node 1", nodes[0]), ("node 2", nodes[1])] {
        // What was sent may still be on its way out of a buffer.
        eventually("the keys are gone", || Ok(secrets_in_memory(pid, &secrets)?.is_empty()))
            .with_context(|| format!("{who}: {:?}", secrets_in_memory(pid, &secrets)))?;
    }
    let memory =
        [cluster.memory().to_owned(), cluster.nodes()[0].memory().to_owned(), cluster.nodes()[1].memory().to_owned()];
    let left = secrets.in_files(&memory.each_ref().map(PathBuf::as_path))?;
    ensure!(left.is_empty(), "{left:?}");

    // Neither those nor the present ones are anywhere else: logs, answers, state, audit log, certificates.
    let present = keys(cluster.nodes()[0].memory())?;
    let all: Vec<_> = early.into_iter().chain(present).collect();
    let folder = cluster.scene().site().run_folder();
    for (name, question) in [("tickets", "tickets status --json"), ("status", "status --json")] {
        fs::write(folder.join(format!("answer-{name}")), cluster.scene().ask(question)?.stdout)?;
    }
    let told = self::secrets(&all)?.in_files(&[&folder, &cluster.scene().site().state_folder()])?;
    ensure!(told.is_empty(), "{told:?}");
    for pid in [agent, nodes[0], nodes[1]] {
        let limits = fs::read_to_string(format!("/proc/{pid}/limits"))?;
        let core = limits.lines().find(|line| line.starts_with("Max core file size")).context("a limit")?;
        ensure!(core.split_whitespace().nth(4) == Some("0"), "{core}");
    }
    Ok(())
}

#[test]
fn a_node_that_was_asleep_for_long_is_without_old_keys() -> Result<()> {
    let mut cluster = TicketCluster::start("tickets-asleep", Kind::Nginx, QUICK)?;
    let early = keys(cluster.nodes()[1].memory())?;
    cluster.nodes()[1].signal(Signal::SIGSTOP)?;
    let epoch = cluster.status()?.version.epoch;
    eventually("the others go on", || Ok(cluster.status()?.version.epoch >= epoch + 5))?;
    ensure!(cluster.status()?.nodes[1].lag.is_none_or(|lag| lag >= 4), "{:?}", cluster.status()?.nodes);
    cluster.nodes()[1].signal(Signal::SIGCONT)?;
    eventually("it has the ring of the others", || Ok(cluster.status()?.nodes[1].lag == Some(0)))?;
    thread::sleep(Duration::from_millis(100));
    let late = keys(cluster.nodes()[1].memory())?;
    ensure!(early.iter().all(|key| !late.contains(key)));
    Ok(())
}
