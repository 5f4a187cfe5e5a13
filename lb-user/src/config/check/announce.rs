//! `[announce]`, and what services say of it.

use super::Checker;
use crate::config::Choice;
use crate::config::file;
use crate::config::model::{Announce, AnnounceBy, AnnounceWhen, Community, InterfaceName};
use std::time::Duration;
use toml::Spanned;

/// [`AnnounceBy`] by name alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Bird,
    Frr,
    ExaBgp,
    Hook,
    L2,
}

const BY: [(&str, By); 5] =
    [("bird", By::Bird), ("frr", By::Frr), ("exabgp", By::ExaBgp), ("hook", By::Hook), ("l2", By::L2)];
// The first is the default.
const WHEN: [(&str, AnnounceWhen); 2] = [("all", AnnounceWhen::All), ("any", AnnounceWhen::Any)];

impl Checker<'_> {
    /// `interfaces` are the agent's.
    pub(super) fn announce(
        &mut self,
        announce: Option<&file::Announce>,
        interfaces: Option<&[InterfaceName]>,
    ) -> Option<Option<Announce>> {
        let Some(announce) = announce else { return Some(None) };
        let by = self.choice("announce: by", Some(&announce.by), &BY);
        self.announce_keys(by, announce);
        let by = by.and_then(|by| self.announce_by(by, announce, interfaces));
        let when = self.choice("announce: when", announce.when.as_ref(), &WHEN);
        let hold = self.announce_time("hold", announce.hold.as_ref(), Duration::ZERO, Announce::DEFAULT_HOLD);
        let drain_wait = announce.drain_wait.as_ref();
        let drain_wait = self.announce_time("drain-wait", drain_wait, Duration::ZERO, Announce::DEFAULT_DRAIN_WAIT);
        let least = Duration::from_secs(1);
        let repeat = self.announce_time("repeat", announce.repeat.as_ref(), least, Announce::DEFAULT_REPEAT);
        Some(Some(Announce { by: by?, when: when?, hold: hold?, drain_wait: drain_wait?, repeat: repeat? }))
    }

    /// Keys of one way to announce mean nothing to another.
    fn announce_keys(&mut self, by: Option<By>, announce: &file::Announce) {
        let Some(chosen) = by else { return };
        let by = Choice { about: "announce", key: "by", chosen, all: &BY };
        self.only_for(by, &[By::Bird], "socket", announce.socket.as_ref());
        self.only_for(by, &[By::Bird], "file", announce.file.as_ref());
        self.only_for(by, &[By::Bird, By::ExaBgp], "communities", announce.communities.as_ref());
        self.only_for(by, &[By::Frr], "as-number", announce.as_number.as_ref());
        self.only_for(by, &[By::ExaBgp], "pipe", announce.pipe.as_ref());
        self.only_for(by, &[By::Hook], "command", announce.command.as_ref());
        self.only_for(by, &[By::L2], "interfaces", announce.interfaces.as_ref());
    }

    fn announce_by(
        &mut self,
        by: By,
        announce: &file::Announce,
        interfaces: Option<&[InterfaceName]>,
    ) -> Option<AnnounceBy> {
        match by {
            By::Bird => {
                let socket = announce.socket.as_ref();
                let socket = self.path_or(AnnounceBy::DEFAULT_BIRD_SOCKET, "announce: socket", socket);
                let file = self.path_or(AnnounceBy::DEFAULT_BIRD_FILE, "announce: file", announce.file.as_ref());
                let communities = self.communities(announce);
                Some(AnnounceBy::Bird { socket: socket?, file: file?, communities: communities? })
            }
            By::Frr => {
                let Some(number) = &announce.as_number else {
                    let message = "announce: as-number is missing: give the number of FRR's BGP router, as 65001";
                    return self.problems.reject(&announce.by, message);
                };
                let as_number = self.whole("announce: as-number", number, 1..=u32::MAX - 1)?;
                Some(AnnounceBy::Frr { as_number })
            }
            By::ExaBgp => {
                let pipe = self.path_or(AnnounceBy::DEFAULT_EXABGP_PIPE, "announce: pipe", announce.pipe.as_ref());
                let communities = self.communities(announce);
                Some(AnnounceBy::ExaBgp { pipe: pipe?, communities: communities? })
            }
            By::Hook => self.hook(announce).map(AnnounceBy::Hook),
            By::L2 => match &announce.interfaces {
                None => interfaces.map(|interfaces| AnnounceBy::L2(interfaces.to_vec())),
                Some(names) => {
                    let names = names.get_ref().iter().map(|name| self.interface_name("announce: interface", name));
                    names.collect::<Vec<_>>().into_iter().collect::<Option<_>>().map(AnnounceBy::L2)
                }
            },
        }
    }

    fn hook(&mut self, announce: &file::Announce) -> Option<Vec<String>> {
        const EXAMPLE: &str = "[\"/usr/local/bin/announce\"]";
        let Some(command) = &announce.command else {
            let message = format!("announce: command is missing: name the program, as {EXAMPLE}");
            return self.problems.reject(&announce.by, message);
        };
        self.command("announce: command", command, EXAMPLE)
    }

    fn communities(&mut self, announce: &file::Announce) -> Option<Vec<Community>> {
        let texts = announce.communities.as_ref().map_or(&[][..], |texts| texts.get_ref());
        let checked: Vec<_> = texts.iter().map(|text| self.community(text)).collect();
        checked.into_iter().collect()
    }

    fn community(&mut self, text: &Spanned<String>) -> Option<Community> {
        let numbers = text.get_ref().split_once(':').map(|(high, low)| (high.parse(), low.parse()));
        match numbers {
            Some((Ok(high), Ok(low))) => Some(Community(high, low)),
            _ => {
                let message =
                    format!("announce: community {:?} is none: use two numbers, as 65000:100", text.get_ref());
                self.problems.reject(text, message)
            }
        }
    }

    fn announce_time(
        &mut self,
        key: &str,
        text: Option<&Spanned<String>>,
        shortest: Duration,
        default: Duration,
    ) -> Option<Duration> {
        match text {
            None => Some(default),
            Some(text) => self.duration(&format!("announce: {key}"), text, shortest),
        }
    }
}
