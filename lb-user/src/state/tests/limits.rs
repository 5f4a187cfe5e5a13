//! What happens when there is no room.

use super::*;
use lb_common::abi::{MAX_BACKENDS, MAX_RING_POSITIONS, MAX_SERVICES};
use std::ops::Range;

#[test]
fn services_of_other_numbers_wait_for_the_grace() {
    let mut world = World::new();
    let services = |numbers: Range<u32>| desired(numbers.map(|service| (service, vec![ready(service)])));
    world.follow(&services(0..MAX_SERVICES));
    assert_eq!(world.plan(&services(1..MAX_SERVICES + 1)), Err(Full::Services));
    // The way that the error tells:
    world.follow(&services(1..MAX_SERVICES));
    assert_eq!(world.plan(&services(1..MAX_SERVICES + 1)), Err(Full::Services));
    world.wait(GRACE);
    world.follow(&services(1..MAX_SERVICES));
    world.follow(&services(1..MAX_SERVICES + 1));
}

/// Eight services with all back-ends that there may be, but those with these numbers.
fn all_backends_but(missing: &[u32]) -> Desired {
    let backends = |service| (0..MAX_BACKENDS).filter(move |backend| backend % 8 == service);
    let services = (0..8).map(|service| {
        let present = backends(service).filter(|backend| !missing.contains(backend));
        (service, present.map(ready).collect())
    });
    desired(services)
}

#[test]
fn backends_in_place_of_others_wait_for_the_grace() {
    let mut world = World::new();
    world.follow(&all_backends_but(&[]));
    let mut other = all_backends_but(&[8]);
    other.services.get_mut(&key(0)).expect("it was made").backends.push(ready(MAX_BACKENDS));
    assert_eq!(world.plan(&other), Err(Full::Backends));
    // The way that the error tells:
    world.follow(&all_backends_but(&[8]));
    assert_eq!(world.plan(&other), Err(Full::Backends));
    world.wait(GRACE);
    world.follow(&all_backends_but(&[8]));
    world.follow(&other);
}

#[test]
fn rings_wait_for_those_that_are_resting() {
    let mut world = World::new();
    let state = desired([(1, vec![ready(1)])]);
    world.memory.space.release(0..MAX_RING_POSITIONS, 0);
    world.wait(1);
    assert_eq!(world.plan(&state), Err(Full::Rings));
    world.wait(1);
    world.follow(&state);
}

#[test]
fn all_services_can_switch_at_once_at_the_limits() {
    // 41 back-ends are the dearest: they take a ring that has room for 81.
    for (services, backends) in [(1_024, 8), (199, 41), (8, 1_024)] {
        let state = |missing| {
            let backends = |service| (missing..backends).map(move |backend| ready(service * 1_024 + backend));
            desired((0..services).map(|service| (service, backends(service).collect())))
        };
        let (mut observed, mut memory) = (Observed::default(), Memory::default());
        for (now, missing) in [(0, 0), (1, 1), (3, 0)] {
            let changes = plan(&state(missing), &observed, &Load::default(), &mut memory, now).expect("there is room");
            for change in &changes {
                observed.follow(change);
            }
            assert!(observed.services.values().all(|service| service.ring.len() as u32 == backends - missing));
        }
    }
}
