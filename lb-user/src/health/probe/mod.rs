//! What is asked of a back-end, a type a file: each is one function that returns when the back-end has answered as it should.
//!
//! None of them has a timeout of its own: [`probe`] drops it when it has waited long enough, and nothing of it is left.

mod dns;
mod error;
mod exec;
mod grpc;
mod http;
mod tcp;
mod tls;
mod udp;

#[cfg(test)]
mod testing;

use error::Error;
pub(crate) use tls::Anybody;

use super::target::Target;
use crate::config::Probe;
use futures_util::future::{Either, select};
use std::pin::pin;
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// Most bytes of an answer that are looked at.
const MOST: usize = 64 << 10;

/// Asks a target once; returns how long its answer took.
///
/// # Errors
/// When its answer does not mean health, or does not come in time.
pub(super) async fn probe(target: &Target) -> Result<Duration, Error> {
    let began = Instant::now();
    match timeout(target.health.timeout, ask(target)).await {
        Ok(answered) => answered.map(|()| began.elapsed()),
        Err(_) => Err(Error::Silence(target.health.timeout)),
    }
}

async fn ask(target: &Target) -> Result<(), Error> {
    match &target.health.probe {
        Probe::Tcp => tcp::probe(target).await,
        Probe::Tls(tls) => tls::probe(target, tls).await,
        Probe::Http(http, tls) => http::probe(target, http, tls.as_ref()).await,
        Probe::Udp(udp) => udp::probe(target, udp).await,
        Probe::Dns(dns) => dns::probe(target, dns).await,
        Probe::Grpc(grpc, tls) => grpc::probe(target, grpc, tls.as_ref()).await,
        Probe::Exec(command) => exec::probe(target, command).await,
    }
}

/// Does `work`, which needs somebody to drive its `connection`. What the connection has brought before it ended is still there.
async fn driving<T>(connection: impl Future, work: impl Future<Output = T>) -> T {
    match select(pin!(work), pin!(connection)).await {
        Either::Left((done, _)) => done,
        Either::Right((_, work)) => work.await,
    }
}
