use super::mapped::Mapped;
use super::object::Object;
use super::plain::{IsPlain, Plain};
use super::recorder::RecordMaps;
use super::{Error, RunTime, now};
use crate::dataplane::flows::forget_flows;
use crate::dataplane::{Counters, Dataplane, FlowCensus, Flows};
use crate::state::{AccessRules, Change, Observed, ObservedService, PortsPrefix, QuicSecret};
use aya::maps::lpm_trie::{Key, LpmTrie};
use aya::maps::{Array, HashMap, MapData, MapError, PerCpuArray};
use aya::util::nr_cpus;
use lb_common::abi::{
    AccessKey, AccessList, Action, Address, Backend, BackendCounters, MAX_BACKENDS, PortsKey, QuicKey, QuicServer,
    QuicServerKey, RING_CHUNK, RingChunk, Service, ServiceCounters, ServiceKey, Settings, SourceKey, Tally, Timeouts,
    TrafficClass, VerdictCounters,
};
use lb_common::flow_table::{Bucket, StoredKey};
use lb_common::quic::QuicConfig;
use lb_common::verdict::MAX_VERDICTS;
use lb_common::wire::Be16;

/// The data plane in the kernel.
pub struct KernelDataplane {
    object: Object,
    pub(super) settings: Array<MapData, Plain<Settings>>,
    pub(super) services: HashMap<MapData, Plain<ServiceKey>, Plain<Service>>,
    pub(super) vips: HashMap<MapData, Plain<Address>, u32>,
    pub(super) ports: LpmTrie<MapData, Plain<PortsKey>, u32>,
    pub(super) access: LpmTrie<MapData, Plain<AccessKey>, Plain<Action>>,
    quic: HashMap<MapData, Plain<QuicKey>, Plain<QuicConfig>>,
    quic_servers: HashMap<MapData, Plain<QuicServerKey>, Plain<QuicServer>>,
    pub(super) cursors: Array<MapData, Plain<[u64; 8]>>,
    pub(super) rings: Mapped<RingChunk>,
    pub(super) backends: Array<MapData, Plain<Backend>>,
    pub(super) flows: Mapped<Bucket>,
    keys: Mapped<StoredKey>,
    pub(super) clients: Mapped<Bucket>,
    pub(super) limiters: Array<MapData, u64>,
    pub(super) sources: HashMap<MapData, Plain<SourceKey>, u64>,
    pub(super) records: RecordMaps,
    frames: PerCpuArray<MapData, Plain<Tally>>,
    verdicts: PerCpuArray<MapData, Plain<VerdictCounters>>,
    service_counters: PerCpuArray<MapData, Plain<ServiceCounters>>,
    backend_counters: PerCpuArray<MapData, Plain<BackendCounters>>,
}

impl KernelDataplane {
    /// Opens the maps of a loaded object.
    ///
    /// # Errors
    /// When a map is missing or of another kind, or cannot be mapped into memory.
    pub fn new(mut object: Object) -> Result<Self, Error> {
        Ok(Self {
            settings: object.take("SETTINGS")?.try_into().map_err(Error::map("SETTINGS"))?,
            services: object.take("SERVICES")?.try_into().map_err(Error::map("SERVICES"))?,
            vips: object.take("VIPS")?.try_into().map_err(Error::map("VIPS"))?,
            ports: object.take("PORTS")?.try_into().map_err(Error::map("PORTS"))?,
            access: object.take("ACCESS")?.try_into().map_err(Error::map("ACCESS"))?,
            quic: object.take("QUIC")?.try_into().map_err(Error::map("QUIC"))?,
            quic_servers: object.take("QUIC_SERVERS")?.try_into().map_err(Error::map("QUIC_SERVERS"))?,
            cursors: object.take("CURSORS")?.try_into().map_err(Error::map("CURSORS"))?,
            rings: Mapped::new("RINGS", &object.take_array("RINGS")?)?,
            backends: object.take("BACKENDS")?.try_into().map_err(Error::map("BACKENDS"))?,
            flows: Mapped::new("FLOWS", &object.take_array("FLOWS")?)?,
            keys: Mapped::new("KEYS", &object.take_array("KEYS")?)?,
            clients: Mapped::new("CLIENTS", &object.take_array("CLIENTS")?)?,
            limiters: object.take("LIMITERS")?.try_into().map_err(Error::map("LIMITERS"))?,
            sources: object.take("SOURCES")?.try_into().map_err(Error::map("SOURCES"))?,
            records: RecordMaps::of(&mut object)?,
            frames: object.take("FRAMES")?.try_into().map_err(Error::map("FRAMES"))?,
            verdicts: object.take("VERDICTS")?.try_into().map_err(Error::map("VERDICTS"))?,
            service_counters: object.take("SERVICE_COUNTERS")?.try_into().map_err(Error::map("SERVICE_COUNTERS"))?,
            backend_counters: object.take("BACKEND_COUNTERS")?.try_into().map_err(Error::map("BACKEND_COUNTERS"))?,
            object,
        })
    }

    /// The loaded object, to attach its program or to run it.
    pub fn object(&mut self) -> &mut Object {
        &mut self.object
    }

    fn read_ring(&self, start: u32, len: u32) -> Vec<u16> {
        (start as usize..(start + len) as usize)
            .filter_map(|position| Some(self.rings.read(position / RING_CHUNK)?[position % RING_CHUNK]))
            .collect()
    }

    /// Writes a ring to positions that start a chunk.
    fn write_ring(&mut self, start: u32, slots: &[u16]) {
        for (index, slots) in slots.chunks(RING_CHUNK).enumerate() {
            let mut chunk = [0; RING_CHUNK];
            chunk[..slots.len()].copy_from_slice(slots);
            self.rings.write(start as usize / RING_CHUNK + index, chunk);
        }
    }

    fn set_access(&mut self, rules: &AccessRules) -> Result<(), MapError> {
        for rule in rules.rules() {
            let key = AccessKey { list: rules.list(), source: rule.source };
            let key = Key::new(AccessKey::LIST_BITS + u32::from(rule.bits), Plain(key));
            self.access.insert(&key, Plain(rule.action()), 0)?;
        }
        Ok(())
    }

    fn remove_access(&mut self, list: AccessList) -> Result<(), MapError> {
        let keys: Vec<_> = self.access.keys().collect::<Result<_, _>>()?;
        for key in keys.iter().filter(|key| key.data().0.list == list) {
            self.access.remove(key)?;
        }
        Ok(())
    }

    fn set_service(&mut self, key: &ServiceKey, service: &ObservedService) -> Result<(), Error> {
        self.write_ring(service.service.ring_start, &service.ring);
        self.write_ring(service.service.consistent_start, &service.consistent);
        self.services.insert(Plain(*key), Plain(service.service), 0).map_err(Error::map("SERVICES"))
    }
}

impl Dataplane for KernelDataplane {
    type Error = Error;

    fn observe(&self) -> Result<Observed, Error> {
        let settings = self.settings.get(&0, 0).map_err(Error::map("SETTINGS"))?.0;
        let mut observed = Observed {
            // A new map is all zeroes; an agent begins with the secret.
            settings: (settings.flow_secret != [0; 2]).then_some(settings),
            ..Observed::default()
        };
        for entry in &self.services {
            let (Plain(key), Plain(service)) = entry.map_err(Error::map("SERVICES"))?;
            let ring = self.read_ring(service.ring_start, service.ring_len);
            let consistent = self.read_ring(service.consistent_start, service.consistent_len);
            observed.services.insert(key, ObservedService { service, ring, consistent });
        }
        for address in self.vips.keys() {
            observed.vips.insert(address.map_err(Error::map("VIPS"))?.0);
        }
        for entry in &self.ports {
            let (key, first) = entry.map_err(Error::map("PORTS"))?;
            let prefix = PortsPrefix { first: key.data().0, bits: key.prefix_len() };
            observed.ports.insert(prefix, Be16::from_raw(first as u16));
        }
        for entry in &self.quic {
            let (Plain(key), Plain(config)) = entry.map_err(Error::map("QUIC"))?;
            observed.quic.insert(key, QuicSecret::new(config));
        }
        for entry in &self.quic_servers {
            let (Plain(key), Plain(server)) = entry.map_err(Error::map("QUIC_SERVERS"))?;
            observed.quic_servers.insert(key, server);
        }
        for key in self.access.keys() {
            observed.access.insert(key.map_err(Error::map("ACCESS"))?.data().0.list);
        }
        for slot in 0..MAX_BACKENDS as u16 {
            let backend = self.backends.get(&u32::from(slot), 0).map_err(Error::map("BACKENDS"))?.0;
            if backend != Backend::FREE {
                observed.backends.insert(slot, backend);
            }
        }
        Ok(observed)
    }

    fn apply(&mut self, change: &Change) -> Result<(), Error> {
        match change {
            Change::SetSettings(settings) => self.settings.set(0, Plain(**settings), 0).map_err(Error::map("SETTINGS")),
            Change::SetBackend { slot, backend } => {
                self.backends.set(u32::from(*slot), Plain(*backend), 0).map_err(Error::map("BACKENDS"))
            }
            Change::AddVip(address) => self.vips.insert(Plain(*address), 1, 0).map_err(Error::map("VIPS")),
            Change::RemoveVip(address) => self.vips.remove(&Plain(*address)).map_err(Error::map("VIPS")),
            Change::SetPorts { prefix, first } => {
                let key = Key::new(prefix.bits, Plain(prefix.first));
                self.ports.insert(&key, u32::from(first.raw()), 0).map_err(Error::map("PORTS"))
            }
            Change::RemovePorts(prefix) => {
                self.ports.remove(&Key::new(prefix.bits, Plain(prefix.first))).map_err(Error::map("PORTS"))
            }
            Change::SetQuic { key, config } => {
                self.quic.insert(Plain(*key), Plain(*config.config()), 0).map_err(Error::map("QUIC"))
            }
            Change::RemoveQuic(key) => self.quic.remove(&Plain(*key)).map_err(Error::map("QUIC")),
            Change::SetQuicServer { key, server } => {
                self.quic_servers.insert(Plain(*key), Plain(*server), 0).map_err(Error::map("QUIC_SERVERS"))
            }
            Change::RemoveQuicServer(key) => self.quic_servers.remove(&Plain(*key)).map_err(Error::map("QUIC_SERVERS")),
            Change::SetAccess(rules) => self.set_access(rules).map_err(Error::map("ACCESS")),
            Change::RemoveAccess(list) => self.remove_access(*list).map_err(Error::map("ACCESS")),
            Change::SetService { key, service } => self.set_service(key, service),
            Change::RemoveService { key } => self.services.remove(&Plain(*key)).map_err(Error::map("SERVICES")),
            Change::ResetServiceCounters { id } => {
                self.cursors.set(*id, Plain([0; 8]), 0).map_err(Error::map("CURSORS"))?;
                reset(&mut self.service_counters, *id, ServiceCounters::default())
                    .map_err(Error::map("SERVICE_COUNTERS"))
            }
            Change::ResetBackendCounters { slot } => {
                reset(&mut self.backend_counters, u32::from(*slot), BackendCounters::default())
                    .map_err(Error::map("BACKEND_COUNTERS"))
            }
            Change::ForgetFlows { slots } => {
                forget_flows(self.flows.shared(), slots);
                Ok(())
            }
        }
    }

    fn counters(&self, services: &[u32], slots: &[u16]) -> Result<Counters, Error> {
        let mut verdicts = [VerdictCounters::default(); MAX_VERDICTS as usize];
        for (number, verdict) in verdicts.iter_mut().enumerate() {
            *verdict = sum(&self.verdicts, number as u32, VerdictCounters::add).map_err(Error::map("VERDICTS"))?;
        }
        let mut classes = [Tally::default(); TrafficClass::COUNT as usize];
        for (index, class) in classes.iter_mut().enumerate() {
            *class = sum(&self.frames, index as u32, Tally::add).map_err(Error::map("FRAMES"))?;
        }
        let services = services.iter().map(|&id| Ok((id, sum(&self.service_counters, id, add_service)?)));
        let backends = slots.iter().map(|&slot| Ok((slot, sum(&self.backend_counters, u32::from(slot), add_backend)?)));
        Ok(Counters {
            verdicts,
            classes,
            services: services.collect::<Result<_, _>>().map_err(Error::map("SERVICE_COUNTERS"))?,
            backends: backends.collect::<Result<_, _>>().map_err(Error::map("BACKEND_COUNTERS"))?,
        })
    }

    fn run_time(&self) -> Option<RunTime> {
        self.object.run_time()
    }

    fn flows(&self) -> FlowCensus {
        let timeouts = self.settings.get(&0, 0).map_or(Timeouts::DEFAULT, |settings| settings.0.timeouts);
        FlowCensus::count(self.flows.shared(), now(), &timeouts)
    }

    fn flow_table(&self) -> Flows<'_> {
        let settings = self.settings.get(&0, 0).map_or(Settings::ZERO, |settings| settings.0);
        let vips = self.vips.keys().filter_map(|address| Some(address.ok()?.0));
        Flows::new(self.flows.shared(), self.keys.shared(), vips, &settings, now())
    }
}

/// The counters at `index`, summed over all CPUs.
fn sum<T: IsPlain + Default>(
    map: &PerCpuArray<MapData, Plain<T>>,
    index: u32,
    add: fn(&mut T, &T),
) -> Result<T, MapError> {
    let values = map.get(&index, 0)?;
    Ok(values.iter().fold(T::default(), |mut total, Plain(value)| {
        add(&mut total, value);
        total
    }))
}

fn reset<T: IsPlain>(map: &mut PerCpuArray<MapData, Plain<T>>, index: u32, zero: T) -> Result<(), MapError> {
    let cpus = nr_cpus().map_err(|(_, io_error)| io_error)?;
    map.set(index, vec![Plain(zero); cpus].try_into()?, 0)
}

fn add_service(total: &mut ServiceCounters, one: &ServiceCounters) {
    total.forwarded.add(&one.forwarded);
    total.dropped.add(&one.dropped);
    total.new_flows += one.new_flows;
    total.unknown_flows += one.unknown_flows;
    total.table_full += one.table_full;
    total.affinity += one.affinity;
    total.flood += one.flood;
    total.one_packet += one.one_packet;
    total.quic += one.quic;
    total.fragments += one.fragments;
    total.icmp_errors += one.icmp_errors;
    total.too_big += one.too_big;
}

fn add_backend(total: &mut BackendCounters, one: &BackendCounters) {
    total.forwarded.add(&one.forwarded);
    total.new_flows += one.new_flows;
    total.fragments += one.fragments;
    total.icmp_errors += one.icmp_errors;
}
