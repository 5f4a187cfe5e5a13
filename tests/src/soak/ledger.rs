//! The ledger: what became of every request, and what accounts for those that failed.

use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// A kind of client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A TCP connection for each request.
    Connection,
    /// Requests over a connection that stays open.
    Held,
    /// A TLS connection for each request, with the session of the one before.
    Tls,
    /// A datagram, sent again when no answer comes.
    Datagram,
}

/// A request that failed. Times are since the start.
#[derive(Clone, Debug, Serialize)]
pub struct Failure {
    /// Who asked.
    pub kind: Kind,
    /// When it began.
    pub began: Duration,
    /// When it was given up.
    pub ended: Duration,
    /// Its client's port.
    pub port: u16,
    /// The back-end that it was handed to, as the balancer's flow table or an earlier answer says.
    pub backend: Option<String>,
    /// What its client saw.
    pub what: String,
}

/// A time in which a back-end could not answer.
#[derive(Clone, Debug, Serialize)]
pub struct Outage {
    /// The back-end.
    pub backend: String,
    /// When it went.
    pub from: Duration,
    /// When it was back; `None` while it is not.
    pub to: Option<Duration>,
}

/// What accounts for a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Account {
    /// It was with a back-end that was out during it.
    InFlight,
    /// Nobody remembers where it was; some back-end was out during it.
    Forgotten,
    /// Nothing does.
    Unaccounted,
}

/// All requests.
#[derive(Debug, Default, Serialize)]
pub struct Ledger {
    /// Requests that were answered as they should be, by client and back-end.
    pub answered: BTreeMap<Kind, BTreeMap<String, u64>>,
    /// TLS sessions that were resumed.
    pub resumed: u64,
    /// Those that were not.
    pub failures: Vec<Failure>,
    /// When back-ends were out.
    pub outages: Vec<Outage>,
}

impl Ledger {
    /// Counts a request that was answered.
    pub fn answered(&mut self, kind: Kind, backend: String) {
        *self.answered.entry(kind).or_default().entry(backend).or_default() += 1;
    }

    /// A back-end goes.
    pub fn goes(&mut self, backend: &str, now: Duration) {
        self.outages.push(Outage { backend: backend.to_owned(), from: now, to: None });
    }

    /// It is back.
    pub fn is_back(&mut self, backend: &str, now: Duration) {
        let open = self.outages.iter_mut().rev().find(|outage| outage.backend == backend && outage.to.is_none());
        if let Some(outage) = open {
            outage.to = Some(now);
        }
    }

    /// What accounts for a failure.
    pub fn account(&self, failure: &Failure) -> Account {
        let during = |outage: &&Outage| outage.from <= failure.ended && outage.to.is_none_or(|to| to >= failure.began);
        let mut outages = self.outages.iter().filter(during);
        match &failure.backend {
            Some(backend) if outages.any(|outage| outage.backend == *backend) => Account::InFlight,
            None if outages.next().is_some() => Account::Forgotten,
            _ => Account::Unaccounted,
        }
    }

    /// The failures that this accounts for.
    pub fn failures_by(&self, account: Account) -> impl Iterator<Item = &Failure> {
        self.failures.iter().filter(move |failure| self.account(failure) == account)
    }

    /// Requests in all.
    pub fn requests(&self) -> u64 {
        self.answered.values().flat_map(BTreeMap::values).sum::<u64>() + self.failures.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn failure(began: u64, ended: u64, backend: Option<&str>) -> Failure {
        let backend = backend.map(str::to_owned);
        Failure { kind: Kind::Connection, began: at(began), ended: at(ended), port: 1, backend, what: String::new() }
    }

    #[test]
    fn only_an_outage_of_its_own_back_end_accounts_for_a_failure() {
        let mut ledger = Ledger::default();
        ledger.goes("a", at(10));
        ledger.is_back("a", at(20));
        for (failure, account) in [
            (failure(5, 10, Some("a")), Account::InFlight),
            (failure(20, 25, Some("a")), Account::InFlight),
            (failure(5, 9, Some("a")), Account::Unaccounted),
            (failure(21, 25, Some("a")), Account::Unaccounted),
            (failure(15, 16, Some("b")), Account::Unaccounted),
            (failure(15, 16, None), Account::Forgotten),
            (failure(21, 25, None), Account::Unaccounted),
        ] {
            assert_eq!(ledger.account(&failure), account, "{failure:?}");
        }
    }

    #[test]
    fn an_outage_lasts_until_the_back_end_is_back() {
        let mut ledger = Ledger::default();
        ledger.goes("a", at(10));
        assert_eq!(ledger.account(&failure(90, 99, Some("a"))), Account::InFlight);
        ledger.is_back("a", at(20));
        assert_eq!(ledger.account(&failure(90, 99, Some("a"))), Account::Unaccounted);
    }
}
