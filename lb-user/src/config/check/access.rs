//! Who may connect: lists of prefixes in the configuration, and in files.

use super::Checker;
use crate::config::Place;
use crate::config::file;
use crate::config::model::{Access, Action, InvalidPrefix, Prefix};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use toml::Spanned;

/// Most mistakes of one list that are reported: who lists a hundred thousand prefixes did not write them by hand.
const MOST_MISTAKES: usize = 10;

/// Prefixes, and where each is listed.
type Listed = BTreeMap<Prefix, Place>;

impl Checker<'_> {
    pub(super) fn access(&mut self, about: &str, service: &file::Service) -> Access {
        let mistakes = self.problems.count();
        let allowed = self.list(about, "allow", service.allow.as_ref(), service.allow_file.as_ref());
        if allowed.is_empty() && self.problems.count() == mistakes {
            self.nobody_is_allowed(about, service);
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

    /// A list that was emptied by mistake must not open the service to everybody.
    fn nobody_is_allowed(&mut self, about: &str, service: &file::Service) {
        const REMEDY: &str = "has no prefix, which would let everybody in: leave it out, or list who may connect";
        match (&service.allow, &service.allow_file) {
            (Some(list), _) => self.problems.add(list, format!("{about}: allow {REMEDY}")),
            (None, Some(file)) => self.problems.add(file, format!("{about}: allow-file {:?} {REMEDY}", file.get_ref())),
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
                return self.problems.add(name, format!("{key} {path:?} cannot be read: {error}"));
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

/// The prefixes in the text of a file, one a line, with the number and the text of the line. `#` begins a comment.
fn prefixes(text: &str) -> impl Iterator<Item = (usize, &str, Result<Prefix, InvalidPrefix>)> {
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
    (1..).zip(lines).filter(|(_, line)| !line.is_empty()).map(|(number, line)| (number, line, line.parse()))
}
