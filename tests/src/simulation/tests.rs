use super::*;
use lb_common::abi::TICK_SHIFT;
use lb_user::config::{Affinity, Reset, Scheduler};
use std::net::Ipv4Addr;

/// A tick of the flow table's clock.
const TICK: Duration = Duration::from_nanos(1 << TICK_SHIFT);
/// Ten ticks: windows are counted in them.
const WINDOW: Duration = TICK.saturating_mul(10);

fn affinity(reset: Reset, window: Duration, max_load: Option<f64>) -> Policy {
    let affinity =
        Affinity { window, reset, prefix: Affinity::DEFAULT_PREFIX, prefix_v6: Affinity::DEFAULT_PREFIX_V6, max_load };
    Policy { scheduler: Scheduler::RoundRobin, affinity: Some(affinity) }
}

/// Thirteen clients: not a multiple of three, so that after a round of all of them the next begins with another of three back-ends.
fn clients() -> impl Iterator<Item = Ipv4Addr> {
    (1..=13).map(|number| Ipv4Addr::new(10, 1, 0, number))
}

/// Every client connects once. Returns where they got.
fn round(balancer: &mut Balancer) -> Result<Vec<u16>> {
    clients().map(|client| Ok(balancer.open(client)?.backend)).collect()
}

#[test]
fn clients_stay_within_a_window() -> Result<()> {
    for reset in [Reset::Epoch, Reset::Client] {
        let mut balancer = Balancer::new(&affinity(reset, WINDOW, None), 3)?;
        let first = round(&mut balancer)?;
        assert_eq!(first[..3], [0, 1, 2], "{reset}: new clients are scheduled");
        for tick in 1..10 {
            balancer.wait_until(tick * TICK);
            assert_eq!(round(&mut balancer)?, first, "{reset}: after {tick} ticks");
        }
    }
    Ok(())
}

#[test]
fn all_are_spread_anew_when_an_epoch_ends() -> Result<()> {
    let mut balancer = Balancer::new(&affinity(Reset::Epoch, WINDOW, None), 3)?;
    balancer.wait_until(7 * TICK);
    let first = round(&mut balancer)?;
    balancer.wait_until(9 * TICK);
    assert_eq!(round(&mut balancer)?, first);
    balancer.wait_until(10 * TICK);
    let second = round(&mut balancer)?;
    assert!(first.iter().zip(&second).all(|(one, other)| one != other), "{first:?}, then {second:?}");
    balancer.wait_until(19 * TICK);
    assert_eq!(round(&mut balancer)?, second, "the next epoch is a window long");
    Ok(())
}

#[test]
fn each_client_is_scheduled_anew_when_its_own_window_ends() -> Result<()> {
    let mut balancer = Balancer::new(&affinity(Reset::Client, WINDOW, None), 3)?;
    let mut homes = Vec::new();
    for (tick, client) in (0..10).zip(clients()) {
        balancer.wait_until(tick * TICK);
        homes.push((client, balancer.open(client)?.backend));
    }
    // The first window ends at the tenth tick, and another one at each that follows. Ten turns of the scheduler are one more than three
    // rounds, so everyone's next is another.
    for tick in 10..20 {
        balancer.wait_until(tick * TICK);
        let (over, home) = homes.remove(0);
        for (client, home) in &homes {
            assert_eq!(balancer.open(*client)?.backend, *home, "{client}, when the window of {over} was over");
        }
        assert_eq!(balancer.open(over)?.backend, (home + 1) % 3, "{over}");
    }
    Ok(())
}

#[test]
fn a_busy_client_stays_until_its_back_end_has_more_than_its_share() -> Result<()> {
    let busy = Ipv4Addr::new(10, 1, 0, 99);
    let mut balancer = Balancer::new(&affinity(Reset::Epoch, Duration::from_secs(3_600), Some(2.0)), 4)?;
    let home = balancer.open(busy)?.backend;
    for _ in 0..3 {
        round(&mut balancer)?;
    }
    // Its back-end has 10 of 40 flows. With 20 more it has twice the mean, 30 of 60, which it may.
    for _ in 0..20 {
        assert_eq!(balancer.open(busy)?.backend, home);
    }
    balancer.look_after_load()?;
    assert_eq!(balancer.live_flows().iter().max(), Some(&30));
    assert_eq!(balancer.open(busy)?.backend, home);
    // 31 of 61 are more.
    balancer.look_after_load()?;
    let next = balancer.open(busy)?.backend;
    assert_ne!(next, home);
    assert_eq!(balancer.open(busy)?.backend, next, "it is remembered where it went");
    Ok(())
}

/// Few clients for a short time.
fn simulated(policy: Policy) -> Result<(f64, Unevenness)> {
    let traffic = Traffic { clients: 100, rate: 10, flow_duration: Duration::from_secs(20), seed: 1 };
    let (duration, warm_up) = (Duration::from_secs(600), Duration::from_secs(60));
    let outcome = Simulation { policy, backends: 4, traffic, duration, warm_up }.run()?;
    Ok((outcome.reuse.unwrap(), outcome.load.unwrap()))
}

#[test]
fn longer_windows_reuse_more_and_balance_less() -> Result<()> {
    for reset in [Reset::Epoch, Reset::Client] {
        let windows = [5, 60, 600].map(|seconds| affinity(reset, Duration::from_secs(seconds), None));
        let policies = [Policy::DEFAULT].into_iter().chain(windows);
        let outcomes = policies.map(simulated).collect::<Result<Vec<_>>>()?;
        let (reuse, load): (Vec<f64>, Vec<f64>) = outcomes.iter().map(|(reuse, load)| (*reuse, load.mean)).unzip();
        assert!(reuse.is_sorted_by(|one, next| one + 0.02 < *next), "{reset}: {reuse:?}");
        assert!(load.is_sorted_by(|one, next| one + 0.02 < *next), "{reset}: {load:?}");
        // One in four finds its session by chance; in one window for all the time, everyone does.
        assert!((reuse[0] - 0.25).abs() < 0.02, "{reset}: {reuse:?}");
        assert!(reuse[3] > 0.999, "{reset}: {reuse:?}");
    }
    Ok(())
}

#[test]
fn max_load_bounds_the_load_for_some_of_the_reuse() -> Result<()> {
    let hour = Duration::from_secs(3_600);
    let (most_reuse, unbounded) = simulated(affinity(Reset::Epoch, hour, None))?;
    let (less_reuse, loose) = simulated(affinity(Reset::Epoch, hour, Some(1.5)))?;
    let (least_reuse, tight) = simulated(affinity(Reset::Epoch, hour, Some(1.25)))?;
    assert!(unbounded.mean > 1.6, "{unbounded:?}");
    // A back-end may have too much for a moment: the agent looks once a second, and the scheduler has its turns.
    assert!(loose.mean < 1.55 && tight.mean < 1.35 && tight.p99 < unbounded.mean, "{loose:?} {tight:?}");
    assert!(
        most_reuse > less_reuse && less_reuse > least_reuse && least_reuse > 0.4,
        "{most_reuse} {less_reuse} {least_reuse}"
    );
    Ok(())
}

#[test]
fn a_seed_gives_the_same_outcome_again() -> Result<()> {
    assert_eq!(simulated(Policy::DEFAULT)?, simulated(Policy::DEFAULT)?);
    Ok(())
}
