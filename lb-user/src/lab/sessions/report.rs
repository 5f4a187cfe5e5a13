use super::measured::{Measured, median};
use super::{Case, Scheme};
use crate::lab::balance::Fairness;
use crate::lab::{Handshakes, KeyKind, LoadOptions};
use serde::{Deserialize, Serialize};
use std::net::SocketAddrV4;

/// What the experiment found out; also what `handoff lab --experiment sessions --json` writes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SessionsReport {
    /// Tells this report from others.
    pub experiment: Experimented,
    /// The release of Handoff.
    pub version: String,
    /// VIP and port.
    pub vip: SocketAddrV4,
    /// How many servers there were.
    pub servers: usize,
    /// What the data generator did.
    pub load: LoadOptions,
    /// How often all cases were gone through.
    pub rounds: u32,
    /// Seconds that requests were begun in one case of one round.
    pub case_s: f64,
    /// Seconds between two rotations of shared keys.
    pub rotation_s: f64,
    /// What came out of each case.
    pub cases: Vec<CaseReport>,
}

/// Which experiment a report is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Experimented {
    /// The one about reusing sessions.
    Sessions,
}

/// What came out of a case: sums over the rounds, and medians of what each round says about time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CaseReport {
    /// The case.
    #[serde(flatten)]
    pub case: Case,
    /// Handshakes that made a new session.
    pub full: u64,
    /// Handshakes that went on with an old one.
    pub resumed: u64,
    /// Connections of clients that had a session when they began: all but the first ones.
    pub returning: u64,
    /// The part of those that went on with it, 0 to 1; none without such connections.
    pub resumed_share: Option<f64>,
    /// Handshakes a second.
    pub handshakes_per_s: f64,
    /// Processor time of a full handshake on the server, in microseconds: TLS alone, without reading and writing.
    pub full_cpu_us: Option<f64>,
    /// The same of a resumed one.
    pub resumed_cpu_us: Option<f64>,
    /// The same of any: what a connection cost in this case.
    pub cpu_us: Option<f64>,
    /// Connections of each server.
    pub connections: Vec<u64>,
    /// How fair that was; the mean of the rounds.
    pub fairness: Fairness,
    /// Connections that failed.
    pub errors: u64,
    /// What happened to one of them.
    pub error: Option<String>,
}

impl CaseReport {
    /// What `rounds` of `case` came to; there is one at least.
    pub(super) fn of(case: Case, rounds: &[Measured]) -> Self {
        let handshakes = rounds.iter().map(|round| round.handshakes).fold(Handshakes::default(), Handshakes::and);
        let sum = |count: fn(&Measured) -> u64| rounds.iter().map(count).sum::<u64>();
        let (returning, resumed) = (sum(|round| round.returning), sum(|round| round.resumed));
        let cpu = |of: fn(&Handshakes) -> Option<f64>| median(rounds.iter().filter_map(|round| of(&round.handshakes)));
        let rates = rounds.iter().map(|round| round.handshakes.all().count as f64 / round.duration.as_secs_f64());
        Self {
            case,
            full: handshakes.full.count,
            resumed: handshakes.resumed.count,
            returning,
            resumed_share: (returning > 0).then(|| resumed as f64 / returning as f64),
            handshakes_per_s: median(rates).unwrap_or_default(),
            full_cpu_us: cpu(|handshakes| handshakes.full.each_us()),
            resumed_cpu_us: cpu(|handshakes| handshakes.resumed.each_us()),
            cpu_us: cpu(|handshakes| handshakes.all().each_us()),
            connections: connections(rounds),
            fairness: mean_fairness(rounds),
            errors: sum(|round| round.errors),
            error: rounds.iter().find_map(|round| round.error.clone()),
        }
    }
}

impl SessionsReport {
    /// What a full and a resumed handshake cost the server where both are only that: without reuse, and with shared keys.
    pub fn costs(&self) -> impl Iterator<Item = Costs> {
        let without = self.cases.iter().filter(|case| case.case.scheme == Scheme::NoReuse);
        without.filter_map(|without| {
            let case = Case { scheme: Scheme::SharedKeys, ..without.case };
            let shared = self.cases.iter().find(|shared| shared.case == case)?;
            let (full_us, resumed_us) = (without.full_cpu_us?, shared.resumed_cpu_us?);
            Some(Costs { key: case.key, version: case.version, full_us, resumed_us })
        })
    }

    /// What is wrong with the result, in the order of importance; nothing when the experiment succeeded.
    pub fn problems(&self) -> Vec<String> {
        let failed = self.cases.iter().filter(|case| case.errors > 0);
        let failed = failed.map(|case| {
            let error = case.error.as_ref().map_or_else(String::new, |error| format!(", one of them: {error}"));
            format!("{}: connections that failed: {}{error}", case.case, case.errors)
        });
        let empty = self.cases.iter().filter(|case| case.full + case.resumed == 0);
        failed.chain(empty.map(|case| format!("{}: no connection was made", case.case))).collect()
    }
}

/// What handshakes cost the server with one kind of key and one version of TLS.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Costs {
    /// The key of the certificate.
    pub key: KeyKind,
    /// The version.
    pub version: super::Version,
    /// Processor time of a full handshake, in microseconds.
    pub full_us: f64,
    /// Processor time of a resumed one, in microseconds.
    pub resumed_us: f64,
}

impl Costs {
    /// How many resumed handshakes cost as much as a full one.
    pub fn ratio(&self) -> f64 {
        self.full_us / self.resumed_us
    }
}

/// Connections of each server in all rounds.
fn connections(rounds: &[Measured]) -> Vec<u64> {
    let servers = rounds.first().map_or(0, |round| round.connections.len());
    (0..servers).map(|server| rounds.iter().map(|round| round.connections[server]).sum()).collect()
}

/// Where a client is sent in one round has nothing to do with the next: all rounds together would look fairer than any of them was.
fn mean_fairness(rounds: &[Measured]) -> Fairness {
    let each: Vec<_> = rounds.iter().map(|round| Fairness::of(&round.connections)).collect();
    let mean = |of: fn(&Fairness) -> f64| each.iter().map(of).sum::<f64>() / each.len() as f64;
    Fairness { max_over_mean: mean(|fairness| fairness.max_over_mean), jain: mean(|fairness| fairness.jain) }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::lab::Cost;
    use crate::lab::sessions::{Sessions, Version};
    use crate::lab::topology::SERVICE;
    use std::time::Duration;

    fn round(full: (u64, u64), resumed: (u64, u64), returning: u64, connections: [u64; 3]) -> Measured {
        let cost = |(count, us)| Cost { count, cpu: Duration::from_micros(count * us) };
        Measured {
            duration: Duration::from_secs(1),
            connections: connections.to_vec(),
            handshakes: Handshakes { full: cost(full), resumed: cost(resumed) },
            returning,
            resumed: resumed.0,
            errors: 0,
            error: None,
        }
    }

    /// A report on all cases, in which only the scheme makes a difference.
    pub(crate) fn report() -> SessionsReport {
        let measured = |case: Case| match case.scheme {
            Scheme::NoReuse => round((300, 600), (0, 0), 280, [100, 100, 100]),
            Scheme::SharedKeys => round((20, 610), (280, 60), 280, [100, 100, 100]),
            _ => round((100, 610), (200, 60), 280, [150, 100, 50]),
        };
        let mut cases: Vec<_> = Case::all().collect();
        cases.sort_unstable();
        SessionsReport {
            experiment: Experimented::Sessions,
            version: "0.1.0".to_owned(),
            vip: SERVICE,
            servers: 3,
            load: Sessions::DEFAULT_LOAD,
            rounds: 1,
            case_s: 1.0,
            rotation_s: 1.0,
            cases: cases.into_iter().map(|case| CaseReport::of(case, &[measured(case)])).collect(),
        }
    }

    #[test]
    fn rounds_are_summed_and_their_times_are_medians() {
        let rounds = [
            round((100, 600), (100, 50), 190, [100, 50, 50]),
            round((20, 900), (180, 55), 190, [50, 100, 50]),
            round((20, 610), (180, 90), 190, [50, 50, 100]),
        ];
        let case = Case { scheme: Scheme::SharedKeys, key: KeyKind::Rsa2048, version: Version::Tls12 };
        let report = CaseReport::of(case, &rounds);
        assert_eq!((report.full, report.resumed, report.returning), (140, 460, 570));
        assert_eq!(report.resumed_share, Some(460.0 / 570.0));
        assert_eq!((report.full_cpu_us, report.resumed_cpu_us), (Some(610.0), Some(55.0)));
        assert_eq!(report.handshakes_per_s, 200.0);
        assert_eq!(report.connections, [200, 200, 200]);
        assert!((report.fairness.max_over_mean - 1.5).abs() < 1e-9, "the rounds hide each other: {report:?}");
    }

    #[test]
    fn what_there_was_not_is_not_there() {
        let case = Case { scheme: Scheme::NoReuse, key: KeyKind::P256, version: Version::Tls13 };
        let report = CaseReport::of(case, &[round((3, 90), (0, 0), 0, [1, 1, 1])]);
        assert_eq!((report.resumed_share, report.resumed_cpu_us, report.cpu_us), (None, None, Some(90.0)));
    }

    #[test]
    fn costs_are_of_pure_cases() {
        let costs: Vec<_> = report().costs().collect();
        assert_eq!(costs.len(), 4);
        assert!(costs.iter().all(|cost| (cost.full_us, cost.resumed_us, cost.ratio()) == (600.0, 60.0, 10.0)));
    }

    #[test]
    fn a_report_can_be_read_back() {
        let mut report = report();
        for case in &mut report.cases {
            // Others differ in the last of their bits after they were read back.
            (case.resumed_share, case.cpu_us) = (Some(0.75), None);
            case.fairness = Fairness { max_over_mean: 1.5, jain: 0.75 };
        }
        let text = serde_json::to_string(&report).unwrap();
        assert_eq!(serde_json::from_str::<SessionsReport>(&text).unwrap(), report);
        assert!(text.contains(r#"{"key":"rsa-2048","version":"tls-1.3","scheme":"shared-keys","full":20,"#), "{text}");
    }

    #[test]
    fn failures_are_problems() {
        let mut report = report();
        assert!(report.problems().is_empty());
        report.cases[0].errors = 3;
        report.cases[0].error = Some("connecting: no answer for 5 s".to_owned());
        report.cases[1] = CaseReport::of(report.cases[1].case, &[round((0, 0), (0, 0), 0, [0; 3])]);
        assert_eq!(
            report.problems(),
            [
                "RSA-2048, TLS 1.2: no reuse: connections that failed: 3, one of them: connecting: no answer for 5 s",
                "RSA-2048, TLS 1.2: own keys: no connection was made"
            ]
        );
    }
}
