//! Finds out which back-end a request was handed to that has failed.

use super::ledger::{Failure, Kind};
use super::stage::{Shared, Stage, lock};
use crate::scene::wait;
use anyhow::{Context, Result};
use lb_user::control::types::{FlowFilter, FlowStatus};
use lb_user::lab::Node;
use std::mem;
use std::thread::sleep;
use std::time::Duration;

/// How long after its end a request is looked for: the agent may not answer just then.
const PATIENCE: Duration = Duration::from_secs(15);

/// Asks the agent about failures until there are no more.
pub(super) fn work(stage: &Stage, shared: &Shared) {
    loop {
        let over = shared.is_over();
        let (known, unknown): (Vec<_>, Vec<_>) =
            mem::take(&mut *lock(&shared.pending)).into_iter().partition(|(failure, _)| failure.backend.is_some());
        known.into_iter().for_each(|(failure, _)| enter(failure, shared));
        if !unknown.is_empty() {
            let flows = flows(stage).unwrap_or_default();
            for (mut failure, socket) in unknown {
                let age = shared.now() - failure.began;
                failure.backend = flows.iter().find(|flow| is_of(flow, &failure, age)).map(|flow| name(&flow.backend));
                if failure.backend.is_some() || shared.now() > failure.ended + PATIENCE {
                    enter(failure, shared);
                } else {
                    shared.failed(failure, socket);
                }
            }
        } else if over {
            return;
        }
        sleep(Duration::from_millis(200));
    }
}

fn enter(failure: Failure, shared: &Shared) {
    let backend = failure.backend.as_deref().unwrap_or("nobody knows whom");
    let time = (failure.ended - failure.began).as_secs_f64();
    shared.tell(&format!(
        "failed after {time:.1} s, {:?} from port {} to {backend}: {}",
        failure.kind, failure.port, failure.what
    ));
    lock(&shared.ledger).failures.push(failure);
}

fn flows(stage: &Stage) -> Result<Vec<FlowStatus>> {
    let client = Node::Client.address().context("the client has an address")?;
    let filter = FlowFilter {
        client: Some(format!("{client}/32").parse().map_err(anyhow::Error::msg)?),
        service: None,
        backend: None,
        state: None,
        limit: FlowFilter::MAX_LIMIT,
    };
    Ok(wait(stage.control().flows(&filter))??.flows)
}

/// One that is not configured any more has nothing but its address.
fn name(backend: &str) -> String {
    backend.strip_prefix("198.18.1.").map_or_else(|| backend.to_owned(), |number| format!("server-{number}"))
}

/// Whether it is the flow of a request that began so long ago, and not that of an earlier one from the same port: in a flood, the first packet
/// of a connection is not remembered, and leaves the earlier one where it is.
fn is_of(flow: &FlowStatus, failure: &Failure, age: Duration) -> bool {
    let service = match failure.kind {
        Kind::Tls => "web",
        Kind::Connection | Kind::Held => "files",
        Kind::Datagram => "names",
    };
    flow.service == service
        && flow.idle_s <= age.as_secs() + 1
        && flow.tuple.is_some_and(|tuple| tuple.client.port() == failure.port)
}
