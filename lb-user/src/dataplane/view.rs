use crate::bpf::Error;
use lb_common::abi::{
    AccessKey, Action, Address, Backend, Limiter, PortsKey, Service, ServiceKey, Settings, SourceKey,
};
use lb_common::flow_table::Bucket;
use lb_common::wire::Be16;

/// Single elements of the maps, as the packet logic looks them up: see [`lb_common::tables::Tables`]. Nothing is changed by looking.
/// What only packets with a payload or in pieces ask for is not here.
///
/// # Errors
/// When the kernel refuses to show the element.
pub trait View {
    /// What holds for the whole program.
    fn settings(&self) -> Result<Settings, Error>;

    /// The present, in nanoseconds of `CLOCK_MONOTONIC_COARSE`.
    fn now(&self) -> u64;

    /// The service with this key.
    fn service(&self, key: &ServiceKey) -> Result<Option<Service>, Error>;

    /// Whether services have this address.
    fn is_vip(&self, address: &Address) -> Result<bool, Error>;

    /// First port of the service that has this one among its ports.
    fn ports(&self, key: &PortsKey) -> Result<Option<Be16>, Error>;

    /// How many new flows the service with this id has scheduled.
    fn cursor(&self, service: u32) -> Result<Option<u64>, Error>;

    /// The back-end slot at a ring position.
    fn ring(&self, position: u32) -> Option<u16>;

    /// The back-end in a slot, in use or not.
    fn backend(&self, slot: u16) -> Result<Option<Backend>, Error>;

    /// What an access list says about a source.
    fn access(&self, key: &AccessKey) -> Result<Option<Action>, Error>;

    /// The state of a limiter.
    fn limiter(&self, limiter: Limiter) -> Result<Option<u64>, Error>;

    /// The state of a source's limiter, if it has one.
    fn source_limiter(&self, key: &SourceKey) -> Result<Option<u64>, Error>;

    /// A bucket of the flow table.
    fn flow_bucket(&self, index: u32) -> Option<&Bucket>;

    /// A bucket of the table of clients.
    fn client_bucket(&self, index: u32) -> Option<&Bucket>;
}
