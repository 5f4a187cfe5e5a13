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
            let changes = plan(&state(missing), &observed, &Load::default(), &mut memory, now);
            let changes = changes.complete().expect("there is room");
            for change in &changes {
                observed.follow(change);
            }
            assert!(observed.services.values().all(|service| service.ring.len() as u32 == backends - missing));
        }
    }
}

/// Services with maglev rings of the back-ends with these numbers: two of 65,537 and 1,021 positions each, of which some 60 fit.
fn maglev(services: Range<u32>, backends: Range<u32>) -> Desired {
    let ready = |service| backends.clone().map(move |backend| ready(100 * service + backend));
    desired_services(services.map(|service| {
        let entry = Service { scheduler: Scheduler::MAGLEV, ..ENTRY };
        (service, DesiredService { entry, ..serving(ready(service).collect()) })
    }))
}

/// One tick of the agent; what is missing after it.
fn tick(desired: &Desired, observed: &mut Observed, memory: &mut Memory, now: Ticks) -> Option<Full> {
    let Plan { changes, missing } = plan(desired, observed, &Load::default(), memory, now);
    for change in &changes {
        observed.follow(change);
    }
    missing
}

/// Whether rings name slots that are free, or in use for another service.
fn names_strangers(observed: &Observed) -> bool {
    observed.services.values().any(|service| {
        let is_stranger = |slot| {
            let backend = observed.backends.get(slot).unwrap_or(&Backend::FREE);
            backend.state == BackendState::FREE || backend.service != service.service.id
        };
        service.ring.iter().chain(&service.consistent).any(is_stranger)
    })
}

#[test]
fn services_take_turns_when_not_all_rings_can_change_at_once() {
    let (mut observed, mut memory) = (Observed::default(), Memory::default());
    let services = 0..44;
    assert_eq!(tick(&maglev(services.clone(), 0..3), &mut observed, &mut memory, 0), None);
    // As when an interface goes down: all lose a back-end.
    let other = maglev(services, 1..3);
    let mut ticks = 0;
    let switched = |observed: &Observed| observed.services.values().filter(|it| !it.ring.contains(&0)).count();
    while let Some(missing) = tick(&other, &mut observed, &mut memory, 10 + 2 * ticks) {
        assert_eq!(missing, Full::Rings);
        assert!(switched(&observed) > 0);
        assert!(!names_strangers(&observed));
        ticks += 1;
        assert!(ticks < 4, "each tick finds the room of the one before");
    }
    assert!(ticks > 0, "the limit was not reached");
    let kept = plan(&other, &observed, &Load::default(), &mut memory, 100).complete();
    assert!(kept.is_ok_and(|changes| changes.iter().all(|change| !matches!(change, Change::SetService { .. }))));
}

#[test]
fn services_that_lost_a_backend_switch_first() {
    let (mut observed, mut memory) = (Observed::default(), Memory::default());
    assert_eq!(tick(&maglev(0..44, 0..2), &mut observed, &mut memory, 0), None);
    let mut other = maglev(0..44, 0..3);
    let lost = key(43);
    other.services.get_mut(&lost).expect("it was made").backends.remove(0);
    assert_eq!(tick(&other, &mut observed, &mut memory, 10), Some(Full::Rings));
    let gone = observed.slots()[&(observed.services[&lost].service.id, address(4_300))];
    assert!(!observed.services[&lost].ring.contains(&gone));
}

#[test]
fn a_service_without_room_for_its_rings_gets_all_else_and_keeps_its_backends() {
    let (mut observed, mut memory) = (Observed::default(), Memory::default());
    let mut state = maglev(0..1, 0..3);
    assert_eq!(tick(&state, &mut observed, &mut memory, 0), None);
    let former = observed.services[&key(0)].clone();

    memory.space.release(0..MAX_RING_POSITIONS, 10);
    let service = state.services.get_mut(&key(0)).expect("it was made");
    service.backends.remove(0);
    service.entry = Service { new_flow_rate: 7, scheduler: Scheduler::ROUND_ROBIN, ..service.entry };
    state.services.insert(key(1), serving(vec![ready(9)]));
    for now in [10, 11] {
        assert_eq!(tick(&state, &mut observed, &mut memory, now), Some(Full::Rings));
        let service = Service { new_flow_rate: 7, ..former.service };
        assert_eq!(observed.services[&key(0)], ObservedService { service, ..former.clone() });
        assert!(observed.services[&key(1)].ring.is_empty());
    }
    // The grace is over, but the kept ring still names the back-end.
    memory.space.release(0..MAX_RING_POSITIONS, 10 + GRACE);
    assert_eq!(tick(&state, &mut observed, &mut memory, 10 + GRACE), Some(Full::Rings));
    assert_eq!(observed.backends[&0].state, BackendState::LEAVING);
    let id = observed.services[&key(1)].service.id;

    assert_eq!(tick(&state, &mut observed, &mut memory, 12 + GRACE), None);
    assert_eq!(observed.services[&key(0)].ring, [1, 2]);
    assert_eq!((observed.services[&key(1)].service.id, &observed.services[&key(1)].ring[..]), (id, &[3][..]));
    assert_eq!(observed.backends[&0].state, BackendState::FREE);
}

#[test]
fn services_that_never_fit_together_are_told_the_limit() {
    let missing = tick(&maglev(0..70, 0..1), &mut Observed::default(), &mut Memory::default(), 0);
    assert_eq!(missing, Some(Full::RingSpace));
    assert!(missing.is_some_and(|full| full.to_string().contains("4194304")));
}

#[test]
fn without_a_number_for_a_new_service_all_others_go_on() {
    let services = |numbers: Range<u32>| desired(numbers.map(|service| (service, vec![ready(service)])));
    let (mut observed, mut memory) = (Observed::default(), Memory::default());
    assert_eq!(tick(&services(0..MAX_SERVICES), &mut observed, &mut memory, 0), None);
    let other = services(1..MAX_SERVICES + 1);
    assert_eq!(tick(&other, &mut observed, &mut memory, 0), Some(Full::Services));
    assert!(!observed.services.contains_key(&key(0)));
    assert_eq!(tick(&other, &mut observed, &mut memory, GRACE), Some(Full::Services));
    assert_eq!(tick(&other, &mut observed, &mut memory, GRACE + 2), None);
    assert!(observed.services.contains_key(&key(MAX_SERVICES)));
}
