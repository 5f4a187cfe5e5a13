//! Room in the maps that all services share.

use super::Checker;
use crate::config::file;
use crate::config::model::{Ports, Quic, Service};
use crate::schedule::{Candidate, Ramp, most_positions};
use crate::state::port_prefixes;
use lb_common::abi::{
    Address, MAX_ACCESS_PREFIXES, MAX_BACKENDS, MAX_PORT_PREFIXES, MAX_QUIC_CONFIGS, MAX_QUIC_SERVERS,
    MAX_RING_POSITIONS, RING_CHUNK,
};
use std::collections::HashSet;
use std::time::Duration;

/// Prefixes of access lists, and positions of rings: new ones are written beside the old ones, so half of the room is for changes.
const ACCESS_PREFIXES: u32 = MAX_ACCESS_PREFIXES / 2;
const RING_POSITIONS: u32 = MAX_RING_POSITIONS / 2;

// A back-end has one server ID a codepoint.
const _: () = {
    let codepoints = (*Quic::CODEPOINTS.end() - *Quic::CODEPOINTS.start() + 1) as u32;
    assert!(
        MAX_BACKENDS * codepoints <= MAX_QUIC_SERVERS,
        "the map of QUIC servers has room for all that there can be"
    );
};

/// How much of a map is taken.
struct Room {
    taken: usize,
    most: usize,
}

impl Room {
    fn of(most: u32) -> Self {
        Self { taken: 0, most: most as usize }
    }

    /// Takes `count` entries; whether they are the first that do not fit.
    fn is_exceeded_by(&mut self, count: usize) -> bool {
        let did_fit = self.taken <= self.most;
        self.taken += count;
        did_fit && self.taken > self.most
    }
}

impl Checker<'_> {
    /// Reports of each map the first service that does not fit into it.
    pub(super) fn capacity<'s>(&mut self, services: impl Iterator<Item = (&'s file::Service, &'s Service)>) {
        let mut ports = Room::of(MAX_PORT_PREFIXES);
        let mut access = Room::of(ACCESS_PREFIXES);
        let mut lists = HashSet::new();
        let mut quic = Room::of(MAX_QUIC_CONFIGS);
        let mut rings = Room::of(RING_POSITIONS);
        for (file, service) in services {
            let about = &format!("service {:?}", service.name);
            self.ports_fit(about, file, service, &mut ports);
            // Services of the same list share it.
            if lists.insert(&service.access.rules) {
                self.access_fits(about, file, service, &mut access);
            }
            self.quic_fits(about, file, &mut quic);
            self.rings_fit(about, file, service, &mut rings);
        }
    }

    fn ports_fit(&mut self, about: &str, file: &file::Service, service: &Service, room: &mut Room) {
        let prefixes = match service.ports {
            Ports::One(_) => 0,
            Ports::Range(first, last) => port_prefixes(Address::UNSPECIFIED, 0, first, last).len(),
            Ports::All => 1,
        };
        if room.is_exceeded_by(prefixes) {
            let message = format!(
                "{about}: port {} is one range too many: it makes {prefixes} prefixes, and {MAX_PORT_PREFIXES} are possible in \
                 all services; use \"all\", or ranges that begin and end at powers of two, as \"8192-16383\"",
                service.ports
            );
            self.problems.add(&file.port, message);
        }
    }

    fn access_fits(&mut self, about: &str, file: &file::Service, service: &Service, room: &mut Room) {
        let prefixes = service.access.rules.len();
        if !room.is_exceeded_by(prefixes) {
            return;
        }
        let message = format!(
            "{about}: this access list is too long: it has {prefixes} prefixes, and {ACCESS_PREFIXES} are possible in all \
             different lists together; join prefixes, or give several services the same list, which counts once"
        );
        // The longest lists are in files.
        if let Some(name) = file.deny_file.as_ref().or(file.allow_file.as_ref()) {
            self.problems.add(name, message);
        } else if let Some(list) = file.deny.as_ref().or(file.allow.as_ref()) {
            self.problems.add(list, message);
        }
    }

    fn quic_fits(&mut self, about: &str, file: &file::Service, room: &mut Room) {
        for quic in &file.quic {
            if room.is_exceeded_by(1) {
                let message = format!(
                    "{about}: quic: this configuration is one too many: {MAX_QUIC_CONFIGS} are possible in all services; \
                     remove those whose connections have ended"
                );
                self.problems.add(quic, message);
            }
        }
    }

    fn rings_fit(&mut self, about: &str, file: &file::Service, service: &Service, room: &mut Room) {
        // Any part of their weights may count in a slow start.
        let ramp = service.slow_start.map_or(Ramp::FULL, |whole| Ramp::after(Duration::ZERO, whole));
        let backends = (0..).zip(&service.backends);
        let candidates: Vec<_> = backends
            .map(|(slot, backend)| Candidate {
                slot,
                address: Address::from(backend.address),
                weight: backend.weight,
                ramp,
                live_flows: 0,
            })
            .collect();
        let positions = most_positions(service.scheduler.number(), &candidates);
        // Each ring starts at a chunk of its own.
        let positions = positions.map(|ring| ring.next_multiple_of(RING_CHUNK)).into_iter().sum();
        if room.is_exceeded_by(positions) {
            let message = format!(
                "{about}: its rings are too long: they take {positions} positions with {}, and {RING_POSITIONS} are possible in \
                 all services; use another scheduler than maglev, smaller weights or fewer back-ends",
                service.scheduler
            );
            match &file.scheduler {
                Some(scheduler) => self.problems.add(scheduler, message),
                None => self.problems.add(&file.name, message),
            }
        }
    }
}
