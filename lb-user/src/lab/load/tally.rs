use super::request::{Answer, RequestError};
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
    /// Those of them whose session was an earlier one.
    pub resumed: u64,
    /// Those of them whose client had a session when they began.
    pub returning: u64,
    /// Which servers, by their names, answered each client.
    pub reuse: Reuse<String>,
    /// The others that have ended, by kind.
    pub failures: BTreeMap<&'static str, Failure>,
}

/// A request that has not ended.
#[derive(Debug)]
pub(super) struct Begun {
    source: Ipv4Addr,
    size: u64,
    returning: bool,
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

    /// Counts the beginning of a request from `source` for `size` bytes.
    pub(super) fn begin(&mut self, source: Ipv4Addr, size: u64) -> Begun {
        self.begun += 1;
        Begun { source, size, returning: self.reuse.knows(source) }
    }

    /// Counts the end of a request, at the time `now` since the start.
    pub(super) fn end(&mut self, request: &Begun, result: Result<Answer, RequestError>, now: Duration) {
        match result {
            Ok(Answer { server, resumed }) => {
                self.ok += 1;
                self.response_bytes += request.size;
                self.resumed += u64::from(resumed);
                self.returning += u64::from(request.returning);
                self.reuse.count(request.source, server, now);
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

    fn answer(resumed: bool) -> Result<Answer, RequestError> {
        Ok(Answer { server: "server-1".to_owned(), resumed })
    }

    #[test]
    fn the_first_failure_of_each_kind_is_kept() {
        let mut tally = Tally::default();
        let requests = [(); 5].map(|()| tally.begin(Ipv4Addr::UNSPECIFIED, 10));
        let results = [
            answer(false),
            Err(RequestError::Length { asked: 10, received: 3 }),
            Err(RequestError::Length { asked: 10, received: 4 }),
            Err(RequestError::Timeout { doing: "connecting" }),
        ];
        for (request, result) in requests.iter().zip(results) {
            tally.end(request, result, Duration::ZERO);
        }
        assert_eq!((tally.ok, tally.response_bytes, tally.failed(), tally.open()), (1, 10, 3, 1));
        assert_eq!(tally.failures["length"], Failure { count: 2, first: "asked for 10 bytes, received 3".to_owned() });
        assert_eq!(tally.failures["timeout"].first, "connecting: no answer for 5 s");
    }

    #[test]
    fn a_client_has_a_session_when_its_first_request_has_ended() {
        let (one, other) = (Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 0, 2));
        let mut tally = Tally::default();
        // The second begins before the first has ended: there is nothing that it could resume.
        let first = [one, one, other].map(|client| tally.begin(client, 10));
        for request in &first {
            tally.end(request, answer(false), Duration::ZERO);
        }
        assert_eq!((tally.returning, tally.resumed), (0, 0));
        let second = [one, other].map(|client| tally.begin(client, 10));
        for (request, resumed) in second.iter().zip([true, false]) {
            tally.end(request, answer(resumed), Duration::ZERO);
        }
        assert_eq!((tally.returning, tally.resumed), (2, 1));
    }
}
