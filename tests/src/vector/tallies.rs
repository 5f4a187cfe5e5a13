//! Counters by name, as vectors state them, as they follow from a vector's steps, and as a data plane has them.

use super::Expectation;
use super::expectation::verdict_name;
use anyhow::{Context, Result, ensure};
use lb_common::abi::{BackendCounters, ServiceCounters, Tally};
use lb_common::verdict::{Forwarded, MAX_VERDICTS, Verdict};
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
}

impl Tallies {
    /// Counters of verdicts by number, nothing else.
    pub fn of_verdicts(tallies: &[Tally; MAX_VERDICTS as usize]) -> Self {
        let tally = |verdict: Verdict| tallies[verdict.number() as usize].into();
        let verdicts = Verdict::all().map(|verdict| (verdict_name(verdict), tally(verdict)));
        Self { verdicts: verdicts.collect(), ..Self::default() }
    }

    /// Counts a packet of `bytes` bytes that became what `expectation` says. Services and back-ends that are gone have no counters.
    pub fn count(&mut self, expectation: &Expectation, bytes: u64) {
        let verdict = self.verdicts.entry(verdict_name(expectation.verdict())).or_default();
        verdict.packets += 1;
        verdict.bytes += bytes;
        match expectation {
            Expectation::Forwarded { how, service, backend } => {
                let new_flows = u64::from(*how == Forwarded::NewFlow);
                if let Some(service) = self.services.get_mut(service) {
                    service.packets += 1;
                    service.bytes += bytes;
                    service.new_flows += new_flows;
                    service.unknown_flows += u64::from(*how == Forwarded::UnknownFlow);
                    service.table_full += u64::from(*how == Forwarded::TableFull);
                }
                if let Some(backend) = self.backends.get_mut(backend) {
                    backend.packets += 1;
                    backend.bytes += bytes;
                    backend.new_flows += new_flows;
                }
            }
            Expectation::Passed(_) => {}
            Expectation::Dropped { service, .. } => {
                if let Some(service) = self.services.get_mut(service) {
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

fn same<T: Debug + PartialEq>(kind: &str, all: &BTreeMap<String, T>, stated: &BTreeMap<String, T>) -> Result<()> {
    for (name, wanted) in stated {
        let counted = all.get(name).with_context(|| format!("there is no {kind} {name} at the end"))?;
        ensure!(counted == wanted, "{kind} {name}: {counted:?}, expected was {wanted:?}");
    }
    Ok(())
}

impl From<Tally> for VerdictTally {
    fn from(Tally { packets, bytes }: Tally) -> Self {
        Self { packets, bytes }
    }
}

impl From<ServiceCounters> for ServiceTally {
    fn from(counters: ServiceCounters) -> Self {
        let ServiceCounters { forwarded, new_flows, unknown_flows, table_full, dropped, reserved: _ } = counters;
        Self {
            packets: forwarded.packets,
            bytes: forwarded.bytes,
            new_flows,
            unknown_flows,
            table_full,
            dropped_packets: dropped.packets,
            dropped_bytes: dropped.bytes,
        }
    }
}

impl From<BackendCounters> for BackendTally {
    fn from(BackendCounters { forwarded, new_flows, reserved: _ }: BackendCounters) -> Self {
        Self { packets: forwarded.packets, bytes: forwarded.bytes, new_flows }
    }
}
