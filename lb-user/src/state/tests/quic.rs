//! QUIC connection IDs: a name means its back-end as long as that has live flows.

use super::*;
use lb_common::abi::{QuicKey, QuicServer, QuicServerKey};
use lb_common::quic::{QuicConfig, ServerId};

/// The server ID of a back-end.
fn server(backend: u8) -> ServerId {
    ServerId::new(0, &[backend]).expect("one byte is a server ID")
}

fn config(nonce_len: usize) -> QuicSecret {
    QuicSecret::new(QuicConfig::new(1, nonce_len, Some([7; 16])).expect("these lengths are allowed"))
}

/// Service 1 with these back-ends, all of which have a server ID.
fn named(backends: &[u8], nonce_len: usize) -> Desired {
    let servers = backends.iter().map(|&backend| (server(backend), address(backend.into()))).collect();
    let quic = vec![DesiredQuic { codepoint: 0, config: config(nonce_len), servers }];
    let backends = backends.iter().map(|&backend| ready(backend.into())).collect();
    desired_services([(1, DesiredService { quic, ..serving(backends) })])
}

fn names(world: &World) -> Vec<(u8, u16)> {
    let servers = world.observed().quic_servers;
    servers.iter().map(|(key, server)| (key.server.octets()[0], server.slot)).collect()
}

#[test]
fn who_is_who_comes_before_how_to_read_it_and_both_before_the_service() {
    let mut world = World::new();
    let changes = world.follow(&named(&[1], 4));
    let service = changes.iter().position(|change| *change == world.set_service(1));
    let key = QuicServerKey { server: server(1), service: 0, padding: 0 };
    let who = Change::SetQuicServer { key, server: QuicServer { slot: 0, generation: 0 } };
    let how = Change::SetQuic { key: QuicKey { service: 0, codepoint: 0 }, config: config(4) };
    let places = [Some(who), Some(how)].map(|change| changes.iter().position(|made| Some(made) == change.as_ref()));
    assert!(places[0].is_some() && places[0] < places[1] && places[1] < service, "{changes:?}");
    assert_eq!(world.backend(0).is_quic, 1);
}

#[test]
fn a_back_end_that_leaves_keeps_its_name_until_its_flows_have_ended() {
    let mut world = World::new();
    world.follow(&named(&[1, 2], 4));
    world.follow(&named(&[1], 4));
    assert_eq!(names(&world), [(1, 0), (2, 1)]);
    world.wait(GRACE);
    world.follow(&named(&[1], 4));
    assert_eq!(names(&world), [(1, 0)]);
}

#[test]
fn another_configuration_replaces_the_former_one_and_none_leaves_nothing() {
    let mut world = World::new();
    world.follow(&named(&[1], 4));
    let key = QuicKey { service: 0, codepoint: 0 };
    assert_eq!(world.follow(&named(&[1], 5)), [Change::SetQuic { key, config: config(5) }]);
    world.follow(&desired([(1, vec![ready(1)])]));
    assert!(world.observed().quic.is_empty() && world.observed().quic_servers.is_empty());
    assert_eq!(world.backend(0).is_quic, 0);
}

#[test]
fn the_key_is_not_shown() {
    assert_eq!(format!("{:?}", config(4)), "QuicSecret(..)");
}
