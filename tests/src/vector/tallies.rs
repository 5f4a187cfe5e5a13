//! Counters by name, as vectors state them, as they follow from a vector's steps, and as a data plane has them.

use super::Expectation;
use super::expectation::verdict_name;
use anyhow::{Context, Result, ensure};
use lb_common::abi::{BackendCounters, ServiceCounters, VerdictCounters};
use lb_common::verdict::{Answered, Forwarded, MAX_VERDICTS, Verdict};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::mem;

/// Counters by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tallies {
    /// By verdict, as `forwarded new-flow`.
    #[serde(default)]
    pub verdicts: BTreeMap<String, VerdictTally>,
    /// By service.
    #[serde(default)]
    pub services: BTreeMap<String, ServiceTally>,
    /// By back-end, as `web/server-1`.
    #[serde(default)]
    pub backends: BTreeMap<String, BackendTally>,
}

/// Counters of a verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VerdictTally {
    packets: u64,
    bytes: u64,
}

/// Counters of a service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct ServiceTally {
    packets: u64,
    bytes: u64,
    new_flows: u64,
    unknown_flows: u64,
    table_full: u64,
    affinity: u64,
    flood: u64,
    one_packet: u64,
    quic: u64,
    fragments: u64,
    icmp_errors: u64,
    too_big: u64,
    dropped_packets: u64,
    dropped_bytes: u64,
}

/// Counters of a back-end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct BackendTally {
    packets: u64,
    bytes: u64,
    new_flows: u64,
    fragments: u64,
    icmp_errors: u64,
}

impl Tallies {
    /// Counters of verdicts by number, nothing else.
    pub fn of_verdicts(tallies: &[VerdictCounters; MAX_VERDICTS as usize]) -> Self {
        let tally = |verdict: Verdict| tallies[verdict.number() as usize].into();
        let verdicts = Verdict::all().map(|verdict| (verdict_name(verdict), tally(verdict)));
        Self { verdicts: verdicts.collect(), ..Self::default() }
    }

    /// Counts a packet of `bytes` bytes that became what `expectation` says. Services and back-ends that are gone have no counters.
    pub fn count(&mut self, expectation: &Expectation, bytes: u64) {
        let verdict = self.verdicts.entry(verdict_name(expectation.verdict)).or_default();
        verdict.packets += 1;
        verdict.bytes += bytes;
        let service = expectation.service.as_ref().and_then(|name| self.services.get_mut(name));
        let backend = expectation.backend.as_ref().and_then(|name| self.backends.get_mut(name));
        match expectation.verdict {
            Verdict::Forwarded(how) => {
                if let Some(service) = service {
                    service.forwarded(how, bytes);
                }
                if let Some(backend) = backend {
                    backend.forwarded(how, bytes);
                }
            }
            Verdict::Answered(with, _) => {
                if let Some(service) = service {
                    service.too_big += u64::from(with == Answered::TooBig);
                }
            }
            Verdict::Passed(_) => {}
            Verdict::Dropped(..) => {
                if let Some(service) = service {
                    service.dropped_packets += 1;
                    service.dropped_bytes += bytes;
                }
            }
        }
    }

    /// Forgets all services and back-ends but these, and begins to count the new ones among them.
    pub fn keep<'n>(&mut self, services: impl Iterator<Item = &'n String>, backends: impl Iterator<Item = &'n String>) {
        let mut old = mem::take(&mut self.services);
        self.services = services.map(|name| (name.clone(), old.remove(name).unwrap_or_default())).collect();
        let mut old = mem::take(&mut self.backends);
        self.backends = backends.map(|name| (name.clone(), old.remove(name).unwrap_or_default())).collect();
    }

    /// Whether all counters are here that `stated` names, and as it states them.
    ///
    /// # Errors
    /// Names the first that is not.
    pub fn check(&self, stated: &Self) -> Result<()> {
        same("verdict", &self.verdicts, &stated.verdicts)?;
        same("service", &self.services, &stated.services)?;
        same("back-end", &self.backends, &stated.backends)
    }
}

impl ServiceTally {
    fn forwarded(&mut self, how: Forwarded, bytes: u64) {
        self.packets += 1;
        self.bytes += bytes;
        let counter = match how {
            Forwarded::Remembered => return,
            Forwarded::NewFlow => &mut self.new_flows,
            Forwarded::UnknownFlow => &mut self.unknown_flows,
            Forwarded::TableFull => &mut self.table_full,
            Forwarded::Affinity => &mut self.affinity,
            Forwarded::Flood => &mut self.flood,
            Forwarded::OnePacket => &mut self.one_packet,
            Forwarded::QuicId => &mut self.quic,
            Forwarded::Fragment | Forwarded::EarlyFragment => &mut self.fragments,
            Forwarded::IcmpError => &mut self.icmp_errors,
        };
        *counter += 1;
    }
}

impl BackendTally {
    fn forwarded(&mut self, how: Forwarded, bytes: u64) {
        self.packets += 1;
        self.bytes += bytes;
        self.new_flows += u64::from(matches!(how, Forwarded::NewFlow | Forwarded::Affinity));
        self.fragments += u64::from(matches!(how, Forwarded::Fragment | Forwarded::EarlyFragment));
        self.icmp_errors += u64::from(how == Forwarded::IcmpError);
    }
}

fn same<T: Debug + PartialEq>(kind: &str, all: &BTreeMap<String, T>, stated: &BTreeMap<String, T>) -> Result<()> {
    for (name, wanted) in stated {
        let counted = all.get(name).with_context(|| format!("there is no {kind} {name} at the end"))?;
        ensure!(counted == wanted, "{kind} {name}: {counted:?}, expected was {wanted:?}");
    }
    Ok(())
}

impl From<VerdictCounters> for VerdictTally {
    fn from(counters: VerdictCounters) -> Self {
        Self { packets: counters.packets(), bytes: counters.bytes }
    }
}

impl From<ServiceCounters> for ServiceTally {
    fn from(counters: ServiceCounters) -> Self {
        let ServiceCounters {
            forwarded,
            new_flows,
            unknown_flows,
            table_full,
            affinity,
            flood,
            one_packet,
            quic,
            fragments,
            icmp_errors,
            too_big,
            dropped,
            reserved: _,
        } = counters;
        Self {
            packets: forwarded.packets,
            bytes: forwarded.bytes,
            new_flows,
            unknown_flows,
            table_full,
            affinity,
            flood,
            one_packet,
            quic,
            fragments,
            icmp_errors,
            too_big,
            dropped_packets: dropped.packets,
            dropped_bytes: dropped.bytes,
        }
    }
}

impl From<BackendCounters> for BackendTally {
    fn from(counters: BackendCounters) -> Self {
        let BackendCounters { forwarded, new_flows, fragments, icmp_errors, reserved: _ } = counters;
        Self { packets: forwarded.packets, bytes: forwarded.bytes, new_flows, fragments, icmp_errors }
    }
}
