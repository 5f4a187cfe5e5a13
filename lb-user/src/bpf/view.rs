use super::plain::Plain;
use super::{Error, KernelDataplane, nanoseconds};
use crate::dataplane::View;
use aya::maps::MapError;
use aya::maps::lpm_trie::Key;
use lb_common::abi::{
    AccessKey, Action, Address, Backend, Limiter, PortsKey, RING_CHUNK, Service, ServiceKey, Settings, SourceKey,
};
use lb_common::flow_table::Bucket;
use lb_common::wire::Be16;

impl View for KernelDataplane {
    fn settings(&self) -> Result<Settings, Error> {
        Ok(self.settings.get(&0, 0).map_err(Error::map("SETTINGS"))?.0)
    }

    fn now(&self) -> u64 {
        nanoseconds()
    }

    fn service(&self, key: &ServiceKey) -> Result<Option<Service>, Error> {
        Ok(found("SERVICES", self.services.get(&Plain(*key), 0))?.map(|service| service.0))
    }

    fn is_vip(&self, address: &Address) -> Result<bool, Error> {
        Ok(found("VIPS", self.vips.get(&Plain(*address), 0))?.is_some())
    }

    fn ports(&self, key: &PortsKey) -> Result<Option<Be16>, Error> {
        let first = found("PORTS", self.ports.get(&Key::new(PortsKey::BITS, Plain(*key)), 0))?;
        Ok(first.map(|first| Be16::from_raw(first as u16)))
    }

    fn cursor(&self, service: u32) -> Result<Option<u64>, Error> {
        Ok(found("CURSORS", self.cursors.get(&service, 0))?.map(|Plain([scheduled, ..])| scheduled))
    }

    fn ring(&self, position: u32) -> Option<u16> {
        Some(self.rings.read(position as usize / RING_CHUNK)?[position as usize % RING_CHUNK])
    }

    fn backend(&self, slot: u16) -> Result<Option<Backend>, Error> {
        Ok(found("BACKENDS", self.backends.get(&u32::from(slot), 0))?.map(|backend| backend.0))
    }

    fn access(&self, key: &AccessKey) -> Result<Option<Action>, Error> {
        let action = found("ACCESS", self.access.get(&Key::new(AccessKey::BITS, Plain(*key)), 0))?;
        Ok(action.map(|action| action.0))
    }

    fn limiter(&self, limiter: Limiter) -> Result<Option<u64>, Error> {
        found("LIMITERS", self.limiters.get(&limiter.index(), 0))
    }

    fn source_limiter(&self, key: &SourceKey) -> Result<Option<u64>, Error> {
        found("SOURCES", self.sources.get(&Plain(*key), 0))
    }

    fn flow_bucket(&self, index: u32) -> Option<&Bucket> {
        self.flows.shared().get(index as usize)
    }

    fn client_bucket(&self, index: u32) -> Option<&Bucket> {
        self.clients.shared().get(index as usize)
    }
}

/// What a look-up found, where nothing is an answer as well.
fn found<T>(map: &'static str, looked_up: Result<T, MapError>) -> Result<Option<T>, Error> {
    match looked_up {
        Ok(value) => Ok(Some(value)),
        Err(MapError::KeyNotFound | MapError::OutOfBounds { .. }) => Ok(None),
        Err(error) => Err(Error::map(map)(error)),
    }
}
