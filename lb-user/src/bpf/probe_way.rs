use super::Error;
use super::plain::Plain;
use crate::network::Link;
use aya::maps::{HashMap, MapData};
use aya::programs::tc::{SchedClassifierLink, TcError, qdisc_add_clsact, qdisc_detach_program};
use aya::programs::{ProgramError, SchedClassifier, TcAttachType};
use aya::util::KernelVersion;
use aya::{Ebpf, EbpfLoader};
use lb_common::probe::Target;
use std::collections::BTreeMap;
use std::io::ErrorKind;

/// The object that this program was built with.
static EMBEDDED: &[u8] = aya::include_bytes_aligned!(env!("HANDOFF_PROBE_BPF_OBJECT"));

/// Names of the programs in it, and where each is attached.
const PROGRAMS: [(&str, TcAttachType); 2] = [("probe_out", TcAttachType::Egress), ("probe_in", TcAttachType::Ingress)];

/// The way of probes to a VIP: programs between the network stack and the interfaces towards back-ends. Nothing of it is pinned: it ends
/// when this is dropped, and when the process dies.
pub struct ProbeWay {
    ebpf: Ebpf,
    targets: HashMap<MapData, u32, Plain<Target>>,
    /// What the map holds.
    known: BTreeMap<u32, Target>,
    /// By the index of their interface.
    attached: BTreeMap<u32, Vec<SchedClassifierLink>>,
}

impl ProbeWay {
    /// Loads the programs. They do nothing before they are attached and know a target.
    ///
    /// # Errors
    /// When the kernel rejects maps or programs.
    pub fn load() -> Result<Self, Error> {
        let mut ebpf = EbpfLoader::new().load(EMBEDDED)?;
        for (name, _) in PROGRAMS {
            let loaded = program(&mut ebpf, name)?.load();
            loaded.map_err(|source| Error::Verifier { name: name.to_owned(), source: Box::new(source) })?;
        }
        let map = ebpf.take_map("TARGETS").and_then(|map| map.try_into().ok());
        let targets = map.ok_or(Error::Object { kind: "map", name: "TARGETS" })?;
        Ok(Self { ebpf, targets, known: BTreeMap::new(), attached: BTreeMap::new() })
    }

    /// Sends packets with these marks to these targets. Packets with other marks of [`lb_common::probe`] are dropped.
    ///
    /// # Errors
    /// When the map cannot be written.
    pub fn set_targets(&mut self, wanted: &BTreeMap<u32, Target>) -> Result<(), Error> {
        let gone: Vec<u32> = self.known.keys().filter(|mark| !wanted.contains_key(mark)).copied().collect();
        for mark in gone {
            self.targets.remove(&mark).map_err(Error::map("TARGETS"))?;
            self.known.remove(&mark);
        }
        for (mark, target) in wanted {
            if self.known.get(mark) != Some(target) {
                self.targets.insert(mark, Plain(*target), 0).map_err(Error::map("TARGETS"))?;
                self.known.insert(*mark, *target);
            }
        }
        Ok(())
    }

    /// Attaches the programs to these interfaces, and detaches them from all others.
    ///
    /// # Errors
    /// When the kernel refuses; the others are as they should be.
    pub fn attach_to<'a>(&mut self, links: impl IntoIterator<Item = &'a Link>) -> Result<(), Error> {
        let links: BTreeMap<u32, &Link> = links.into_iter().map(|link| (link.ifindex, link)).collect();
        self.attached.retain(|ifindex, _| links.contains_key(ifindex));
        let mut done = Ok(());
        for (ifindex, link) in links {
            if !self.attached.contains_key(&ifindex) {
                match self.attach(&link.name) {
                    Ok(attached) => drop(self.attached.insert(ifindex, attached)),
                    Err(error) => done = Err(error),
                }
            }
        }
        done
    }

    fn attach(&mut self, interface: &str) -> Result<Vec<SchedClassifierLink>, Error> {
        let refused = |reason: String| Error::Attach {
            interface: interface.to_owned(),
            reason: format!("cannot attach the program for probes by way of the VIP: {reason}; use via = \"address\""),
        };
        if KernelVersion::current().is_ok_and(|running| running < KernelVersion::new(6, 6, 0)) {
            prepare(interface).map_err(|error| refused(error.to_string()))?;
        }
        let mut attached = Vec::new();
        for (name, side) in PROGRAMS {
            let program = program(&mut self.ebpf, name)?;
            let link = program.attach(interface, side).and_then(|link| program.take_link(link));
            attached.push(link.map_err(|error: ProgramError| refused(error.to_string()))?);
        }
        Ok(attached)
    }
}

/// Makes an interface ready for programs of older kernels, which have no TCX. What an agent that was killed has left there is removed.
fn prepare(interface: &str) -> Result<(), TcError> {
    match qdisc_add_clsact(interface) {
        Err(TcError::NetlinkError(error)) if error.raw_os_error() == Some(nix::libc::EEXIST) => {}
        added => added?,
    }
    for (name, side) in PROGRAMS {
        match qdisc_detach_program(interface, side, name) {
            Err(TcError::IoError(error)) if error.kind() == ErrorKind::NotFound => {}
            detached => detached?,
        }
    }
    Ok(())
}

fn program<'a>(ebpf: &'a mut Ebpf, name: &'static str) -> Result<&'a mut SchedClassifier, Error> {
    let missing = Error::Object { kind: "program", name };
    ebpf.program_mut(name).and_then(|program| program.try_into().ok()).ok_or(missing)
}
