//! What back-ends have to do at the moment decides on the rings of least connections, and on affinity.

use super::*;

/// A state with one service of this scheduler and bound, and two back-ends.
fn state(scheduler: Scheduler, max_load: Option<u32>) -> Desired {
    let entry = Service { scheduler, ..ENTRY };
    desired_services([(1, DesiredService { entry, max_load, ..serving(vec![ready(1), ready(2)]) })])
}

fn live(flows: [u64; 2]) -> Load {
    Load { live_flows: (0..).zip(flows).collect(), new_flows: BTreeMap::new() }
}

/// Positions of slot 0 on the ring, in per cent.
fn share(world: &World) -> usize {
    let ring = world.service(1).ring;
    100 * ring.iter().filter(|&&slot| slot == 0).count() / ring.len()
}

#[test]
fn least_connections_follows_the_load_and_comes_to_rest() {
    let mut world = World::new();
    let state = state(Scheduler::LEAST_CONNECTIONS, None);
    world.follow(&state);
    assert_eq!(share(&world), 50);
    world.load = live([100, 300]);
    assert_eq!(world.follow(&state), [world.set_service(1)]);
    assert!(share(&world) > 75, "{} %", share(&world));
    world.wait(2);
    world.load = live([200, 205]);
    world.follow(&state);
    assert_eq!(share(&world), 50);
    // As even as it needs to be.
    world.load = live([201, 204]);
    assert_eq!(world.follow(&state), []);
}

#[test]
fn the_more_new_flows_a_service_has_the_more_gently_it_is_evened_out() {
    let mut world = World::new();
    let state = state(Scheduler::LEAST_CONNECTIONS, None);
    world.load = live([100, 300]);
    world.follow(&state);
    world.load.new_flows.insert(0, 10_000);
    world.follow(&state);
    assert!((50..55).contains(&share(&world)), "{} %", share(&world));
    // Those of another service are none of its business.
    world.load.new_flows = BTreeMap::from([(0, 10_000), (1, 1)]);
    assert_eq!(world.follow(&state), []);
}

#[test]
fn other_schedulers_do_not_mind_the_load() {
    for scheduler in
        [Scheduler::ROUND_ROBIN, Scheduler::WEIGHTED_ROUND_ROBIN, Scheduler::SOURCE_HASH, Scheduler::MAGLEV]
    {
        let mut world = World::new();
        let state = state(scheduler, None);
        world.follow(&state);
        world.load = live([100, 300]);
        assert_eq!(world.follow(&state), [], "{scheduler:?}");
    }
}

fn marks(world: &World) -> [u8; 2] {
    [0, 1].map(|slot| world.backend(slot).is_overloaded)
}

#[test]
fn a_backend_above_its_share_takes_no_flows_for_affinitys_sake() {
    let mut world = World::new();
    let bounded = state(Scheduler::ROUND_ROBIN, Some(125));
    // At the bound, then above it, then without one.
    for (load, state, expected) in [
        (live([0, 0]), &bounded, [0, 0]),
        (live([75, 125]), &bounded, [0, 0]),
        (live([74, 126]), &bounded, [0, 1]),
        (live([126, 74]), &bounded, [1, 0]),
        (live([126, 74]), &state(Scheduler::ROUND_ROBIN, None), [0, 0]),
    ] {
        world.load = load;
        world.follow(state);
        assert_eq!(marks(&world), expected, "{:?}", world.load);
    }
}

#[test]
fn a_share_of_the_load_goes_by_the_weights() {
    let mut world = World::new();
    let mut state = state(Scheduler::WEIGHTED_ROUND_ROBIN, Some(125));
    state.services.get_mut(&key(1)).expect("it was made").backends[1].weight = 3;
    world.load = live([25, 75]);
    world.follow(&state);
    assert_eq!(marks(&world), [0, 0]);
    world.load = live([50, 50]);
    assert_eq!(world.follow(&state), [set(0, overloaded(0, 1))]);
}

#[test]
fn a_backend_without_weight_takes_no_flows_for_affinitys_sake() {
    let mut world = World::new();
    let mut state = state(Scheduler::WEIGHTED_ROUND_ROBIN, None);
    world.follow(&state);
    state.services.get_mut(&key(1)).expect("it was made").backends[0].weight = 0;
    assert_eq!(world.follow(&state), [set(0, overloaded(0, 1)), world.set_service(1)]);
    assert_eq!((world.service(1).ring, world.service(1).consistent.contains(&0)), (vec![1], false));
}

#[test]
fn the_mark_of_too_much_load_does_not_outlast_its_backend() {
    let mut world = World::new();
    let bounded = state(Scheduler::ROUND_ROBIN, Some(125));
    world.load = live([10, 0]);
    world.follow(&bounded);
    world.follow(&bounded);
    assert_eq!(marks(&world), [1, 0]);
    world.load = Load::default();
    let without = Desired { removal_grace: 0, ..desired([]) };
    world.follow(&without);
    world.follow(&bounded);
    assert_eq!(marks(&world), [0, 0]);
}
