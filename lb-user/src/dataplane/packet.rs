use lb_common::frame::Frame;
use lb_common::tables::Buffer;

/// Bytes in front of a packet that its start can be moved into, as drivers leave them (`XDP_PACKET_HEADROOM`).
const HEADROOM: usize = 256;

/// A packet with room in front of it, as a driver holds it.
pub(crate) struct Packet {
    /// Headroom and packet.
    memory: Vec<u8>,
    /// Where the packet starts.
    start: usize,
}

impl Packet {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self { memory: [&[0; HEADROOM], bytes].concat(), start: HEADROOM }
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.memory[self.start..].to_vec()
    }
}

impl Buffer for Packet {
    fn frame(&mut self) -> Frame<'_> {
        Frame::from_slice(&mut self.memory[self.start..])
    }

    fn grow_head(&mut self, bytes: i32) -> bool {
        let start = self.start as i32 - bytes;
        let is_inside = (0..=self.memory.len() as i32).contains(&start);
        if is_inside {
            self.start = start as usize;
        }
        is_inside
    }

    fn truncate(&mut self, len: usize) -> bool {
        let is_longer = self.start + len <= self.memory.len();
        if is_longer {
            self.memory.truncate(self.start + len);
        }
        is_longer
    }
}
