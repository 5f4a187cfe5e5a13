//! Who may connect: lists of prefixes in the configuration, and in files.

use super::{Checker, READABLE};
use crate::config::Place;
use crate::config::file;
use crate::config::model::{Access, Action, InvalidPrefix, Prefix};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use toml::Spanned;

/// Most mistakes of one list that are reported: who lists a hundred thousand prefixes did not write them by hand.
const MOST_MISTAKES: usize = 10;

/// Prefixes, and where each is listed.
type Listed = BTreeMap<Prefix, Place>;

impl Checker<'_> {
    pub(super) fn access(&mut self, about: &str, service: &file::Service, vip: Option<IpAddr>) -> Access {
        let mistakes = self.problems.count();
        let allowed = self.list(about, "allow", service.allow.as_ref(), service.allow_file.as_ref());
        if self.problems.count() == mistakes
            && let Some(lack) = lack(&allowed, vip)
        {
            self.lacking(about, service, &lack);
        }
        let denied = self.list(about, "deny", service.deny.as_ref(), service.deny_file.as_ref());
        let both = denied.iter().filter_map(|(prefix, place)| Some((prefix, place, allowed.get(prefix)?)));
        for (prefix, place, elsewhere) in both.take(MOST_MISTAKES) {
            let message = format!("{about}: {prefix} is denied, but also allowed, in {elsewhere}: remove one of them");
            self.problems.add_at(place.clone(), message);
        }
        let allowed = allowed.into_keys().map(|prefix| (prefix, Action::Allow));
        let denied = denied.into_keys().map(|prefix| (prefix, Action::Deny));
        Access { rules: allowed.chain(denied).collect() }
    }

    /// Reports what the list of those who may connect lacks, if there is a list.
    fn lacking(&mut self, about: &str, service: &file::Service, lack: &str) {
        match (&service.allow, &service.allow_file) {
            (Some(list), _) => self.problems.add(list, format!("{about}: allow {lack}")),
            (None, Some(file)) => self.problems.add(file, format!("{about}: allow-file {:?} {lack}", file.get_ref())),
            (None, None) => {}
        }
    }

    /// The prefixes under `key` and in its file together.
    fn list(
        &mut self,
        about: &str,
        key: &str,
        list: Option<&Spanned<Vec<Spanned<String>>>>,
        file: Option<&Spanned<String>>,
    ) -> Listed {
        let mut listed = Listed::new();
        for text in list.into_iter().flat_map(Spanned::get_ref) {
            if let Some(prefix) = self.prefix(&format!("{about}: {key}"), text) {
                listed.entry(prefix).or_insert(self.problems.place(text));
            }
        }
        if let Some(file) = file {
            self.list_of_file(&format!("{about}: {key}-file"), file, &mut listed);
        }
        listed
    }

    fn list_of_file(&mut self, key: &str, name: &Spanned<String>, listed: &mut Listed) {
        let Some(path) = self.path(key, name, "/etc/handoff/prefixes.txt") else {
            return;
        };
        let text = match self.files.text(&path) {
            Ok(text) => text,
            Err(error) => {
                return self.problems.add(name, format!("{key} {path:?} cannot be read: {error}; {READABLE}"));
            }
        };
        let path: Arc<Path> = path.into();
        let mut mistakes = 0;
        for (line, text, prefix) in prefixes(&text) {
            let place = Place { path: Arc::clone(&path), line };
            match prefix {
                Ok(prefix) => {
                    listed.entry(prefix).or_insert(place);
                }
                Err(_) if mistakes == MOST_MISTAKES => {
                    return self.problems.add_at(place, "there are more mistakes from here on");
                }
                Err(error) => {
                    mistakes += 1;
                    self.problems.add_at(place, format!("{text:?} {error}"));
                }
            }
        }
    }
}

/// What the prefixes of those who may connect to `vip` lack. A list that was emptied by mistake must not open the service to everybody,
/// and one that holds no client, which is of the VIP's family, not close it.
fn lack(allowed: &Listed, vip: Option<IpAddr>) -> Option<String> {
    if allowed.is_empty() {
        let lack = "has no prefix, which would let everybody in: leave it out, or list who may connect";
        return Some(lack.to_owned());
    }
    let vip = vip.filter(|vip| !allowed.keys().any(|prefix| prefix.address.is_ipv4() == vip.is_ipv4()))?;
    let (family, all) = if vip.is_ipv4() { ("IPv4", "0.0.0.0/0") } else { ("IPv6", "::/0") };
    Some(format!("has no {family} prefix, so that nobody could connect to {vip}: add one, as {all} for everybody"))
}

/// The prefixes in the text of a file, one a line, with the number and the text of the line. `#` begins a comment.
fn prefixes(text: &str) -> impl Iterator<Item = (usize, &str, Result<Prefix, InvalidPrefix>)> {
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
    (1..).zip(lines).filter(|(_, line)| !line.is_empty()).map(|(number, line)| (number, line, line.parse()))
}
