//! Services that come, change and go.

use super::*;

#[test]
fn a_service_comes_after_its_backends_and_counts_from_0() {
    let mut world = World::new();
    let state = desired([(1, vec![ready(1), ready(2)])]);
    let changes = world.follow(&state);
    let expected = [
        set_settings(&state),
        Change::AddVip(vip(1)),
        Change::ResetBackendCounters { slot: 0 },
        set(0, active(0, 1, 0)),
        Change::ResetBackendCounters { slot: 1 },
        set(1, active(0, 2, 0)),
        Change::ResetServiceCounters { id: 0 },
        world.set_service(1),
    ];
    assert_eq!(changes, expected);
    assert_eq!(world.service(1).ring, [0, 1]);
}

#[test]
fn another_scheduler_switches_the_service() {
    let mut world = World::new();
    let state = |scheduler| {
        let backends = vec![ready(1), DesiredBackend { weight: 2, ..ready(2) }];
        desired_services([(1, DesiredService { entry: Service { scheduler, ..ENTRY }, ..serving(backends) })])
    };
    world.follow(&state(Scheduler::ROUND_ROBIN));
    assert_eq!(world.service(1).ring, [0, 1]);
    for (scheduler, positions) in [
        (Scheduler::WEIGHTED_ROUND_ROBIN, 3),
        (Scheduler::SOURCE_HASH, 1_021),
        (Scheduler::MAGLEV, 65_537),
        (Scheduler::LEAST_CONNECTIONS, 2),
        (Scheduler::WEIGHTED_LEAST_CONNECTIONS, 3),
    ] {
        assert_eq!(world.follow(&state(scheduler)), [world.set_service(1)]);
        assert_eq!((world.service(1).service.scheduler, world.service(1).ring.len()), (scheduler, positions));
    }
}

#[test]
fn another_weight_switches_the_rings() {
    let mut world = World::new();
    let state = |weight| {
        let entry = Service { scheduler: Scheduler::WEIGHTED_ROUND_ROBIN, ..ENTRY };
        let backends = vec![ready(1), DesiredBackend { weight, ..ready(2) }];
        desired_services([(1, DesiredService { entry, ..serving(backends) })])
    };
    world.follow(&state(1));
    let equal = world.service(1);
    assert_eq!(world.follow(&state(3)), [world.set_service(1)]);
    let heavier = world.service(1);
    assert_eq!((equal.ring, heavier.ring), (vec![0, 1], vec![1, 1, 0, 1]));
    let share = |ring: &[u16]| ring.iter().filter(|&&slot| slot == 1).count();
    assert_eq!([share(&equal.consistent), share(&heavier.consistent)], [510, 766]);
}

#[test]
fn what_the_rings_do_not_show_keeps_them_where_they_are() {
    let mut world = World::new();
    let state = |entry| desired_services([(1, DesiredService { entry, ..serving(vec![ready(1), ready(2)]) })]);
    world.follow(&state(ENTRY));
    let before = world.service(1);
    let other = Service {
        flags: ServiceFlags::ONE_PACKET,
        new_flow_rate: 1_000,
        source_rate: 10,
        flood_rate: 100,
        affinity_window: 60,
        timeouts: TimeoutClass(3),
        ..ENTRY
    };
    assert_eq!(world.follow(&state(other)), [world.set_service(1)]);
    let after = world.service(1);
    assert_eq!((after.ranges(), after.service.new_flow_rate), (before.ranges(), 1_000));
}

#[test]
fn a_consistent_ring_that_another_version_made_is_replaced() {
    let mut world = World::new();
    let state = desired([(1, vec![ready(1), ready(2)])]);
    world.follow(&state);
    let right = world.service(1).consistent;
    let mut other = world.service(1);
    other.consistent.reverse();
    world.make(&Change::SetService { key: key(1), service: other });
    world.follow(&state);
    assert_eq!(world.service(1).consistent, right);
}

#[test]
fn other_settings_change_nothing_else() {
    let mut world = World::new();
    let mut state = desired([(1, vec![ready(1)])]);
    world.follow(&state);
    state.settings.timeouts = Timeouts::new(1, 2, 3, 4, 5);
    assert_eq!(world.follow(&state), [set_settings(&state)]);
}

#[test]
fn a_removed_service_goes_before_its_backends() {
    let mut world = World::new();
    world.follow(&desired([(1, vec![ready(1)]), (2, vec![ready(1)])]));
    let changes = world.follow(&desired([(2, vec![ready(1)])]));
    assert_eq!(changes, [Change::RemoveService { key: key(1) }, set(0, leaving(0, 1, 0))]);
}

#[test]
fn the_vip_of_a_removed_service_is_known_until_its_backends_are_freed() {
    let mut world = World::new();
    let both = desired([(1, vec![ready(1)]), (2, vec![ready(1)])]);
    let one = desired([(2, vec![ready(1)])]);
    world.follow(&both);
    world.follow(&one);
    assert_eq!((world.observed().settings, world.observed().vips), (Some(both.settings), [vip(1), vip(2)].into()));
    world.wait(GRACE);
    let changes = world.follow(&one);
    assert_eq!(changes, [set(0, freed(1)), forget([0]), Change::RemoveVip(vip(1)), set_settings(&one)]);
}

#[test]
fn the_vip_of_a_service_that_never_had_a_backend_goes_with_it() {
    let mut world = World::new();
    world.follow(&desired([(1, vec![unresolved(1)])]));
    let none = desired([]);
    let expected = [set_settings(&none), Change::RemoveService { key: key(1) }, Change::RemoveVip(vip(1))];
    assert_eq!(world.follow(&none), expected);
}

#[test]
fn a_new_vip_is_known_before_its_service_comes() {
    let mut world = World::new();
    world.follow(&desired([(1, vec![ready(1)])]));
    world.follow(&desired([]));
    let state = desired([(2, vec![ready(1)])]);
    let changes = world.follow(&state);
    let both = desired([(1, vec![]), (2, vec![])]);
    assert_eq!(changes[..2], [set_settings(&both), Change::AddVip(vip(2))]);
}

#[test]
fn services_of_one_vip_share_it() {
    let mut world = World::new();
    let mut state = desired([(1, vec![ready(1)])]);
    world.follow(&state);
    state.services.insert(ServiceKey { port: Be16::new(80), ..key(1) }, serving(vec![ready(1)]));
    let changes = world.follow(&state);
    assert!(!changes.contains(&Change::AddVip(vip(1))), "{changes:?}");
    world.follow(&desired([(1, vec![ready(1)])]));
    world.wait(GRACE);
    world.follow(&desired([(1, vec![ready(1)])]));
    assert_eq!(world.observed().vips, [vip(1)].into());
}

#[test]
fn a_service_number_is_not_used_again_while_a_backend_leaves_with_it() {
    let mut world = World::new();
    let none = desired([]);
    world.follow(&desired([(1, vec![ready(1)])]));
    world.follow(&none);
    world.follow(&desired([(2, vec![ready(1)])]));
    assert_eq!(world.service(2).service.id, 1);
    world.follow(&none);
    world.wait(GRACE);
    world.follow(&none);
    world.follow(&desired([(3, vec![ready(1)])]));
    assert_eq!(world.service(3).service.id, 0);
}

#[test]
fn one_backend_of_two_services_has_two_slots() {
    let mut world = World::new();
    world.follow(&desired([(1, vec![ready(1)]), (2, vec![ready(1)])]));
    assert_eq!((world.backend(0), world.backend(1)), (active(0, 1, 0), active(1, 1, 0)));
    assert_eq!((world.service(1).ring, world.service(2).ring), (vec![0], vec![1]));
}

/// A state with a service for these ports of the VIP 1.
fn ports(first: u16, last: u16) -> (ServiceKey, Desired) {
    let key = ServiceKey { port: Be16::new(first), kind: ServiceKind::RANGE, ..key(1) };
    let mut state = desired([(1, vec![])]);
    state.settings.has_ranges = 1;
    let ports = port_prefixes(vip(1), protocol::TCP, first, last);
    state.services = [(key, DesiredService { ports, ..serving(vec![ready(1)]) })].into();
    (key, state)
}

#[test]
fn ports_lead_to_a_service_as_long_as_it_is_there() {
    let mut world = World::new();
    let (key, state) = ports(8_000, 8_099);
    let prefixes = state.services[&key].ports.clone();
    let changes = world.follow(&state);
    let last = changes.len() - prefixes.len();
    assert!(matches!(changes[last - 1], Change::SetService { key: it, .. } if it == key), "{changes:?}");
    let set: Vec<_> = prefixes.iter().map(|&prefix| Change::SetPorts { prefix, first: key.port }).collect();
    assert_eq!(changes[last..], set);

    let changes = world.follow(&Desired { services: BTreeMap::new(), ..state });
    let removed = prefixes.iter().map(|&prefix| Change::RemovePorts(prefix));
    let expected: Vec<_> = removed.chain([Change::RemoveService { key }]).collect();
    assert_eq!(changes[..expected.len()], expected);
}

#[test]
fn ports_that_stay_are_not_touched_when_a_range_grows() {
    let mut world = World::new();
    let (_, state) = ports(8_000, 8_099);
    world.follow(&state);
    let (key, larger) = ports(8_000, 8_127);
    // 8,000 and 63 more, then 8,064 and 63 more, which those behind 8,064 are part of.
    let [first, second] = larger.services[&key].ports[..] else { panic!("{larger:?}") };
    let changes = world.follow(&larger);
    let former = &state.services[&key].ports;
    assert_eq!(former[0], first);
    let set = Change::SetPorts { prefix: second, first: key.port };
    let removed = former[1..].iter().map(|&prefix| Change::RemovePorts(prefix));
    assert_eq!(changes, [set].into_iter().chain(removed).collect::<Vec<_>>());
}

#[test]
fn ports_of_another_service_are_led_there_before_the_former_one_goes() {
    let mut world = World::new();
    let (former, state) = ports(8_000, 8_063);
    world.follow(&state);
    // The same first prefix belongs to a service with another key.
    let (all, state) = ports(0, u16::MAX);
    let changes = world.follow(&state);
    let place = |wanted: &Change| changes.iter().position(|change| change == wanted).expect("it is among the changes");
    let prefix = state.services[&all].ports[0];
    let set_ports = place(&Change::SetPorts { prefix, first: all.port });
    let set_service = changes.iter().position(|change| matches!(change, Change::SetService { .. }));
    assert!(set_service.is_some_and(|set_service| set_service < set_ports));
    assert!(set_ports < place(&Change::RemoveService { key: former }));
}
