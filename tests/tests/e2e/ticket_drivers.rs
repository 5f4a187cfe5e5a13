//! Rings of ticket keys in real web servers: what is made on one is resumed on the other.

use anyhow::{Context, Result, ensure};
use lb_tests::scene::web_server::{Identity, Kind, Place};
use lb_tests::scene::{Scene, TlsClient, Tmpfs, WebServer, wait};
use lb_user::lab::Node;
use lb_user::tickets::node::{Config, Driver};
use lb_user::tickets::{BootTime, Folder, Ring};
use rustls::HandshakeKind::{self, Full, Resumed};
use rustls::SupportedProtocolVersion;
use rustls::version::{TLS12, TLS13};
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// Whose certificate the servers have.
const HOST: &str = "shop.example";
const PORT: u16 = 8443;
const VERSIONS: [&SupportedProtocolVersion; 2] = [&TLS12, &TLS13];

/// A back-end: a server, and what gives it keys.
struct BackEnd {
    server: WebServer,
    driver: Driver,
    folder: Folder,
    /// Unmounted when the server is gone.
    _memory: Tmpfs,
}

impl BackEnd {
    /// One that has been started with `ring`.
    fn start(kind: Kind, scene: &Scene, number: u8, identity: &Identity, ring: &Ring) -> Result<Self> {
        let memory = Tmpfs::mount("size=64k")?;
        let node = Node::Server(number);
        let place = Place {
            namespace: scene.namespace(node),
            address: (node.address().context("servers have addresses")?, PORT).into(),
            identity: identity.clone(),
            tickets: memory.path().to_owned(),
            folder: scene.site().run_folder().join(format!("web-{number}")),
        };
        let server = WebServer::install(kind, place)?;
        let driver = driver(identity, &server.ring("shop"))?;
        let folder = Folder::open(memory.path())?;
        driver.write(&folder, ring)?;
        let mut backend = Self { server, driver, folder, _memory: memory };
        backend.server.start()?;
        Ok(backend)
    }

    /// Has it use `ring`.
    fn give(&self, ring: &Ring) -> Result<()> {
        self.driver.write(&self.folder, ring)?;
        self.apply(ring)
    }

    /// As the client does that runs there.
    fn apply(&self, ring: &Ring) -> Result<()> {
        let apply = || wait(self.driver.apply(&self.folder, ring));
        Ok(self.server.place().namespace.run(apply)???)
    }
}

/// The driver of the one ring of a client's configuration.
fn driver(identity: &Identity, ring: &str) -> Result<Driver> {
    let Identity { certificate, key } = identity;
    let text = format!(
        "agents = [\"https://198.18.0.2:9444\"]\ncertificate = {certificate:?}\nkey = {key:?}\nca = {certificate:?}\n{ring}"
    );
    let file = certificate.with_file_name("tickets.toml");
    fs::write(&file, text)?;
    Ok(Config::load(&file)?.rings.remove(0).driver)
}

/// Two servers of a kind, and a client.
struct Pair {
    a: BackEnd,
    b: BackEnd,
    certificate: PathBuf,
    scene: Scene,
}

impl Pair {
    fn start(name: &str, kind: Kind, ring: &Ring) -> Result<Self> {
        let scene = Scene::set(name, 2)?;
        let identity = Identity::make(&scene.site().run_folder(), HOST)?;
        let [a, b] = [1, 2].map(|number| BackEnd::start(kind, &scene, number, &identity, ring));
        Ok(Self { a: a?, b: b?, certificate: identity.certificate, scene })
    }

    fn client(&self, version: &'static SupportedProtocolVersion) -> Result<TlsClient> {
        TlsClient::new(self.scene.namespace(Node::Client), HOST, &self.certificate, version)
    }

    /// Checks what becomes of sessions of A on B, and the other way round, in both versions of TLS.
    fn sessions_are(&self, expected: HandshakeKind) -> Result<()> {
        for version in VERSIONS {
            for (from, to) in [(&self.a, &self.b), (&self.b, &self.a)] {
                let client = self.client(version)?;
                let (from, to) = (from.server.address(), to.server.address());
                ensure!(client.visit(from)? == Full, "{version:?}: the client had no session");
                let kind = client.visit(to)?;
                ensure!(kind == expected, "{version:?}: {from} to {to}: {kind:?} instead of {expected:?}");
            }
        }
        Ok(())
    }

    /// Clients with a session of A each, by version.
    fn clients_of_a(&self) -> Result<Vec<TlsClient>> {
        let client = |version| {
            let client = self.client(version)?;
            client.visit(self.a.server.address())?;
            Ok(client)
        };
        VERSIONS.into_iter().map(client).collect()
    }

    /// Checks what becomes of the sessions of clients on both servers. A client has a single ticket at times, so each is asked once.
    fn visits_are(&self, clients: [Vec<TlsClient>; 2], expected: HandshakeKind) -> Result<()> {
        for (server, clients) in [&self.a, &self.b].into_iter().zip(clients) {
            for client in clients {
                let kind = client.visit(server.server.address())?;
                ensure!(kind == expected, "{}: {kind:?} instead of {expected:?}", server.server.address());
            }
        }
        Ok(())
    }
}

/// What servers with three keys can do.
fn sessions_belong_to_all(name: &str, kind: Kind) -> Result<()> {
    let now = BootTime::now;
    let first = Ring::begin(1, now())?;
    let pair = Pair::start(name, kind, &first)?;
    pair.sessions_are(Resumed)?;
    let early = || Ok::<_, anyhow::Error>([pair.clients_of_a()?, pair.clients_of_a()?]);
    let (after_one, after_two) = (early()?, early()?);

    let second = first.shift(now())?;
    pair.a.give(&second)?;
    // B is one shift behind: A encrypts with what is B's next key.
    pair.sessions_are(Resumed)?;
    pair.b.give(&second)?;
    pair.sessions_are(Resumed)?;
    pair.visits_are(after_one, Resumed)?;

    let third = second.shift(now())?;
    pair.a.give(&third)?;
    pair.b.give(&third)?;
    pair.sessions_are(Resumed)?;
    pair.visits_are(after_two, Full).context("their key is gone")?;
    // To be told of the same ring again changes nothing.
    pair.a.give(&third)?;
    pair.sessions_are(Resumed)?;

    // B misses two shifts: whoever has a new ticket of A is unknown to B until it catches up, and gets a full handshake.
    let fifth = third.shift(now())?.shift(now())?;
    pair.a.give(&fifth)?;
    pair.sessions_are(Full)?;
    pair.b.give(&fifth)?;
    pair.sessions_are(Resumed)?;
    // Keys that nobody has heard of.
    let fresh = Ring::begin(2, now())?;
    pair.a.give(&fresh)?;
    pair.b.give(&fresh)?;
    pair.sessions_are(Resumed)
}

#[test]
fn sessions_belong_to_all_nginx() -> Result<()> {
    sessions_belong_to_all("nginx", Kind::Nginx)
}

#[test]
fn sessions_belong_to_all_haproxy() -> Result<()> {
    sessions_belong_to_all("haproxy", Kind::HaProxy)
}

#[test]
fn apache_shares_sessions_under_its_one_key() -> Result<()> {
    let first = Ring::begin(1, BootTime::now())?;
    let pair = Pair::start("apache", Kind::Apache, &first)?;
    pair.sessions_are(Resumed)?;
    let early = [pair.clients_of_a()?, pair.clients_of_a()?];
    let second = first.shift(BootTime::now())?;
    pair.a.give(&second)?;
    pair.sessions_are(Full).context("one has another key")?;
    pair.b.give(&second)?;
    pair.sessions_are(Resumed)?;
    pair.visits_are(early, Full).context("there is no key but the active one")
}

#[test]
fn a_restarted_haproxy_reads_its_file() -> Result<()> {
    let first = Ring::begin(1, BootTime::now())?;
    let mut pair = Pair::start("haproxy-restart", Kind::HaProxy, &first)?;
    pair.b.server.stop()?;
    let second = first.shift(BootTime::now())?.shift(BootTime::now())?;
    pair.a.give(&second)?;
    let error = pair.b.give(&second).expect_err("it is not running").to_string();
    ensure!(error.contains("HAProxy does not answer") && error.contains("reads the file"), "{error}");
    pair.b.server.start()?;
    pair.sessions_are(Resumed)?;
    pair.b.apply(&second)?;
    pair.sessions_are(Resumed)
}

#[test]
fn a_haproxy_that_reads_another_file_is_told_of() -> Result<()> {
    let ring = Ring::begin(1, BootTime::now())?;
    let pair = Pair::start("haproxy-file", Kind::HaProxy, &ring)?;
    let folder = Folder::open(&pair.a.folder.path().join("other"))?;
    pair.a.driver.write(&folder, &ring)?;
    let error = wait(pair.a.driver.apply(&folder, &ring))?.expect_err("it reads another file").to_string();
    let file = folder.path().join("haproxy.keys");
    ensure!(error.contains(&format!("write `tls-ticket-keys {}`", file.display())), "{error}");
    pair.sessions_are(Resumed)
}

#[test]
fn an_nginx_whose_configuration_is_wrong_goes_on_with_the_keys_that_it_has() -> Result<()> {
    let first = Ring::begin(1, BootTime::now())?;
    let pair = Pair::start("nginx-test", Kind::Nginx, &first)?;
    pair.b.server.configure("no_such_directive on;\n")?;
    let second = first.shift(BootTime::now())?;
    let third = second.shift(BootTime::now())?;
    let error = pair.b.give(&third).expect_err("its configuration is wrong").to_string();
    ensure!(error.contains("unknown directive \"no_such_directive\""), "{error}");
    // What the caller does then.
    pair.b.driver.write(&pair.b.folder, &first)?;
    pair.sessions_are(Resumed)?;
    pair.b.server.configure("")?;
    pair.b.apply(&first)?;
    pair.sessions_are(Resumed)?;
    pair.a.give(&third)?;
    pair.sessions_are(Full)?;
    pair.b.give(&third)?;
    pair.sessions_are(Resumed)
}

#[test]
fn without_room_for_new_keys_the_old_ones_stay() -> Result<()> {
    let ring = Ring::begin(1, BootTime::now())?;
    let pair = Pair::start("full", Kind::Nginx, &ring)?;
    let folder = pair.a.folder.path();
    let before = contents(folder)?;
    let error = fs::write(folder.join("filler"), vec![1; 1 << 20]).expect_err("the folder is small");
    ensure!(error.kind() == ErrorKind::StorageFull, "{error}");
    let other = ring.shift(BootTime::now())?;
    let error = pair.a.give(&other).expect_err("the folder is full").to_string();
    ensure!(error.contains("old.key: the file system is full"), "{error}");
    fs::remove_file(folder.join("filler"))?;
    ensure!(contents(folder)? == before, "files are other ones");
    pair.a.apply(&ring)?;
    pair.sessions_are(Resumed)?;
    pair.a.give(&other)
}

/// Names and contents of all files in a folder.
fn contents(folder: &Path) -> Result<Vec<(String, Vec<u8>)>> {
    let entry = |entry: io::Result<fs::DirEntry>| {
        let entry = entry?;
        Ok((entry.file_name().to_string_lossy().into_owned(), fs::read(entry.path())?))
    };
    let mut files = fs::read_dir(folder)?.map(entry).collect::<Result<Vec<_>>>()?;
    files.sort();
    Ok(files)
}
