//! What is worth a line when the standing of back-ends changes.

use super::events::{About, Events};
use super::standing::{Standing, Standings};
use crate::config::{AllDown, BackendName, Config};
use crate::control::types::{BackendState, EventKind};

/// Notes what is different `after` from `before`.
pub(super) fn notice(config: &Config, before: &Standings, after: &Standings, events: &mut Events) {
    for service in &config.services {
        for backend in &service.backends {
            let name = BackendName::of(service, backend);
            notice_backend(&name, before.find(&name), &after.get(service, backend), events);
        }
        let (was, is) = (before.all_down(service), after.all_down(service));
        if was != is {
            let about = About::Service(&service.name);
            match is {
                None => events.info(EventKind::Service, about, "a back-end passes its health check again"),
                Some(policy) => {
                    let message = format!("no back-end passes its health check: {}", what_follows(policy));
                    events.warn(EventKind::Service, about, message);
                }
            }
        }
    }
}

fn notice_backend(name: &BackendName, before: Option<&Standing>, after: &Standing, events: &mut Events) {
    let is_same = before.is_some_and(|before| {
        let is_other_trouble = after.state == BackendState::Unreachable && before.reason != after.reason;
        before.state == after.state && !is_other_trouble
    });
    let reason = || after.reason.clone().unwrap_or_default();
    match after.state {
        _ if is_same => {}
        BackendState::Ready if before.is_none() => {}
        BackendState::Ready => {
            events.info(EventKind::Backend, About::Backend(name), "gets its whole share of new flows");
        }
        BackendState::Starting => events.info(EventKind::Backend, About::Backend(name), reason()),
        BackendState::Draining | BackendState::Disabled => {
            events.info(EventKind::Backend, About::Backend(name), reason());
        }
        BackendState::Down | BackendState::Unreachable | BackendState::Leaving => {
            events.warn(EventKind::Backend, About::Backend(name), format!("gets no new flows: {}", reason()));
        }
    }
}

/// What becomes of new flows then.
pub(super) fn what_follows(policy: AllDown) -> &'static str {
    match policy {
        AllDown::Open => "new flows go to all of them (all-down = \"open\")",
        AllDown::Drop => "new flows are dropped (all-down = \"drop\")",
        AllDown::Pass => "new flows pass to the balancer's own network stack (all-down = \"pass\")",
    }
}
