//! From the shape of the file to checked types. Goes on after a mistake, to report them all.

use super::{Config, RingConfig, file};
use crate::config::{Checker, Choice, Files, Problem, Seen};
use crate::tickets::RingName;
use crate::tickets::node::driver::{Apache, Driver, Envoy, Exec, HaProxy, Nginx, Server};
use crate::tickets::pki::agent_url;
use hyper::http::uri::Uri;
use std::path::{Path, PathBuf};
use std::time::Duration;
use toml::Spanned;

/// [`Server`] by name alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Nginx,
    HaProxy,
    Apache,
    Envoy,
    Exec,
}

const KINDS: [(&str, Kind); 5] = [
    ("nginx", Kind::Nginx),
    ("haproxy", Kind::HaProxy),
    ("apache", Kind::Apache),
    ("envoy", Kind::Envoy),
    ("exec", Kind::Exec),
];

const FOLDER_EXAMPLE: &str = "/run/handoff-tickets/shop";
const COMMAND_EXAMPLE: &str = "[\"/usr/local/bin/reload-keys\"]";
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);
const DEFAULT_NGINX_PID_FILE: &str = "/run/nginx.pid";
const DEFAULT_APACHE_PID_FILE: &str = "/run/apache2/apache2.pid";
const DEFAULT_TEST: [&str; 2] = ["/usr/sbin/nginx", "-t"];
const DEFAULT_SOCKET: &str = "/run/haproxy/admin.sock";
const DEFAULT_GRACEFUL: [&str; 3] = ["/usr/sbin/apachectl", "-k", "graceful"];

/// What the rings before have taken.
#[derive(Default)]
struct Taken {
    names: Seen<RingName>,
    folders: Seen<PathBuf>,
}

/// Checks everything that `file`, the shape of `text`, says, with the help of the files that it names.
pub(super) fn check(path: &Path, text: &str, file: &file::File, files: &dyn Files) -> Result<Config, Vec<Problem>> {
    let mut checker = Checker::new(path, text, files);
    let config = checker.pull(file);
    checker.problems.outcome(config)
}

impl Checker<'_> {
    fn pull(&mut self, file: &file::File) -> Option<Config> {
        let agents = self.agents(&file.agents);
        let certificates = self.certificates("certificate", &file.certificate);
        let key = self.private_key("key", &file.key);
        let ca = self.certificates("ca", &file.ca);
        if file.rings.get_ref().is_empty() {
            self.problems.add(&file.rings, "ring is empty: name a ring in a table [[ring]]");
        }
        let mut taken = Taken::default();
        let rings: Vec<_> = file.rings.get_ref().iter().map(|ring| self.ring(ring, &mut taken)).collect();
        let rings: Option<_> = rings.into_iter().collect();
        Some(Config { agents: agents?, certificates: certificates?, key: key?, ca: ca?, rings: rings? })
    }

    fn agents(&mut self, agents: &Spanned<Vec<Spanned<String>>>) -> Option<Vec<Uri>> {
        if agents.get_ref().is_empty() {
            self.problems.add(agents, "agents is empty: give the URL of an agent, as https://10.0.0.2:9444");
        }
        let checked: Vec<_> = agents.get_ref().iter().map(|agent| self.agent(agent)).collect();
        checked.into_iter().collect()
    }

    fn agent(&mut self, text: &Spanned<String>) -> Option<Uri> {
        match agent_url(text.get_ref()) {
            Ok(url) => Some(url),
            Err(reason) => {
                let message = format!("agents: {:?} is {reason}, as https://10.0.0.2:9444", text.get_ref());
                self.problems.reject(text, message)
            }
        }
    }

    fn ring(&mut self, ring: &file::Ring, taken: &mut Taken) -> Option<RingConfig> {
        let name = self.ring_name(&ring.name);
        let about = format!("ring {:?}", ring.name.get_ref());
        if let Some(name) = &name {
            let message = |line| format!("{about} is already in line {line}: give each ring one table");
            taken.names.once(name.clone(), &ring.name, &mut self.problems, message);
        }
        let folder = self.path(&format!("{about}: folder"), &ring.folder, FOLDER_EXAMPLE);
        if let Some(folder) = &folder {
            let message = |line| format!("{about}: folder is already that of the ring in line {line}: use another");
            taken.folders.once(folder.clone(), &ring.folder, &mut self.problems, message);
        }
        let timeout = match &ring.timeout {
            None => Some(DEFAULT_TIMEOUT),
            Some(text) => self.duration(&format!("{about}: timeout"), text, Duration::from_secs(1)),
        };
        let kind = self.choice(&format!("{about}: driver"), Some(&ring.driver), &KINDS)?;
        self.only_keys_of(kind, &about, ring);
        let name = name?;
        let server = self.server(kind, &about, &name, ring);
        Some(RingConfig { name, folder: folder?, driver: Driver { server: server?, timeout: timeout? } })
    }

    fn ring_name(&mut self, name: &Spanned<String>) -> Option<RingName> {
        match RingName::try_from(name.get_ref().clone()) {
            Ok(checked) => Some(checked),
            Err(message) => self.problems.reject(name, message),
        }
    }

    /// Keys of one driver mean nothing to another.
    fn only_keys_of(&mut self, kind: Kind, about: &str, ring: &file::Ring) {
        let choice = Choice { about, key: "driver", chosen: kind, all: &KINDS };
        self.only_for(choice, &[Kind::Nginx], "test", ring.test.as_ref());
        self.only_for(choice, &[Kind::Nginx, Kind::Apache], "pid-file", ring.pid_file.as_ref());
        self.only_for(choice, &[Kind::HaProxy], "socket", ring.socket.as_ref());
        self.only_for(choice, &[Kind::Envoy], "secret", ring.secret.as_ref());
        self.only_for(choice, &[Kind::Apache, Kind::Exec], "command", ring.command.as_ref());
    }

    fn server(&mut self, kind: Kind, about: &str, name: &RingName, ring: &file::Ring) -> Option<Server> {
        match kind {
            Kind::Nginx => {
                let test = self.command_or(&DEFAULT_TEST, &format!("{about}: test"), ring.test.as_ref());
                let pid_file = self.pid_file_or(DEFAULT_NGINX_PID_FILE, about, ring);
                Some(Server::Nginx(Nginx { test: test?, pid_file: pid_file? }))
            }
            Kind::HaProxy => {
                let socket = self.path_or(DEFAULT_SOCKET, &format!("{about}: socket"), ring.socket.as_ref());
                Some(Server::HaProxy(HaProxy { socket: socket? }))
            }
            Kind::Apache => {
                let command = self.command_or(&DEFAULT_GRACEFUL, &format!("{about}: command"), ring.command.as_ref());
                let pid_file = self.pid_file_or(DEFAULT_APACHE_PID_FILE, about, ring);
                Some(Server::Apache(Apache { command: command?, pid_file: pid_file? }))
            }
            Kind::Envoy => {
                let secret = match &ring.secret {
                    None => Some(name.to_string()),
                    Some(text) => self.name(&format!("{about}: secret {:?}", text.get_ref()), text),
                };
                Some(Server::Envoy(Envoy { secret: secret? }))
            }
            Kind::Exec => {
                let Some(command) = &ring.command else {
                    let message = format!("{about}: command is missing: name the program, as {COMMAND_EXAMPLE}");
                    return self.problems.reject(&ring.driver, message);
                };
                let command = self.command(&format!("{about}: command"), command, COMMAND_EXAMPLE);
                Some(Server::Exec(Exec { command: command?, ring: name.clone() }))
            }
        }
    }

    fn pid_file_or(&mut self, default: &str, about: &str, ring: &file::Ring) -> Option<PathBuf> {
        self.path_or(default, &format!("{about}: pid-file"), ring.pid_file.as_ref())
    }

    fn command_or(
        &mut self,
        default: &[&str],
        key: &str,
        command: Option<&Spanned<Vec<Spanned<String>>>>,
    ) -> Option<Vec<String>> {
        match command {
            None => Some(default.iter().map(|word| (*word).to_owned()).collect()),
            Some(command) => self.command(key, command, &format!("{default:?}")),
        }
    }
}
