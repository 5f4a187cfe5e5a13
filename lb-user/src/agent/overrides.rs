//! What operators said about back-ends at run time, over the configuration.

use crate::config::{Backend, BackendName, Config};
use crate::control::types::{OverrideRequest, Verb};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Overrides by back-end. One that says nothing is not kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<Entry>", into = "Vec<Entry>")]
pub(super) struct Overrides(BTreeMap<BackendName, Override>);

/// What holds for a back-end instead of what the configuration says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Override {
    /// It gets no new flows.
    #[serde(default)]
    pub(super) drained: bool,
    /// It gets no flows at all.
    #[serde(default)]
    pub(super) disabled: bool,
    /// It has this weight.
    #[serde(default)]
    pub(super) weight: Option<u16>,
}

/// An override as it is kept.
#[derive(Clone, Serialize, Deserialize)]
struct Entry {
    #[serde(flatten)]
    name: BackendName,
    #[serde(flatten)]
    says: Override,
}

impl From<Vec<Entry>> for Overrides {
    fn from(entries: Vec<Entry>) -> Self {
        Self(entries.into_iter().map(|Entry { name, says }| (name, says)).collect())
    }
}

impl From<Overrides> for Vec<Entry> {
    fn from(overrides: Overrides) -> Self {
        overrides.0.into_iter().map(|(name, says)| Entry { name, says }).collect()
    }
}

impl Overrides {
    /// What is said about this back-end.
    pub(super) fn of(&self, name: &BackendName) -> Override {
        self.0.get(name).copied().unwrap_or_default()
    }

    /// The back-ends that something is said about.
    pub(super) fn names(&self) -> impl Iterator<Item = &BackendName> {
        self.0.keys()
    }

    /// Does what the request says; returns the back-ends that it is about.
    ///
    /// # Errors
    /// When there is no such back-end, or it cannot have that weight.
    pub(super) fn change(&mut self, config: &Config, request: &OverrideRequest) -> Result<Vec<BackendName>, String> {
        let targets = targets(config, request)?;
        if let Verb::Weight(weight) = request.verb {
            may_weigh(config, request, weight)?;
        }
        for name in &targets {
            let mut says = self.of(name);
            match request.verb {
                Verb::Drain => says.drained = true,
                Verb::Undrain => says.drained = false,
                Verb::Disable => says.disabled = true,
                Verb::Enable => says.disabled = false,
                Verb::Weight(weight) => says.weight = Some(weight),
                Verb::ResetWeight => says.weight = None,
            }
            if says == Override::default() {
                self.0.remove(name);
            } else {
                self.0.insert(name.clone(), says);
            }
        }
        Ok(targets)
    }

    /// Forgets what is said about back-ends that the configuration does not have; returns their names.
    pub(super) fn prune(&mut self, config: &Config) -> Vec<BackendName> {
        let known: Vec<BackendName> = config.backend_names().collect();
        let gone: Vec<BackendName> = self.0.keys().filter(|name| !known.contains(name)).cloned().collect();
        self.0.retain(|name, _| !gone.contains(name));
        gone
    }
}

/// The back-ends that the request means: those of that name, in all services or in the one that it names.
fn targets(config: &Config, request: &OverrideRequest) -> Result<Vec<BackendName>, String> {
    let OverrideRequest { service, backend, .. } = request;
    let is_meant = |name: &BackendName| {
        name.backend == *backend && service.as_ref().is_none_or(|service| *service == name.service)
    };
    let targets: Vec<BackendName> = config.backend_names().filter(is_meant).collect();
    if !targets.is_empty() {
        return Ok(targets);
    }
    let place = service.as_ref().map_or_else(String::new, |service| format!(" in service {service:?}"));
    Err(format!("there is no back-end {backend:?}{place}: `handoff backends` lists them"))
}

fn may_weigh(config: &Config, request: &OverrideRequest, weight: u16) -> Result<(), String> {
    if !Backend::WEIGHTS.contains(&weight) {
        let (least, most) = Backend::WEIGHTS.into_inner();
        return Err(format!("weight {weight} cannot be: use {least} to {most}"));
    }
    let unweighted = config.services.iter().find(|service| {
        let is_meant = request.service.as_ref().is_none_or(|name| *name == service.name);
        is_meant
            && !service.scheduler.is_weighted()
            && service.backends.iter().any(|backend| backend.name == request.backend)
    });
    match unweighted {
        Some(service) if weight != Backend::DEFAULT_WEIGHT => Err(format!(
            "weight {weight} has no meaning with {}, the scheduler of service {:?}: use `handoff drain`, or a weighted scheduler",
            service.scheduler, service.name
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn config() -> Config {
        let service = |name: &str, port: u16, scheduler: &str| {
            let backends = "[{ name = \"a\", address = \"10.0.0.1\" }, { name = \"b\", address = \"10.0.0.2\" }]";
            format!(
                "[[service]]\nname = \"{name}\"\nvip = \"192.0.2.1\"\nport = {port}\nscheduler = \"{scheduler}\"\nbackends = {backends}\n"
            )
        };
        let services = service("web", 443, "maglev") + &service("dns", 53, "round-robin");
        let text = format!("[agent]\ninterfaces = [\"eth0\"]\n{services}");
        Config::parse(Path::new("test"), &text).expect("a configuration")
    }

    fn request(service: Option<&str>, backend: &str, verb: Verb) -> OverrideRequest {
        OverrideRequest { service: service.map(str::to_owned), backend: backend.to_owned(), verb, force: false }
    }

    fn name(service: &str, backend: &str) -> BackendName {
        BackendName { service: service.to_owned(), backend: backend.to_owned() }
    }

    #[test]
    fn a_name_means_the_backend_of_all_services() {
        let mut overrides = Overrides::default();
        let meant = overrides.change(&config(), &request(None, "a", Verb::Drain)).expect("back-ends");
        assert_eq!(meant, [name("web", "a"), name("dns", "a")]);
        assert!(overrides.of(&name("dns", "a")).drained && !overrides.of(&name("dns", "b")).drained);
        overrides.change(&config(), &request(Some("dns"), "a", Verb::Undrain)).expect("a back-end");
        assert_eq!(overrides.names().collect::<Vec<_>>(), [&name("web", "a")]);
    }

    #[test]
    fn what_is_kept_is_what_was_said() {
        let mut overrides = Overrides::default();
        overrides.change(&config(), &request(Some("web"), "b", Verb::Weight(7))).expect("a back-end");
        overrides.change(&config(), &request(None, "a", Verb::Disable)).expect("back-ends");
        let kept = serde_json::to_string(&overrides).expect("JSON");
        assert_eq!(serde_json::from_str::<Overrides>(&kept).expect("overrides"), overrides);
        assert!(
            kept.contains(r#"{"service":"web","backend":"b","drained":false,"disabled":false,"weight":7}"#),
            "{kept}"
        );
    }

    #[test]
    fn what_cannot_be_changes_nothing() {
        let mut overrides = Overrides::default();
        let mut refuse = |request| overrides.change(&config(), &request).expect_err("a refusal");
        assert!(refuse(request(None, "c", Verb::Drain)).starts_with("there is no back-end \"c\": "));
        assert!(refuse(request(Some("ftp"), "a", Verb::Drain)).contains("in service \"ftp\""));
        assert!(refuse(request(Some("web"), "a", Verb::Weight(257))).contains("use 0 to 256"));
        assert!(refuse(request(None, "a", Verb::Weight(2))).contains("no meaning with round-robin"));
        assert_eq!(overrides, Overrides::default());
    }

    #[test]
    fn backends_that_are_gone_are_forgotten() {
        let mut overrides = Overrides::default();
        overrides.change(&config(), &request(None, "a", Verb::Drain)).expect("back-ends");
        let mut less = config();
        less.services.truncate(1);
        assert_eq!(overrides.prune(&less), [name("dns", "a")]);
        assert_eq!(overrides.names().count(), 1);
    }
}
