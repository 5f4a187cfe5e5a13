use crate::abi::{Backend, Forwarding, Outer};
use crate::datapath::parse::Family;
use crate::frame::Frame;
use crate::wire::{Be16, Gue, Ipv4, Ipv6, Octo, Quad, Udp};

/// What the outer header takes from the packet inside.
pub struct Inner {
    /// Its version of IP.
    pub family: Family,
    /// Length of the packet in bytes.
    pub len: usize,
    /// DSCP and ECN, which a tunnel copies (RFC 2983, 4; RFC 6040, 4.1).
    dscp_ecn: u8,
    /// Whether it must stay in one piece. So must IPv6 packets: routers do not fragment them.
    pub dont_fragment: bool,
    identification: Be16,
}

impl Inner {
    /// The packet at offset `network` of the frame; `None` when the frame ends before its header does.
    #[inline(always)]
    pub fn read(frame: &Frame<'_>, network: usize) -> Option<Self> {
        let ipv4 = frame.header::<Ipv4>(network)?;
        if ipv4.version() == 4 {
            return Some(Self {
                family: Family::V4,
                len: ipv4.total_length(),
                dscp_ecn: ipv4.dscp_ecn,
                dont_fragment: ipv4.dont_fragment(),
                identification: ipv4.identification,
            });
        }
        let ipv6 = frame.header::<Ipv6>(network)?;
        Some(Self {
            family: Family::V6,
            len: ipv6.total_length(),
            dscp_ecn: ipv6.traffic_class(),
            dont_fragment: true,
            identification: Be16::new(0),
        })
    }
}

/// Puts the headers of the tunnel to `backend` at offset `at`, in front of the packet inside. Returns the version of IP that is there now.
#[inline(always)]
pub fn encapsulate(frame: &mut Frame<'_>, at: usize, backend: &Backend, hash: u64, inner: &Inner) -> Option<Family> {
    match backend.forwarding {
        Forwarding::IPIP_V4 => {
            copy::<{ size_of::<Ipv4>() / 2 }>(frame, at, backend)?;
            ipv4(frame, at, backend, hash, inner)?;
            Some(Family::V4)
        }
        Forwarding::IPIP_V6 => {
            copy::<{ size_of::<Ipv6>() / 2 }>(frame, at, backend)?;
            ipv6(frame, at, backend, hash, inner)?;
            Some(Family::V6)
        }
        Forwarding::GUE_V4 => {
            copy::<{ Forwarding::GUE_V4.overhead() / 2 }>(frame, at, backend)?;
            ipv4(frame, at, backend, hash, inner)?;
            udp(frame, at + size_of::<Ipv4>(), hash, inner)?;
            Some(Family::V4)
        }
        Forwarding::GUE_V6 => {
            copy::<{ Forwarding::GUE_V6.overhead() / 2 }>(frame, at, backend)?;
            ipv6(frame, at, backend, hash, inner)?;
            udp(frame, at + size_of::<Ipv6>(), hash, inner)?;
            Some(Family::V6)
        }
        _ => Some(inner.family),
    }
}

/// Copies the first words of what was computed for the back-end.
#[inline(always)]
fn copy<const WORDS: usize>(frame: &mut Frame<'_>, at: usize, backend: &Backend) -> Option<()> {
    const { assert!(WORDS <= Outer::WORDS) };
    let header = frame.header_mut::<[u16; WORDS]>(at)?;
    let mut index = 0;
    while index < WORDS {
        header[index] = backend.outer.header[index];
        index += 1;
    }
    Some(())
}

#[inline(always)]
fn ipv4(frame: &mut Frame<'_>, at: usize, backend: &Backend, hash: u64, inner: &Inner) -> Option<()> {
    let header = frame.header_mut::<Ipv4>(at)?;
    header.dscp_ecn = inner.dscp_ecn;
    header.total_length = Be16::new((inner.len + backend.forwarding.overhead()) as u16);
    header.set_dont_fragment(inner.dont_fragment);
    // What may not be fragmented needs no identification (RFC 6864, 4.1).
    header.identification = if inner.dont_fragment { Be16::new(0) } else { inner.identification };
    let [first, second, ..] = backend.outer.spread;
    let spread = u32::from(first) | u32::from(second) << 16;
    header.source = Quad::from_raw(header.source.raw() | hash as u32 & spread);
    if backend.forwarding == Forwarding::IPIP_V4 {
        header.protocol = inner.family.protocol();
    }
    header.fill_checksum();
    Some(())
}

#[inline(always)]
fn ipv6(frame: &mut Frame<'_>, at: usize, backend: &Backend, hash: u64, inner: &Inner) -> Option<()> {
    /// Flow labels let routers spread flows without a look behind the header (RFC 6438).
    const FLOW_LABEL: u32 = 0xf_ffff;
    let header = frame.header_mut::<Ipv6>(at)?;
    let flow_label = (hash >> 32) as u32 & FLOW_LABEL;
    header.version_class_flow = Quad::new(6 << 28 | u32::from(inner.dscp_ecn) << 20 | flow_label);
    header.payload_length = Be16::new((inner.len + backend.forwarding.overhead() - Ipv6::LEN) as u16);
    let [a, b, c, d] = backend.outer.spread;
    let [first, second, third, fourth] = header.source.raw();
    let third = third | hash as u32 & (u32::from(a) | u32::from(b) << 16);
    let fourth = fourth | (hash >> 32) as u32 & (u32::from(c) | u32::from(d) << 16);
    header.source = Octo::from_raw([first, second, third, fourth]);
    if backend.forwarding == Forwarding::IPIP_V6 {
        header.next_header = inner.family.protocol();
    }
    Some(())
}

/// The source port tells flows apart for routers and receivers (draft-ietf-intarea-gue, 5.6). There is no checksum: the packet inside
/// has its own (RFC 6935, RFC 6936).
#[inline(always)]
fn udp(frame: &mut Frame<'_>, at: usize, hash: u64, inner: &Inner) -> Option<()> {
    const EPHEMERAL: u16 = 0xc000;
    const UDP_AND_GUE: usize = 12;
    let header = frame.header_mut::<Udp>(at)?;
    header.source = Be16::new(EPHEMERAL | (hash >> 48) as u16);
    header.length = Be16::new((inner.len + UDP_AND_GUE) as u16);
    frame.header_mut::<Gue>(at + size_of::<Udp>())?.protocol = inner.family.protocol();
    Some(())
}
