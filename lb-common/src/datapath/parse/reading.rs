use super::{Datagram, Family, Fragment, Link, Packet, Signal};
use crate::abi::{QuicServerKey, Settings};
use crate::datapath::{Calls, device, icmp, shortcut, vip};
use crate::flow::{FlowKey, Ports};
use crate::frame::Frame;
use crate::quic::ServerId;
use crate::verdict::{Dropped, Passed, Subject, Verdict};
use crate::wire::Be16;

/// What a decision needs to know of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The flow that it is about. For a later fragment, without ports.
    pub key: FlowKey,
    /// What it says of the flow.
    pub matter: Matter,
    /// Version of IP.
    pub family: Family,
    /// Offset of the IP header in the frame.
    pub network: u8,
    /// Offset of the transport header in the frame.
    pub transport: u16,
    /// Whether it is the first of several fragments, whose number is `identification`.
    pub is_first_fragment: bool,
    /// The same for all fragments of a packet.
    pub identification: u32,
    /// Whether a QUIC connection ID names the server.
    pub names_server: bool,
    /// The server that it names.
    pub server: QuicServerKey,
}

/// What a packet says of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Matter {
    /// It begins.
    Open,
    /// It goes on.
    Continue,
    /// The client is done with it.
    Close,
    /// It goes on without a sign of its beginning or its end.
    Datagram,
    /// Something went wrong with a packet of the back-end's: an ICMP error.
    Error,
    /// Nothing that could be read: a fragment behind the first one.
    Later,
}

impl From<Signal> for Matter {
    #[inline(always)]
    fn from(signal: Signal) -> Self {
        match signal {
            Signal::Open => Self::Open,
            Signal::Continue => Self::Continue,
            Signal::Close => Self::Close,
            Signal::Datagram => Self::Datagram,
        }
    }
}

impl Reading {
    /// What a reading is before there is one.
    pub const BLANK: Self = Self {
        key: FlowKey::BLANK,
        matter: Matter::Later,
        family: Family::V4,
        network: 0,
        transport: 0,
        is_first_fragment: false,
        identification: 0,
        names_server: false,
        server: QuicServerKey { server: ServerId::NONE, service: 0, padding: 0 },
    };

    /// That of a plain packet: IPv4 without options, in a frame without tags.
    #[inline(always)]
    pub(in crate::datapath) fn plain(key: FlowKey, signal: Signal) -> Self {
        Self {
            key,
            matter: signal.into(),
            network: shortcut::NETWORK as u8,
            transport: shortcut::TRANSPORT as u16,
            ..Self::BLANK
        }
    }

    /// Reads the packet in `frame`.
    ///
    /// # Errors
    /// The verdict on a packet that is about no flow.
    #[inline(always)]
    pub(in crate::datapath) fn of<C: Calls>(
        calls: &C,
        settings: &Settings,
        frame: &Frame<'_>,
    ) -> Result<Self, Verdict> {
        let link = Link::parse(frame)?;
        device::accept(device::ingress(calls, settings), &link.destination)?;
        let malformed = |why| vip::malformed(calls, frame, link, why);
        let datagram = Datagram::parse(calls, frame, link.network, link.family).map_err(malformed)?;
        vip::accept(settings, &datagram)?;
        if datagram.network + datagram.len > frame.len() {
            return Err(malformed(Dropped::BadLength));
        }
        Self::of_datagram(calls, settings, frame, &datagram).map_err(|verdict| vip::verdict(calls, &datagram, verdict))
    }

    #[inline(always)]
    fn of_datagram<C: Calls>(
        calls: &C,
        settings: &Settings,
        frame: &Frame<'_>,
        datagram: &Datagram,
    ) -> Result<Self, Verdict> {
        match datagram.fragment {
            Fragment::Overlapping => Err(Verdict::Dropped(Dropped::TinyFragment, Subject::VIP)),
            // Whether it is for a VIP, no later step would ask.
            Fragment::Later if !calls.is_vip(&datagram.destination) => Err(Verdict::Passed(Passed::NoService)),
            Fragment::Later => Ok(Self::about(datagram, later(datagram), Matter::Later)),
            Fragment::Whole | Fragment::First if icmp::is_icmp(datagram) => {
                let flow = icmp::quoted_flow(calls, settings, frame, datagram)?;
                Ok(Self::about(datagram, flow, Matter::Error))
            }
            Fragment::Whole | Fragment::First => {
                let packet = Packet::parse(frame, datagram)?;
                let is_first_fragment = datagram.fragment == Fragment::First;
                Ok(Self { is_first_fragment, ..Self::about(datagram, packet.key, packet.signal.into()) })
            }
        }
    }

    #[inline(always)]
    fn about(datagram: &Datagram, key: FlowKey, matter: Matter) -> Self {
        Self {
            key,
            matter,
            family: datagram.family,
            network: datagram.network as u8,
            transport: datagram.transport as u16,
            identification: datagram.identification,
            ..Self::BLANK
        }
    }
}

/// The flow of a later fragment, as far as it shows.
#[inline(always)]
fn later(datagram: &Datagram) -> FlowKey {
    let none = Be16::new(0);
    FlowKey {
        source: datagram.source,
        destination: datagram.destination,
        ports: Ports { source: none, destination: none },
        protocol: u32::from(datagram.protocol),
    }
}
