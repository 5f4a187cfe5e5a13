use crate::control::CapturedPacket;
use crate::control::types::TraceLine;
use pcap_file::DataLink;
use pcap_file::pcapng::blocks::enhanced_packet::{EnhancedPacketBlock, EnhancedPacketOption};
use pcap_file::pcapng::blocks::interface_description::{InterfaceDescriptionBlock, InterfaceDescriptionOption};
use pcap_file::pcapng::{Block, PcapNgBlock, PcapNgWriter};
use pcap_file::{PcapError, PcapResult};
use std::borrow::Cow;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Timestamps are in nanoseconds: 10⁻⁹ s.
const NANOSECONDS: u8 = 9;

/// Packets that were captured in the program, as a pcapng file. Each of the balancer's interfaces is two in it: `NAME:in`, packets as they came
/// in, and `NAME:out`, as they went out after the rewrite. Comments begin with the packet's number, as `#7`, which is the same for both.
pub struct Pcapng {
    writer: PcapNgWriter<Vec<u8>>,
    interfaces: Vec<String>,
    snaplen: u32,
    next_number: u64,
}

impl Pcapng {
    /// A file of packets cut off behind `snaplen` bytes.
    ///
    /// # Errors
    /// Never, as far as is known: writing to memory does not fail.
    pub fn new(snaplen: u16) -> PcapResult<Self> {
        let writer = PcapNgWriter::new(Vec::new())?;
        Ok(Self { writer, interfaces: Vec::new(), snaplen: snaplen.into(), next_number: 1 })
    }

    /// Adds a packet: as it came in, with what was decided as comment, and, if it left, as it went out.
    ///
    /// # Errors
    /// As [`Pcapng::new`].
    pub fn add(&mut self, packet: &CapturedPacket) -> PcapResult<()> {
        let CapturedPacket { at, decision, egress, new_len, before, after } = packet;
        let timestamp = at.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        let number = self.next_number;
        self.next_number += 1;
        let comment = |text: String| EnhancedPacketOption::Comment(text.into());
        let mut options = vec![comment(format!("#{number} {}", decided(decision)))];
        if decision.missed > 0 {
            options.push(EnhancedPacketOption::DropCount(decision.missed));
        }
        let ingress = format!("{}:in", decision.interface);
        self.write(ingress, timestamp, decision.len, before, options)?;
        if let Some(egress) = egress {
            self.write(format!("{egress}:out"), timestamp, *new_len, after, vec![comment(format!("#{number}"))])?;
        }
        Ok(())
    }

    /// What was written since this was asked last.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(self.writer.get_mut())
    }

    fn write(
        &mut self,
        interface: String,
        timestamp: Duration,
        original_len: u32,
        data: &[u8],
        options: Vec<EnhancedPacketOption<'_>>,
    ) -> PcapResult<()> {
        let interface_id = self.interface(interface)?;
        let data = Cow::Borrowed(data);
        let block = EnhancedPacketBlock { interface_id, timestamp, original_len, data, options };
        self.writer.write_block(&block.into_block()).map(drop)
    }

    /// The number of an interface, which is described when its first packet comes.
    fn interface(&mut self, name: String) -> PcapResult<u32> {
        let known = self.interfaces.iter().position(|known| *known == name);
        let index = match known {
            Some(index) => index,
            None => {
                let options = vec![
                    InterfaceDescriptionOption::IfName(Cow::Borrowed(&name)),
                    InterfaceDescriptionOption::IfTsResol(NANOSECONDS),
                ];
                let linktype = DataLink::ETHERNET;
                let block = InterfaceDescriptionBlock { linktype, snaplen: self.snaplen, options };
                self.writer.write_block(&Block::InterfaceDescription(block))?;
                self.interfaces.push(name);
                self.interfaces.len() - 1
            }
        };
        u32::try_from(index).map_err(|_| PcapError::InvalidField("more interfaces than pcapng can number"))
    }
}

/// What was decided, as `forwarded to server-1 of web (new-flow)`.
fn decided(decision: &TraceLine) -> String {
    let TraceLine { action, reason, service, backend, .. } = decision;
    let to = match (backend, service) {
        (Some(backend), Some(service)) => format!(" to {backend} of {service}"),
        (None, Some(service)) => format!(" for {service}"),
        _ => String::new(),
    };
    format!("{action}{to} ({reason})")
}

/// The time of a packet of such a file.
pub(super) fn time(timestamp: Duration) -> SystemTime {
    UNIX_EPOCH + timestamp
}
