//! All figures of a run, and what follows from them.

use crate::measure::{Measure, Round};
use crate::subject::Subject;
use lb_tests::figures::{Machine, Summary, ratios};
use serde::Serialize;
use std::collections::BTreeMap;

/// What came out of a run.
#[derive(Debug, Serialize)]
pub(crate) struct Figures {
    pub(crate) machine: Machine,
    pub(crate) rounds: u16,
    /// Length of one measurement.
    pub(crate) seconds: f64,
    /// New connections a second where latency is measured.
    pub(crate) rate: u32,
    /// Whether the balancer's link is a veth pair, which has to be made ready for XDP.
    pub(crate) is_veth: bool,
    /// By subject, then by measure, one figure a round.
    pub(crate) subjects: BTreeMap<Subject, BTreeMap<Measure, Vec<f64>>>,
}

impl Figures {
    /// Adds a round.
    pub(crate) fn add(&mut self, subject: Subject, round: Round) {
        let measures = self.subjects.entry(subject).or_default();
        for (measure, figure) in round {
            measures.entry(measure).or_default().push(figure);
        }
    }

    /// The rounds of a measure; none when it was not measured.
    pub(crate) fn rounds(&self, subject: Subject, measure: Measure) -> &[f64] {
        self.subjects.get(&subject).and_then(|measures| measures.get(&measure)).map_or(&[], Vec::as_slice)
    }

    /// Their median and spread.
    pub(crate) fn summary(&self, subject: Subject, measure: Measure) -> Option<Summary> {
        Summary::of(self.rounds(subject, measure))
    }

    /// A measure of `subject` over that of `other`, round by round.
    pub(crate) fn ratio(&self, subject: Subject, other: Subject, measure: Measure) -> Option<Summary> {
        Summary::of(&ratios(self.rounds(subject, measure), self.rounds(other, measure)))
    }

    /// What `subject` takes more than `base`, round by round.
    pub(crate) fn above(&self, subject: Subject, base: Subject, measure: Measure) -> Option<Summary> {
        let (these, those) = (self.rounds(subject, measure), self.rounds(base, measure));
        Summary::of(&these.iter().zip(those).map(|(this, that)| this - that).collect::<Vec<_>>())
    }

    /// CPU time for 1,000 new connections above plain routing over the same link and the same hops.
    pub(crate) fn above_same_hops(&self, subject: Subject) -> Option<Summary> {
        self.above(subject, subject.same_hops(self.is_veth), Measure::ConnectionsCpu)
    }

    /// CPU time for 1,000 new connections above plain routing with direct return.
    pub(crate) fn share(&self, subject: Subject) -> Option<Summary> {
        self.above(subject, Subject::Routing, Measure::ConnectionsCpu)
    }

    /// That of `subject` over that of `other`, medians both; `None` when the other's is nothing that could be divided by.
    pub(crate) fn share_ratio(&self, subject: Subject, other: Subject) -> Option<f64> {
        let (this, that) = (self.share(subject)?.median, self.share(other)?.median);
        (that > 0.0).then_some(this / that)
    }

    /// The same, but that of `subject` is what it takes above plain routing over the same link.
    pub(crate) fn own_share_ratio(&self, subject: Subject, other: Subject) -> Option<f64> {
        let this = self.above_same_hops(subject)?.median;
        let that = self.share(other)?.median;
        (that > 0.0).then_some(this / that)
    }

    /// CPU time above plain routing over the same hops for each packet that the balancer receives with new connections, in nanoseconds.
    pub(crate) fn packet_cost(&self, subject: Subject) -> Option<Summary> {
        let of = |subject, measure| self.rounds(subject, measure).iter();
        let busy =
            of(subject, Measure::ConnectionsCpu).zip(of(subject.same_hops(self.is_veth), Measure::ConnectionsCpu));
        let rounds = busy.zip(of(subject, Measure::ConnectionPackets));
        // Milliseconds for 1,000 connections are microseconds for one.
        Summary::of(&rounds.map(|((this, plain), packets)| (this - plain) * 1e3 / packets).collect::<Vec<_>>())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Three rounds of made-up figures.
    pub(crate) fn made_up() -> Figures {
        let machine = Machine {
            cpu: "A CPU".to_owned(),
            cpus: 2,
            memory_gib: 4,
            kernel: "6.1".to_owned(),
            versions: BTreeMap::new(),
        };
        let mut figures =
            Figures { machine, rounds: 3, seconds: 1.0, rate: 5_000, is_veth: true, subjects: BTreeMap::new() };
        for (subject, factor) in [
            (Subject::Routing, 1.0),
            (Subject::RoutingXdpLink, 1.0),
            (Subject::RoutingBothWays, 1.25),
            (Subject::L2Dsr, 1.1),
            (Subject::Nftables, 1.5),
        ] {
            for round in [1.0, 2.0, 3.0] {
                let figures_of_round = [
                    (Measure::Connections, 1_000.0 * round / factor),
                    (Measure::ConnectionsCpu, 40.0 * factor + round),
                    (Measure::ConnectionPackets, 4.0),
                ];
                let program = (subject == Subject::L2Dsr).then_some((Measure::ProgramCpu, 2.5));
                figures.add(subject, figures_of_round.into_iter().chain(program).collect());
            }
        }
        figures
    }

    #[test]
    fn rounds_are_compared_with_each_other() {
        let figures = made_up();
        let ratio = figures.ratio(Subject::L2Dsr, Subject::Routing, Measure::Connections).unwrap();
        assert!((ratio.min - ratio.max).abs() < 1e-9 && (ratio.median - 1.0 / 1.1).abs() < 1e-9, "{ratio:?}");
        let above = figures.above(Subject::Nftables, Subject::Routing, Measure::ConnectionsCpu).unwrap();
        assert!((above.median - 20.0).abs() < 1e-9, "{above:?}");
        assert!((figures.share_ratio(Subject::L2Dsr, Subject::Nftables).unwrap() - 0.2).abs() < 1e-9);
        assert!((figures.own_share_ratio(Subject::L2Dsr, Subject::Nftables).unwrap() - 0.2).abs() < 1e-9);
        assert!((figures.packet_cost(Subject::L2Dsr).unwrap().median - 1_000.0).abs() < 1e-6);
        assert!((figures.packet_cost(Subject::Nftables).unwrap().median - 2_500.0).abs() < 1e-6);
    }

    #[test]
    fn what_was_not_measured_is_not_there() {
        let figures = made_up();
        assert_eq!(figures.summary(Subject::Nginx, Measure::Connections), None);
        assert_eq!(figures.share_ratio(Subject::L2Dsr, Subject::Nginx), None);
        assert_eq!(figures.share_ratio(Subject::L2Dsr, Subject::Routing), None, "no share of its own");
    }
}
