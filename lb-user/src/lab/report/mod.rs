//! What an experiment found out, in numbers. [`Report`] is also what `handoff lab --json` writes.

mod clients;
mod json;
mod return_path;
mod rounds;

pub use clients::ClientsReport;
pub use json::JsonFile;
pub use return_path::{Ingress, ReturnPath, Traffic};
pub use rounds::{Errors, Round, Totals, rounds};

use super::balance::Fairness;
use super::load::{LoadOptions, Tally};
use serde::Serialize;
use std::net::{IpAddr, SocketAddrV4};

/// What an experiment found out.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// Name of the service.
    pub service: String,
    /// VIP and port.
    pub vip: SocketAddrV4,
    /// Seconds from the first request to the end of the last.
    pub duration_s: f64,
    /// What the data generator did.
    pub load: LoadOptions,
    /// What became of the requests.
    pub requests: Requests,
    /// The distribution toward the servers.
    pub backends: Vec<BackendReport>,
    /// How fair the distribution of new flows is.
    pub fairness: Fairness,
    /// The distribution's errors from even.
    pub error: Errors,
    /// The same for each round.
    pub rounds: Vec<Round>,
    /// What it meant for clients and servers, if they were the question.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clients: Option<ClientsReport>,
    /// Whether the servers answered the client directly.
    pub return_path: ReturnPath,
    /// How often somebody killed the agent (SIGKILL), and the lab started another.
    pub agents_killed: u32,
}

/// What became of the requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Requests {
    /// Answered as they should be.
    pub ok: u64,
    /// All others.
    pub failed: u64,
    /// The ways in which they failed.
    pub failures: Vec<FailureReport>,
}

/// One way to fail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FailureReport {
    /// Its name.
    pub kind: &'static str,
    /// How many requests failed this way.
    pub count: u64,
    /// What happened to the first.
    pub first: String,
}

/// One server's part.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BackendReport {
    /// Its name.
    pub name: String,
    /// Its address, which the client never sees.
    pub address: IpAddr,
    /// Flows that the scheduler gave to it.
    pub new_flows: u64,
    /// Packets that the balancer handed to it: the client's half of the connections.
    pub packets: u64,
    /// Their bytes, Ethernet headers included.
    pub bytes: u64,
    /// Its part of the new flows, 0 to 1.
    pub share: f64,
    /// Connections that it accepted.
    pub connections: u64,
    /// Bytes of response bodies that it sent, which the balancer never sees.
    pub response_bytes: u64,
}

impl Requests {
    /// What `tally` says.
    pub fn of(tally: &Tally) -> Self {
        let failures = tally.failures.iter();
        Self {
            ok: tally.ok,
            failed: tally.failed(),
            failures: failures
                .map(|(&kind, failure)| FailureReport { kind, count: failure.count, first: failure.first.clone() })
                .collect(),
        }
    }
}

impl Report {
    /// What is wrong with the result, in the order of importance; nothing when the experiment succeeded.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.requests.failed > 0 {
            problems.push(format!("requests that failed: {}", self.requests.failed));
        }
        if self.requests.ok == 0 {
            problems.push("no request was answered".to_owned());
        }
        if !self.return_path.is_direct() {
            problems.push("responses did not go directly from the servers to the client".to_owned());
        }
        problems
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A report on 15 s with three servers and two rounds.
    pub(crate) fn report() -> Report {
        let ends = [
            Totals { flows: vec![750; 3], response_bytes: vec![9 << 20, 12 << 20, 15 << 20] },
            Totals { flows: vec![1_500; 3], response_bytes: vec![24 << 20, 24 << 20, 25 << 20] },
        ];
        let [_, end] = &ends;
        let backend = |index: usize| BackendReport {
            name: format!("server-{}", index + 1),
            address: IpAddr::from([198, 18, 1, index as u8 + 1]),
            new_flows: end.flows[index],
            packets: 18_000,
            bytes: 2_200_000,
            share: 1.0 / 3.0,
            connections: end.flows[index],
            response_bytes: end.response_bytes[index],
        };
        Report {
            service: "web".to_owned(),
            vip: super::super::topology::SERVICE,
            duration_s: 15.04,
            load: LoadOptions::DEFAULT,
            requests: Requests::of(&Tally { begun: 4_500, ok: 4_500, response_bytes: 73 << 20, ..Tally::default() }),
            backends: (0..3).map(backend).collect(),
            fairness: Fairness::of(&end.flows),
            error: Errors::of(end),
            rounds: rounds(&ends),
            clients: None,
            return_path: ReturnPath {
                received: Traffic { packets: 54_020, bytes: 6_600_840 },
                handed_off: Traffic { packets: 54_000, bytes: 6_600_000 },
                return_packets: 0,
                response_bytes: 73 << 20,
                foreign_peers: 0,
            },
            agents_killed: 0,
        }
    }

    #[test]
    fn a_good_report_has_no_problems() {
        assert_eq!(report().problems(), Vec::<String>::new());
    }

    #[test]
    fn whatever_went_wrong_is_a_problem() {
        let mut report = report();
        report.requests = Requests { ok: 0, failed: 7, failures: vec![] };
        report.return_path.return_packets = 1;
        assert_eq!(
            report.problems(),
            [
                "requests that failed: 7",
                "no request was answered",
                "responses did not go directly from the servers to the client"
            ]
        );
    }
}
