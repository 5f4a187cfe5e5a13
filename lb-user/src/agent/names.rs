use super::core::Known;
use crate::config::Service;
use lb_common::abi::{Backend, BackendState};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// What back-ends and services are called whose slots and numbers the data plane knows.
pub(super) struct Names<'a> {
    services: BTreeMap<u32, &'a Service>,
    backends: BTreeMap<u16, Named<'a>>,
}

/// A back-end in a slot.
pub(super) struct Named<'a> {
    pub(super) service: &'a str,
    pub(super) name: String,
    pub(super) backend: &'a Backend,
}

/// Stands for the name of a service that the configuration does not have any more.
const REMOVED: &str = "(removed)";

impl<'a> Names<'a> {
    pub(super) fn of(known: &'a Known) -> Self {
        let services = known.config.services.iter().filter_map(|service| {
            let id = known.observed.services.get(&service.key())?.service.id;
            Some((id, service))
        });
        let services: BTreeMap<u32, _> = services.collect();
        let in_use = known.observed.backends.iter().filter(|(_, backend)| backend.state != BackendState::FREE);
        let backends = in_use.map(|(&slot, backend)| {
            let service = services.get(&backend.service);
            let address = IpAddr::from(backend.address);
            let name = service.and_then(|service| service.backends.iter().find(|other| other.address == address));
            let named = Named {
                service: service.map_or(REMOVED, |service| &service.name),
                name: name.map_or_else(|| address.to_string(), |backend| backend.name.clone()),
                backend,
            };
            (slot, named)
        });
        Self { backends: backends.collect(), services }
    }

    /// The back-end in `slot`, if one is there.
    pub(super) fn backend(&self, slot: u16) -> Option<&Named<'a>> {
        self.backends.get(&slot)
    }

    /// The service with the number `id`.
    pub(super) fn service(&self, id: u32) -> &'a str {
        self.services.get(&id).map_or(REMOVED, |service| &service.name)
    }

    /// All services, by number.
    pub(super) fn services(&self) -> impl Iterator<Item = (u32, &'a Service)> {
        self.services.iter().map(|(&id, &service)| (id, service))
    }

    /// All back-ends, by slot.
    pub(super) fn backends(&self) -> impl Iterator<Item = (u16, &Named<'a>)> {
        self.backends.iter().map(|(&slot, named)| (slot, named))
    }
}
