use super::pcapng::time;
use pcap_file::PcapError;
use pcap_file::pcapng::blocks::enhanced_packet::{EnhancedPacketBlock, EnhancedPacketOption};
use pcap_file::pcapng::blocks::interface_description::InterfaceDescriptionOption;
use pcap_file::pcapng::{Block, PcapNgParser};
use std::time::SystemTime;

/// The longest block that is waited for, in bytes: a packet of the largest snap length has far less.
const MAX_BLOCK: usize = 1 << 20;

/// Reads the pcapng file of a capture while it comes.
#[derive(Default)]
pub struct Stream {
    parser: Option<PcapNgParser>,
    rest: Vec<u8>,
}

/// A packet of a capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamPacket {
    /// When it came.
    pub at: SystemTime,
    /// The interface, as `eth0:in` or `eth0:out`.
    pub interface: String,
    /// Its number in the file.
    pub number: u64,
    /// What was decided; `None` for a packet that is on its way out.
    pub decision: Option<String>,
    /// Packets before it that were meant, but left out.
    pub missed: u64,
    /// Its first bytes.
    pub data: Vec<u8>,
    /// Its length.
    pub len: u32,
}

/// A block of the file, as it is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamBlock {
    /// The packet, if it is one.
    pub packet: Option<StreamPacket>,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl Stream {
    /// Takes in what has come, and gives each block that is whole to `each`, until that says false.
    ///
    /// # Errors
    /// When it is no pcapng.
    pub fn feed(&mut self, bytes: &[u8], mut each: impl FnMut(StreamBlock) -> bool) -> Result<bool, PcapError> {
        self.rest.extend_from_slice(bytes);
        let mut read = 0;
        let mut goes_on = true;
        while goes_on {
            match self.next(read) {
                Ok((len, packet)) => {
                    goes_on = each(StreamBlock { packet, bytes: self.rest[read..read + len].to_vec() });
                    read += len;
                }
                Err(PcapError::IncompleteBuffer) => break,
                Err(error) => return Err(error),
            }
        }
        self.rest.drain(..read);
        if self.rest.len() > MAX_BLOCK {
            return Err(PcapError::InvalidField("a block is longer than any of a capture"));
        }
        Ok(goes_on)
    }

    /// The block that begins there: how long it is, and the packet in it.
    fn next(&mut self, start: usize) -> Result<(usize, Option<StreamPacket>), PcapError> {
        let bytes = &self.rest[start..];
        let Some(parser) = &mut self.parser else {
            let (rest, parser) = PcapNgParser::new(bytes)?;
            let len = bytes.len() - rest.len();
            self.parser = Some(parser);
            return Ok((len, None));
        };
        let (rest, block) = parser.next_block(bytes)?;
        let len = bytes.len() - rest.len();
        let packet = match block {
            Block::EnhancedPacket(block) => Some(packet(parser, block)),
            _ => None,
        };
        Ok((len, packet))
    }
}

fn packet(parser: &PcapNgParser, block: EnhancedPacketBlock<'_>) -> StreamPacket {
    let options = parser.packet_interface(&block).map_or(&[][..], |interface| &interface.options);
    let name = options.iter().find_map(|option| match option {
        InterfaceDescriptionOption::IfName(name) => Some(name.to_string()),
        _ => None,
    });
    let (mut comment, mut missed) = (None, 0);
    for option in block.options {
        match option {
            EnhancedPacketOption::Comment(text) => comment = Some(text),
            EnhancedPacketOption::DropCount(count) => missed = count,
            _ => {}
        }
    }
    let comment = comment.as_deref().and_then(|comment| comment.strip_prefix('#')).unwrap_or_default();
    let (number, decision) = comment.split_once(' ').map_or((comment, None), |(number, rest)| (number, Some(rest)));
    StreamPacket {
        at: time(block.timestamp),
        interface: name.unwrap_or_else(|| block.interface_id.to_string()),
        number: number.parse().unwrap_or(0),
        decision: decision.map(str::to_owned),
        missed,
        data: block.data.into_owned(),
        len: block.original_len,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::Pcapng;
    use crate::control::CapturedPacket;
    use crate::control::types::TraceLine;
    use std::time::{Duration, UNIX_EPOCH};

    fn captured(backend: Option<&str>, missed: u64) -> CapturedPacket {
        CapturedPacket {
            at: UNIX_EPOCH + Duration::from_nanos(1_700_000_000_123_456_789),
            decision: TraceLine {
                time: String::new(),
                interface: "eth0".to_owned(),
                tuple: None,
                addresses: None,
                ip_protocol: 6,
                flags: None,
                len: 74,
                action: if backend.is_some() { "forwarded" } else { "dropped" }.to_owned(),
                reason: if backend.is_some() { "new-flow" } else { "denied" }.to_owned(),
                service: Some("web".to_owned()),
                backend: backend.map(str::to_owned),
                missed,
            },
            egress: backend.map(|_| "eth1".to_owned()),
            new_len: 94,
            before: vec![1; 60],
            after: vec![2; 61],
        }
    }

    /// A file of a packet that was forwarded, and one that was dropped.
    fn file() -> Vec<u8> {
        let mut file = Pcapng::new(128).unwrap();
        file.add(&captured(Some("server-1"), 0)).unwrap();
        file.add(&captured(None, 3)).unwrap();
        file.take()
    }

    #[test]
    fn what_is_written_is_read_however_it_comes() {
        let file = file();
        for size in [1, 7, 100, file.len()] {
            let (mut stream, mut packets, mut bytes) = (Stream::default(), Vec::new(), Vec::new());
            for part in file.chunks(size) {
                let goes_on = stream.feed(part, |block| {
                    packets.extend(block.packet);
                    bytes.extend(block.bytes);
                    true
                });
                assert!(goes_on.unwrap());
            }
            assert_eq!(bytes, file, "{size}");
            let shown: Vec<_> =
                packets.iter().map(|it| (it.interface.as_str(), it.number, it.len, it.data.len(), it.missed)).collect();
            assert_eq!(
                shown,
                [("eth0:in", 1, 74, 60, 0), ("eth1:out", 1, 94, 61, 0), ("eth0:in", 2, 74, 60, 3)],
                "{size}"
            );
            assert_eq!(packets[0].decision.as_deref(), Some("forwarded to server-1 of web (new-flow)"));
            assert_eq!(packets[1].decision, None);
            assert_eq!(packets[2].decision.as_deref(), Some("dropped for web (denied)"));
            assert_eq!(packets[0].at, captured(None, 0).at);
        }
    }

    #[test]
    fn what_is_no_pcapng_is_an_error_and_no_panic() {
        let refused = |bytes: &[u8]| Stream::default().feed(bytes, |_| true).is_err();
        assert!(refused(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\n"));
        let file = file();
        for index in 0..file.len() {
            let mut damaged = file.clone();
            damaged[index] ^= 0xff;
            let _ = Stream::default().feed(&damaged, |_| true);
        }
        let mut endless = file;
        // The length of the second block.
        endless[28 + 4..28 + 8].copy_from_slice(&(8u32 << 20).to_le_bytes());
        endless.resize(3 << 20, 0);
        assert!(refused(&endless));
    }

    #[test]
    fn a_reader_may_have_enough() {
        let mut stream = Stream::default();
        assert!(!stream.feed(&file(), |block| block.packet.is_none()).unwrap());
    }
}
