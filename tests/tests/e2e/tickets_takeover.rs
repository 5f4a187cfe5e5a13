//! Two agents that serve the same ring to back-ends: one makes the keys, and the other goes on when it is gone.

use anyhow::{Context, Result, ensure};
use lb_tests::scene::{Etcd, Secrets, Tmpfs, eventually, handoff, outcome};
use lb_user::config::Config;
use lb_user::control::types::RingStatus;
use lb_user::tickets::keeper::cluster::SealKey;
use lb_user::tickets::{Keeper, RingName};
use std::fs;
use std::path::Path;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::task::AbortHandle;

/// An agent's keeper, as the agent starts it.
struct Agent {
    keeper: Keeper,
    task: AbortHandle,
}

impl Agent {
    fn start(runtime: &Runtime, config: &Config) -> Result<Self> {
        let tickets = config.tickets.as_ref().context("there are rings")?;
        let (keeper, _) = Keeper::open(config, tickets)?;
        let _runtime = runtime.enter();
        let task = runtime.spawn(keeper.start(tickets)?).abort_handle();
        Ok(Self { keeper, task })
    }

    fn ring(&self) -> Option<RingStatus> {
        self.keeper.status().pop()
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn ids(ring: &RingStatus) -> Vec<String> {
    ring.keys.iter().map(|key| key.id.to_string()).collect()
}

#[test]
fn another_agent_goes_on_with_the_same_keys() -> Result<()> {
    let (etcd, place, runtime) = (Etcd::start()?, tempfile::tempdir()?, Runtime::new()?);
    let memory = [Tmpfs::mount("size=64k")?, Tmpfs::mount("size=64k")?];
    certify(&place)?;
    let seal_keys = [SealKey::random()?, SealKey::random()?];
    let mut configs = Vec::new();
    for (number, memory) in memory.iter().enumerate() {
        seal_keys[number].save(&place.path().join(format!("seal-{number}.key")))?;
        let peers = [0, 1].map(|peer| format!("lb-{peer} = \"{}\"", seal_keys[peer].public())).join(", ");
        configs.push(config(&place, number, memory.path(), &etcd, &peers)?);
    }
    let first = Agent::start(&runtime, &configs[0])?;
    eventually("the first one makes a ring", || Ok(first.ring().is_some()))?;
    let second = Agent::start(&runtime, &configs[1])?;
    eventually("the second one has the same", || {
        Ok(first.ring().zip(second.ring()).is_some_and(|(a, b)| ids(&a) == ids(&b) && a.version == b.version))
    })?;
    let name = RingName::try_from("shop".to_owned()).map_err(anyhow::Error::msg)?;
    let refused = second.keeper.rotate(&name, true).expect_err("it follows");
    ensure!(refused.message.contains("lb-0 makes the keys"), "{refused:?}");
    let rotated = first.keeper.rotate(&name, true).map_err(|refused| anyhow::anyhow!(refused.message))?;
    eventually("the second one follows", || Ok(second.ring().is_some_and(|ring| ids(&ring) == ids(&rotated))))?;

    drop(first);
    eventually("the second one leads, with the same keys and a higher term", || {
        Ok(second.ring().is_some_and(|ring| ring.version.term > rotated.version.term && ids(&ring) == ids(&rotated)))
    })?;
    let shifted = second.keeper.rotate(&name, true).map_err(|refused| anyhow::anyhow!(refused.message))?;
    ensure!(ids(&shifted)[..2] == ids(&rotated)[1..], "{shifted:?} after {rotated:?}");

    // Who comes again takes what there is now, though it has kept what there was.
    let again = Agent::start(&runtime, &configs[0])?;
    eventually("it follows", || {
        Ok(again.ring().is_some_and(|ring| ids(&ring) == ids(&shifted) && ring.version == shifted.version))
    })?;
    nothing_is_told(&etcd, &place, &memory)
}

/// No key is in etcd's files, or in what the agents have written to disk.
fn nothing_is_told(etcd: &Etcd, place: &TempDir, memory: &[Tmpfs]) -> Result<()> {
    let text: serde_json::Value = serde_json::from_slice(&fs::read(memory[1].path().join("shop.json"))?)?;
    let keys = text["ring"]["keys"].as_array().context("it has keys")?;
    let key = |key: &serde_json::Value| -> Result<Vec<u8>> {
        use base64::Engine;
        Ok(base64::engine::general_purpose::STANDARD.decode(key["key"].as_str().context("a key")?)?)
    };
    let keys = keys.iter().map(key).collect::<Result<Vec<_>>>()?;
    let parts: Vec<_> = keys.iter().flat_map(|key| [("mac", &key[16..48]), ("cipher", &key[48..])]).collect();
    let secrets = Secrets::new(&parts)?;
    ensure!(!secrets.in_files(&[memory[1].path()])?.is_empty(), "the search finds nothing");
    let found = secrets.in_files(&[etcd.folder(), place.path()])?;
    ensure!(found.is_empty(), "{found:?}");
    Ok(())
}

fn certify(place: &TempDir) -> Result<()> {
    let folder = place.path().join("pki");
    let folder = folder.to_str().context("a path of text")?;
    let made =
        outcome(&mut handoff(&["tickets", "init-ca", "--folder", folder, "--agent", "lb", "--address", "127.0.0.1"]))?;
    ensure!(made.code == Some(0), "{made:?}");
    Ok(())
}

fn config(place: &TempDir, number: usize, memory: &Path, etcd: &Etcd, peers: &str) -> Result<Config> {
    let file = |name: &str| place.path().join(name);
    let state = file(&format!("state-{number}"));
    fs::create_dir(&state)?;
    // Nobody connects: any port that is free.
    let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let text = format!(
        "[agent]\ninterfaces = [\"eth0\"]\nstate-folder = {state:?}\n[[service]]\nname = \"web\"\nvip = \"192.0.2.1\"\nport = 443\n\
         backends = [{{ name = \"a\", address = \"192.0.2.11\" }}]\n\
         [tickets]\nlisten = \"127.0.0.1:{port}\"\ncertificate = {:?}\nkey = {:?}\nclient-ca = {:?}\nfolder = {memory:?}\n\
         [tickets.cluster]\nname = \"lb-{number}\"\netcd = [\"{}\"]\nseal-key = {:?}\nttl = \"2s\"\npeers = {{ {peers} }}\n\
         [[tickets.ring]]\nname = \"shop\"\nservices = [\"web\"]\nidentity = \"shop.example\"\nserver = \"nginx\"\nprobe-interval = \"0s\"\n",
        file("pki/agent.pem"),
        file("pki/agent.key"),
        file("pki/ca.pem"),
        etcd.url(),
        file(&format!("seal-{number}.key")),
    );
    Ok(Config::parse(Path::new("handoff.toml"), &text)?)
}
