//! Any traffic: honest packets of all kinds, damaged ones, and noise.

use crate::balancer::VIPS;
use lb_tests::packet::Packet;
use proptest::prelude::*;
use proptest::sample::Index;

/// Payloads that fit through every tunnel.
pub(crate) const FITTING: usize = 1_200;

/// The frame of a packet, as vectors describe it.
pub(crate) fn frame(description: &str) -> Vec<u8> {
    let packet = toml::from_str::<Packet>(description).unwrap_or_else(|error| panic!("{description}: {error}"));
    packet.frame().unwrap_or_else(|error| panic!("{description}: {error:#}"))
}

/// Somebody who talks to a service.
#[derive(Clone, Debug)]
pub(crate) struct Talk {
    /// Whether it is about IPv6.
    pub(crate) is_v6: bool,
    /// The client and the VIP.
    pub(crate) addresses: [String; 2],
    /// `tcp`, `udp` or `sctp`.
    pub(crate) transport: &'static str,
    /// The client's port and the service's.
    pub(crate) ports: [u16; 2],
}

impl Talk {
    /// The description of a packet of it, of which `word` says what it is about: flags of TCP, chunks of SCTP.
    pub(crate) fn packet(&self, word: &str) -> String {
        let ([client, vip], [from, to]) = (&self.addresses, self.ports);
        format!("ip = '{client} > {vip}'\n{} = '{}'\n", self.transport, format!("{from} > {to} {word}").trim_end())
    }

    /// The description of an answer to it, as far as an ICMP error quotes it.
    fn answer(&self) -> String {
        let ([client, vip], [from, to]) = (&self.addresses, self.ports);
        let word = ["SA", "", "INIT-ACK"][self.transport_index()];
        format!("ip = '{vip} > {client}', {} = '{}'", self.transport, format!("{to} > {from} {word}").trim_end())
    }

    fn transport_index(&self) -> usize {
        ["tcp", "udp", "sctp"].iter().position(|&transport| transport == self.transport).expect("one of three")
    }

    /// The frame of an ICMP error about an answer to it, from somewhere on the way, with so many bytes of the answer's transport header.
    pub(crate) fn error(&self, name: &str, bytes: usize) -> Vec<u8> {
        let (router, vip) = (if self.is_v6 { "2001:db8:99::1" } else { "203.0.113.99" }, &self.addresses[1]);
        let about = self.answer();
        frame(&format!(
            "ip = '{router} > {vip}'\nicmp = {{ error = '{name}', about = {{ {about} }}, bytes = {bytes} }}"
        ))
    }
}

/// One of 64 clients of each family, and a service of any kind, or none.
fn talk() -> impl Strategy<Value = Talk> {
    let service = prop::sample::select(vec![
        ("tcp", 443),
        ("tcp", 443),
        ("udp", 53),
        ("sctp", 2905),
        ("tcp", 1000),
        ("udp", 2000),
        ("udp", 2099),
        ("tcp", 2100),
        ("udp", 2100),
    ]);
    let vip = prop_oneof![6 => Just(None), 1 => (11..13u8).prop_map(Some)];
    (any::<bool>(), 1..=8u8, 40_000..40_008u16, vip, service).prop_map(|(is_v6, client, port, other, service)| {
        let vip = match (is_v6, other) {
            (_, None) => VIPS[usize::from(is_v6)].to_owned(),
            (false, Some(other)) => format!("192.0.2.{other}"),
            (true, Some(other)) => format!("2001:db8:ffff::{other}"),
        };
        let client = if is_v6 { format!("2001:db8:9::{client}") } else { format!("203.0.113.{client}") };
        // Of the other addresses one is a VIP, whose service has no back-ends.
        let (transport, to) = if other.is_some() { ("tcp", 80) } else { service };
        Talk { is_v6, addresses: [client, vip], transport, ports: [port, to] }
    })
}

/// What a packet of a flow says of it.
fn word(transport: &'static str) -> BoxedStrategy<String> {
    match transport {
        "tcp" => {
            let honest = prop::sample::select(vec!["S", "A", "PA", "FA", "R", "RA"]).prop_map(str::to_owned);
            let any = prop::sample::subsequence(vec!['S', 'A', 'P', 'F', 'R', 'U'], 0..=6).prop_map(String::from_iter);
            prop_oneof![4 => honest, 1 => any].boxed()
        }
        "udp" => Just(String::new()).boxed(),
        _ => {
            let chunks =
                vec!["INIT", "COOKIE-ECHO", "DATA", "COOKIE-ECHO DATA", "SACK", "SHUTDOWN", "ABORT", "HEARTBEAT"];
            prop::sample::select(chunks).prop_map(str::to_owned).boxed()
        }
    }
}

/// What may be said of any packet: VLAN tags, service and congestion, what the headers between IP and the transport are, and padding.
pub(crate) fn form(is_v6: bool) -> impl Strategy<Value = String> {
    let vlan = prop::sample::select(vec!["", "vlan = 7\n", "vlan = '8 priority 5'\n", "vlan = [9, 10]\n"]);
    let ecn = prop::sample::select(vec!["not-ect", "ect-0", "ect-1", "ce"]);
    let kinds = vec!["'hop-by-hop'", "'routing 24'", "'authentication'", "'destination-options 16'"];
    let extensions = prop::sample::subsequence(kinds, 0..=4);
    (vlan, ecn, 0..64u8, 0..8usize, 0..=10usize, any::<bool>(), extensions).prop_map(
        move |(vlan, ecn, dscp, padding, options, dont_fragment, extensions)| {
            let own = if is_v6 {
                format!("extensions = [{}]", extensions.join(", "))
            } else {
                format!("options = '{}'\ndont-fragment = {dont_fragment}", "01010101".repeat(options))
            };
            format!("{vlan}ecn = '{ecn}'\ndscp = {dscp}\npadding = {padding}\n{own}\n")
        },
    )
}

/// Whole packets with payloads of up to so many bytes.
pub(crate) fn whole(payload: usize) -> impl Strategy<Value = Vec<u8>> {
    talk().prop_flat_map(move |talk| {
        let payload = prop_oneof![3 => 0..60usize, 1 => 0..payload];
        (word(talk.transport), form(talk.is_v6), payload)
            .prop_map(move |(word, form, payload)| frame(&format!("{}{form}payload = {payload}", talk.packet(&word))))
    })
}

/// Pieces of packets.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    (talk(), 0..4u32, 0..4usize, 0..40usize).prop_flat_map(|(talk, id, offset, length)| {
        (word(talk.transport), Just((talk, id, 8 * offset, 8 * length))).prop_map(
            |(word, (talk, id, offset, length))| {
                let fragment = format!("fragment = {{ id = {id}, offset = {offset}, length = {length} }}");
                frame(&format!("{}{fragment}\npayload = 400", talk.packet(&word)))
            },
        )
    })
}

/// ICMP errors and echo requests.
fn icmp() -> impl Strategy<Value = Vec<u8>> {
    let error = (talk(), prop::sample::select(vec!["host-unreachable", "time-exceeded", "prohibited"]));
    let error = error.prop_map(|(talk, name)| talk.error(name, 8));
    let echo = (talk(), form(false), any::<u16>()).prop_map(|(talk, form, id)| {
        let [client, vip] = &talk.addresses;
        let form = if talk.is_v6 { String::new() } else { form };
        frame(&format!("ip = '{client} > {vip}'\nicmp = 'echo-request {id} 1'\npayload = 32\n{form}"))
    });
    prop_oneof![2 => error, 1 => echo]
}

/// Any honest packet, with a payload of up to so many bytes.
pub(crate) fn honest(payload: usize) -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![6 => whole(payload), 1 => piece(), 1 => icmp()]
}

/// A packet with some bytes changed, or cut short.
fn spoilt(payload: usize) -> impl Strategy<Value = Vec<u8>> {
    (honest(payload), prop::collection::vec(any::<(Index, u8)>(), 0..4), any::<Option<Index>>()).prop_map(
        |(mut frame, lies, cut)| {
            // Where the headers are: the rest is nobody's concern.
            let headers = frame.len().min(100);
            for (index, lie) in lies {
                frame[index.index(headers)] = lie;
            }
            frame.truncate(cut.map_or(frame.len(), |cut| cut.index(frame.len())));
            frame
        },
    )
}

pub(crate) fn any_frame(payload: usize) -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![4 => honest(payload), 3 => spoilt(payload), 1 => prop::collection::vec(any::<u8>(), 0..200)]
}

/// Packets with payloads of up to so many bytes.
pub(crate) fn any_traffic(payload: usize) -> impl Strategy<Value = Vec<Vec<u8>>> {
    prop::collection::vec(any_frame(payload), 1..100)
}
