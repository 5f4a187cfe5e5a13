use super::Error;
use super::attach::attach_new;
use super::plain::Plain;
use crate::config::XdpMode;
use aya::maps::lpm_trie::Key;
use aya::maps::{Array, HashMap, LpmTrie, Map, MapData, PerCpuArray};
use aya::programs::Xdp;
use aya::programs::links::FdLink;
use aya::{Ebpf, EbpfLoader};
use lb_common::abi::{Address, VerdictCounters};
use lb_common::decap::{MAX_VERDICTS, Settings};
use std::collections::BTreeSet;

/// The XDP object that this program was built with.
static EMBEDDED: &[u8] = aya::include_bytes_aligned!(env!("HANDOFF_DECAP_BPF_OBJECT"));

/// Name of the program in it.
const PROGRAM: &str = "handoff_decap";

/// The program that takes packets out of their tunnels, on a back-end. Nothing of it is pinned: it is detached when this is dropped, and
/// when the process dies.
pub struct Decapsulator {
    ebpf: Ebpf,
    addresses: HashMap<MapData, Plain<Address>, u8>,
    verdicts: PerCpuArray<MapData, Plain<VerdictCounters>>,
    attached: Vec<FdLink>,
}

impl Decapsulator {
    /// Loads the program, for packets to `vips` out of tunnels that begin in one of `sources`: addresses and how many of their leading
    /// bits count. It does nothing before it knows where tunnels end, and is attached.
    ///
    /// # Errors
    /// When the kernel rejects maps or program.
    pub fn load(settings: Settings, vips: &[Address], sources: &[(Address, u8)]) -> Result<Self, Error> {
        let mut ebpf = EbpfLoader::new().load(EMBEDDED)?;
        program(&mut ebpf)?
            .load()
            .map_err(|source| Error::Verifier { name: PROGRAM.to_owned(), source: Box::new(source) })?;

        let mut map: Array<_, Plain<Settings>> = take(&mut ebpf, "SETTINGS")?;
        map.set(0, Plain(settings), 0).map_err(Error::map("SETTINGS"))?;
        let mut map: HashMap<_, Plain<Address>, u8> = take(&mut ebpf, "VIPS")?;
        for vip in vips {
            map.insert(Plain(*vip), 0, 0).map_err(Error::map("VIPS"))?;
        }
        let mut map: LpmTrie<_, Plain<Address>, u8> = take(&mut ebpf, "SOURCES")?;
        for &(address, len) in sources {
            map.insert(&Key::new(len.into(), Plain(address)), 0, 0).map_err(Error::map("SOURCES"))?;
        }
        let (addresses, verdicts) = (take(&mut ebpf, "ADDRESSES")?, take(&mut ebpf, "VERDICTS")?);
        Ok(Self { ebpf, addresses, verdicts, attached: Vec::new() })
    }

    /// The program, to run it.
    ///
    /// # Errors
    /// When the object has none.
    pub fn xdp(&mut self) -> Result<&mut Xdp, Error> {
        program(&mut self.ebpf)
    }

    /// Lets tunnels end at these addresses, and at no others.
    ///
    /// # Errors
    /// When the map cannot be written.
    pub fn set_addresses(&mut self, wanted: &BTreeSet<Address>) -> Result<(), Error> {
        let present: BTreeSet<Address> = self.addresses.keys().filter_map(|key| Some(key.ok()?.0)).collect();
        for gone in present.difference(wanted) {
            self.addresses.remove(&Plain(*gone)).map_err(Error::map("ADDRESSES"))?;
        }
        for new in wanted.difference(&present) {
            self.addresses.insert(Plain(*new), 0, 0).map_err(Error::map("ADDRESSES"))?;
        }
        Ok(())
    }

    /// Attaches the program to an interface; returns in which mode.
    ///
    /// # Errors
    /// When another program is attached there, or the kernel refuses.
    pub fn attach(&mut self, interface: &str, ifindex: u32, mode: XdpMode) -> Result<&'static str, Error> {
        let (attached, mode) = attach_new(program(&mut self.ebpf)?, interface, ifindex, mode)?;
        self.attached.push(attached);
        Ok(mode)
    }

    /// Packets by [`lb_common::decap::Verdict::number`], summed over all CPUs.
    ///
    /// # Errors
    /// When the map cannot be read.
    pub fn counters(&self) -> Result<[VerdictCounters; MAX_VERDICTS as usize], Error> {
        let mut counters = [VerdictCounters::default(); MAX_VERDICTS as usize];
        for (number, total) in counters.iter_mut().enumerate() {
            let values = self.verdicts.get(&(number as u32), 0).map_err(Error::map("VERDICTS"))?;
            values.iter().for_each(|Plain(one)| total.add(one));
        }
        Ok(counters)
    }
}

fn program(ebpf: &mut Ebpf) -> Result<&mut Xdp, Error> {
    let missing = Error::Object { kind: "program", name: PROGRAM };
    ebpf.program_mut(PROGRAM).and_then(|program| program.try_into().ok()).ok_or(missing)
}

/// Takes a map out of the object.
fn take<T: TryFrom<Map>>(ebpf: &mut Ebpf, name: &'static str) -> Result<T, Error> {
    ebpf.take_map(name).and_then(|map| T::try_from(map).ok()).ok_or(Error::Object { kind: "map", name })
}
