use super::request::RequestError;
use crate::lab::reuse::Reuse;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::Duration;

/// What became of the requests so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Requests that were begun.
    pub begun: u64,
    /// Requests that were answered as they should be.
    pub ok: u64,
    /// Bytes of their response bodies.
    pub response_bytes: u64,
    /// Which servers, by their names, answered each client.
    pub reuse: Reuse<String>,
    /// The others that have ended, by kind.
    pub failures: BTreeMap<&'static str, Failure>,
}

/// Requests that failed in the same way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// How many.
    pub count: u64,
    /// What happened to the first of them.
    pub first: String,
}

impl Tally {
    /// Requests that failed.
    pub fn failed(&self) -> u64 {
        self.failures.values().map(|failure| failure.count).sum()
    }

    /// Requests that have not ended.
    pub fn open(&self) -> u64 {
        self.begun - self.ok - self.failed()
    }

    /// Counts the end of a request from `source` for `size` bytes, or the server that answered it, at the time `now` since the start.
    pub(super) fn count(&mut self, source: Ipv4Addr, size: u64, result: Result<String, RequestError>, now: Duration) {
        match result {
            Ok(server) => {
                self.ok += 1;
                self.response_bytes += size;
                self.reuse.count(source, server, now);
            }
            Err(error) => {
                let first = || Failure { count: 0, first: error.to_string() };
                self.failures.entry(error.kind()).or_insert_with(first).count += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_failure_of_each_kind_is_kept() {
        let mut tally = Tally { begun: 5, ..Tally::default() };
        let mut count = |result| tally.count(Ipv4Addr::UNSPECIFIED, 10, result, Duration::ZERO);
        count(Ok("server-1".to_owned()));
        count(Err(RequestError::Length { asked: 10, received: 3 }));
        count(Err(RequestError::Length { asked: 10, received: 4 }));
        count(Err(RequestError::Timeout { doing: "connecting" }));
        assert_eq!((tally.ok, tally.response_bytes, tally.failed(), tally.open()), (1, 10, 3, 1));
        assert_eq!(tally.failures["length"], Failure { count: 2, first: "asked for 10 bytes, received 3".to_owned() });
        assert_eq!(tally.failures["timeout"].first, "connecting: no answer for 5 s");
    }
}
