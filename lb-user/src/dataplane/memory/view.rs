use super::MemoryDataplane;
use crate::bpf::Error;
use crate::dataplane::View;
use lb_common::abi::{
    AccessKey, Action, Address, Backend, Limiter, PortsKey, Service, ServiceKey, Settings, SourceKey,
};
use lb_common::atomic::SharedWord;
use lb_common::flow_table::Bucket;
use lb_common::tables::Tables;
use lb_common::wire::Be16;

impl View for MemoryDataplane {
    fn settings(&self) -> Result<Settings, Error> {
        Ok(self.observed.settings.unwrap_or(Settings::ZERO))
    }

    fn now(&self) -> u64 {
        Tables::now(self)
    }

    fn service(&self, key: &ServiceKey) -> Result<Option<Service>, Error> {
        Ok(Tables::service(self, key).copied())
    }

    fn is_vip(&self, address: &Address) -> Result<bool, Error> {
        Ok(Tables::is_vip(self, address))
    }

    fn ports(&self, key: &PortsKey) -> Result<Option<Be16>, Error> {
        Ok(Tables::ports(self, key))
    }

    fn cursor(&self, service: u32) -> Result<Option<u64>, Error> {
        Ok(Tables::cursor(self, service).map(SharedWord::load))
    }

    fn ring(&self, position: u32) -> Option<u16> {
        Tables::ring(self, position)
    }

    fn backend(&self, slot: u16) -> Result<Option<Backend>, Error> {
        Ok(Tables::backend(self, slot).copied())
    }

    fn access(&self, key: &AccessKey) -> Result<Option<Action>, Error> {
        Ok(Tables::access(self, key))
    }

    fn limiter(&self, limiter: Limiter) -> Result<Option<u64>, Error> {
        Ok(Tables::limiter(self, limiter).map(SharedWord::load))
    }

    fn source_limiter(&self, key: &SourceKey) -> Result<Option<u64>, Error> {
        Ok(self.traffic.sources.borrow().get(key).map(SharedWord::load))
    }

    fn flow_bucket(&self, index: u32) -> Option<&Bucket> {
        self.traffic.buckets.get(index as usize)
    }

    fn client_bucket(&self, index: u32) -> Option<&Bucket> {
        self.traffic.clients.get(index as usize)
    }
}
