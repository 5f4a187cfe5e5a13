//! What holds for any traffic. On the host: the vectors show that the kernel does the same.
//!
//! | module | what it holds |
//! |---|---|
//! | `balancer` | services of every kind, and what their back-ends should get |
//! | `traffic` | packets of every kind, honest and not |
//! | `guarded` | a packet with forbidden memory around it |
//! | `flows` | where the packets of a flow go |

mod balancer;
mod flows;
mod guarded;
mod traffic;

use balancer::Balancer;
use crc::{CRC_32_ISCSI, Crc};
use etherparse::{EtherType, IpNumber, NetSlice, SlicedPacket};
use lb_common::abi::{Address, BackendCounters, ServiceCounters, Tally};
use lb_common::datapath::Outcome;
use lb_common::verdict::{Answered, Forwarded, Subject, Verdict};
use lb_tests::output::{echo_reply, too_big};
use lb_tests::packet::{Carried, Link};
use proptest::prelude::*;
use std::collections::BTreeMap;
use traffic::{FITTING, any_traffic, honest};

/// Payloads of which some do not fit through tunnels, or at all.
const ANY: usize = 1_460;

proptest! {
    #[test]
    fn what_comes_out_follows_from_what_came_in(traffic in any_traffic(ANY)) {
        let balancer = Balancer::new();
        for before in traffic {
            let (outcome, after) = balancer.run(&before);
            match (outcome.verdict, outcome.to) {
                (Verdict::Forwarded(_), Some((slot, ifindex))) => {
                    prop_assert_eq!(ifindex, balancer.observed.backends[&slot].ifindex);
                    let expected = balancer.expected(slot, &before, &after);
                    prop_assert_eq!(after, expected.map_err(|error| TestCaseError::fail(format!("{error:#}")))?);
                }
                // A wrong checksum stays wrong: who asked is to know.
                (Verdict::Answered(Answered::Echo, _), None) if !has_right_checksums(&before) => {
                    prop_assert!(!has_right_checksums(&after), "{after:02x?}");
                }
                (Verdict::Answered(Answered::Echo, _), None) => prop_assert_eq!(after, echo_reply(&before).expect("an echo")),
                (Verdict::Answered(Answered::TooBig, Subject(service)), None) => {
                    let ways = balancer.observed.backends.values().filter(|backend| backend.service == service);
                    let mut messages = ways.map(|way| too_big(&before, way.max_len, &after).expect("a packet"));
                    prop_assert!(messages.any(|message| message == after), "{after:02x?}");
                }
                (Verdict::Passed(_) | Verdict::Dropped(..), None) => prop_assert_eq!(after, before),
                outcome => prop_assert!(false, "{outcome:?}"),
            }
        }
    }

    #[test]
    fn what_a_client_sent_arrives_as_it_was(traffic in prop::collection::vec(honest(ANY), 1..50)) {
        let balancer = Balancer::new();
        for before in traffic {
            let (Outcome { to: Some((slot, _)), .. }, after) = balancer.run(&before) else { continue };
            let arrived = balancer.received(slot, after);
            let [sent, got] = [&before, &arrived].map(|frame| Carried::of(frame).expect("an IP packet"));
            prop_assert_eq!(got.packet, sent.packet);
            prop_assert!(has_right_checksums(&arrived), "{arrived:02x?}");
        }
    }

    #[test]
    fn decisions_depend_on_nothing_but_the_traffic(traffic in any_traffic(ANY)) {
        let (one, other) = (Balancer::new(), Balancer::new());
        for frame in traffic {
            prop_assert_eq!(one.run(&frame), other.run(&frame));
        }
        prop_assert_eq!(one.counters(), other.counters());
    }

    #[test]
    fn every_packet_is_counted_once(traffic in any_traffic(ANY)) {
        let balancer = Balancer::new();
        let mut verdicts: BTreeMap<u32, Tally> = BTreeMap::new();
        let mut of_services = Tally::default();
        for frame in traffic {
            let bytes = frame.len() as u64;
            let (Outcome { verdict, .. }, _) = balancer.run(&frame);
            verdicts.entry(verdict.number()).or_default().count(bytes);
            if matches!(verdict, Verdict::Dropped(_, subject) if subject != Subject::VIP) {
                of_services.count(bytes);
            }
        }
        let counters = balancer.counters();
        let seen = |verdict: Verdict| verdicts.get(&verdict.number()).copied().unwrap_or_default();
        for verdict in Verdict::all() {
            let counted = counters.verdicts[verdict.number() as usize];
            prop_assert_eq!(Tally { packets: counted.packets(), bytes: counted.bytes }, seen(verdict), "{:?}", verdict);
        }

        let forwarded = sum(Forwarded::ALL.iter().map(|&how| seen(Verdict::Forwarded(how))));
        let (services, backends) = (counters.services.values(), counters.backends.values());
        prop_assert_eq!(sum(services.clone().map(|service| service.forwarded)), forwarded);
        prop_assert_eq!(sum(backends.clone().map(|backend| backend.forwarded)), forwarded);
        prop_assert_eq!(sum(services.clone().map(|service| service.dropped)), of_services);

        let packets = |how: &[Forwarded]| sum(how.iter().map(|&how| seen(Verdict::Forwarded(how)))).packets;
        let of_services = |count: fn(&ServiceCounters) -> u64| services.clone().map(count).sum::<u64>();
        let of_backends = |count: fn(&BackendCounters) -> u64| backends.clone().map(count).sum::<u64>();
        prop_assert_eq!(of_services(|it| it.new_flows), packets(&[Forwarded::NewFlow]));
        prop_assert_eq!(of_backends(|it| it.new_flows), packets(&[Forwarded::NewFlow]));
        prop_assert_eq!(of_services(|it| it.unknown_flows), packets(&[Forwarded::UnknownFlow]));
        let pieces = packets(&[Forwarded::Fragment, Forwarded::EarlyFragment]);
        prop_assert_eq!([of_services(|it| it.fragments), of_backends(|it| it.fragments)], [pieces; 2]);
        let errors = packets(&[Forwarded::IcmpError]);
        prop_assert_eq!([of_services(|it| it.icmp_errors), of_backends(|it| it.icmp_errors)], [errors; 2]);
        let too_big = seen(Verdict::Answered(Answered::TooBig, Subject::VIP)).packets;
        prop_assert_eq!(of_services(|it| it.too_big), too_big);
    }

    #[test]
    fn round_robin_is_exact_whatever_else_there_is(traffic in any_traffic(FITTING)) {
        let balancer = Balancer::new();
        for frame in traffic {
            balancer.run(&frame);
        }
        let counters = balancer.counters();
        for service in counters.services.keys() {
            let slots = balancer.observed.backends.iter().filter(|(_, backend)| backend.service == *service);
            let new_flows = slots.map(|(slot, _)| counters.backends[slot].new_flows);
            let (least, most) = (new_flows.clone().min(), new_flows.max());
            prop_assert!(most <= least.map(|least| least + 1), "{counters:?}");
        }
    }

    #[test]
    fn only_packets_for_a_vip_are_dropped_or_answered(traffic in any_traffic(ANY)) {
        let balancer = Balancer::new();
        for frame in traffic {
            let (Outcome { verdict, .. }, _) = balancer.run(&frame);
            if !matches!(verdict, Verdict::Passed(_)) {
                prop_assert!(is_for_a_vip(&balancer, &frame), "{verdict:?}");
            }
        }
    }
}

fn sum(tallies: impl Iterator<Item = Tally>) -> Tally {
    tallies.fold(Tally::default(), |sum, tally| Tally {
        packets: sum.packets + tally.packets,
        bytes: sum.bytes + tally.bytes,
    })
}

/// Whether the IP packet in a frame is for a VIP.
fn is_for_a_vip(balancer: &Balancer, frame: &[u8]) -> bool {
    let (_, ether_type, packet) = Link::split(frame).expect("only IP packets are for anybody");
    let destination = if ether_type == EtherType::IPV4 {
        packet[16..].first_chunk().map(|&octets| Address::from_v4(octets))
    } else {
        packet[24..].first_chunk().map(|&octets| Address::new(octets))
    };
    destination.is_some_and(|destination| balancer.observed.vips.contains(&destination))
}

/// Whether the checksums are right: that of IPv4, and that of the transport if the packet shows all of it.
fn has_right_checksums(frame: &[u8]) -> bool {
    let net = SlicedPacket::from_ethernet(frame).ok().and_then(|packet| packet.net);
    let Some(net) = net else { return false };
    if let NetSlice::Ipv4(ip) = &net
        && ip.header().header_checksum() != ip.header().to_header().calc_header_checksum()
    {
        return false;
    }
    let Some(transport) = net.ip_payload_ref().filter(|transport| !transport.fragmented) else { return true };
    let addresses = match &net {
        NetSlice::Ipv4(ip) => [ip.header().source().as_slice(), &ip.header().destination()].concat(),
        NetSlice::Ipv6(ip) => [ip.header().source().as_slice(), &ip.header().destination()].concat(),
        NetSlice::Arp(_) => return false,
    };
    match transport.ip_number {
        IpNumber::SCTP => {
            let mut bytes = transport.payload.to_vec();
            let found: Vec<u8> = bytes.splice(8..12, [0; 4]).collect();
            found == Crc::<u32>::new(&CRC_32_ISCSI).checksum(&bytes).to_le_bytes()
        }
        IpNumber::ICMP => sums_up(transport.payload),
        IpNumber(number) => {
            let len = (transport.payload.len() as u32).to_be_bytes();
            sums_up(&[&addresses, &len[..], &[0, 0, 0, number], transport.payload].concat())
        }
    }
}

/// Whether the ones' complement sum of words that include their checksum is what it should be (RFC 1071).
fn sums_up(bytes: &[u8]) -> bool {
    let words = bytes.chunks(2).map(|word| u32::from(word[0]) << 8 | u32::from(word.get(1).copied().unwrap_or(0)));
    let sum = words.sum::<u32>();
    (sum & 0xffff) + (sum >> 16) == 0xffff
}
