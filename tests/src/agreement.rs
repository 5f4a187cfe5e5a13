//! Whether a rehearsed decision is the kernel's: what `handoff explain` says has to be what happens.

use crate::packet::Packet;
use crate::runner::{Kernel, Subject};
use crate::vector::Setup;
use crate::world::WAN;
use anyhow::{Context, Result, ensure};
use lb_common::verdict::MAX_VERDICTS;
use lb_user::bpf::KernelDataplane;
use lb_user::dataplane::rehearsal::rehearse;
use lb_user::dataplane::{Counters, Dataplane, View};
use lb_user::state::{Load, Memory, Observed, plan};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use std::collections::BTreeSet;

/// Services of every kind, to both VIPs, but for the rest of their names.
const SERVICES: [&str; 13] = [
    r#"port = 80, backends = ["server-1", "server-2", "server-3"]"#,
    r#"port = 81, scheduler = "weighted-round-robin", backends = ["server-1 weight 1", "server-2 weight 3"]"#,
    r#"port = 82, scheduler = "source-hash", backends = ["server-1", "server-2", "server-3"]"#,
    r#"port = 83, scheduler = "maglev", backends = ["server-1", "server-2", "server-3 via lan0"]"#,
    r#"port = 84, affinity = { window = "10m" }, backends = ["server-1", "server-2", "server-3"]"#,
    r#"port = 85, deny = ["203.0.113.4/30", "2001:db8:9::4/126"], backends = ["server-1", "server-2"]"#,
    r#"port = 86, allow = ["203.0.113.0/30", "2001:db8:9::/126"], backends = ["server-1", "server-2"]"#,
    r#"port = 87, new-flow-rate-per-source = 3, backends = ["server-1", "server-2"]"#,
    r#"port = 88, flood-above = 5, backends = ["server-1", "server-2"]"#,
    r#"port = 89, backends = ["server-9 unreachable"]"#,
    r#"port = 53, protocol = "udp", backends = ["server-1", "server-2"]"#,
    r#"port = "2000-2099", protocol = "udp", one-packet = true, backends = ["server-1", "server-2"]"#,
    r#"port = 2905, protocol = "sctp", forwarding = "gue", backends = ["server-1/4", "server-2/6"]"#,
];

/// Two VIPs, and an address that is none, by family.
const DESTINATIONS: [[&str; 2]; 2] = [["192.0.2.10", "192.0.2.99"], ["2001:db8:ffff::10", "2001:db8:ffff::99"]];

/// How many packets come before there is a flood.
const FLOOD_EVERY: usize = 50;
/// Flows of a flood, more than either service lets in at once.
const FLOOD: usize = 10;

/// Rehearses the decision on each of `packets` random packets and then has the kernel decide on it.
///
/// # Errors
/// At the first difference, in the verdict or in the back-end.
pub fn rehearsals_agree_with_the_kernel(packets: usize) -> Result<()> {
    let mut kernel = &mut Kernel::load()?;
    let observed = set_up(kernel.dataplane())?;
    let slots: Vec<u16> = observed.backends.keys().copied().collect();
    let mut random = StdRng::seed_from_u64(1);
    let (mut compared, mut verdicts) = (0, BTreeSet::new());
    let mut before = kernel.dataplane().counters(&[], &slots)?;
    for number in 0..packets {
        if number % FLOOD_EVERY == 0 {
            flood(&mut kernel, number)?;
            before = kernel.dataplane().counters(&[], &slots)?;
        }
        let description = packet(&mut random).context("there is something to choose from")?;
        let mut frame = toml::from_str::<Packet>(&description)?.frame()?;
        let began = kernel.dataplane().now();
        let (rehearsed, _) = rehearse(kernel.dataplane(), WAN.ifindex, &frame)?;
        kernel.process(&mut frame)?;
        let ended = kernel.dataplane().now();
        let after = kernel.dataplane().counters(&[], &slots)?;
        // What is limited by time may be let in a moment later.
        if began == ended {
            let decided = (rehearsed.verdict.number(), rehearsed.to.map(|(slot, _)| slot));
            let done = outcome(&before, &after).with_context(|| format!("packet {number}: {description}"))?;
            ensure!(decided == done, "packet {number}: {description}: {rehearsed:?}, but the kernel did {done:?}");
            compared += 1;
            verdicts.insert(rehearsed.verdict.name());
        }
        before = after;
    }
    ensure!(compared > packets / 2, "only {compared} of {packets} decisions were made within a tick of the clock");
    let expected =
        ["remembered", "new-flow", "unknown-flow", "affinity", "flood", "one-packet", "no-service", "denied"];
    let more = ["table-full", "not-allowed", "source-rate", "no-backend", "bad-flags"];
    let missing: Vec<_> = expected.iter().chain(&more).filter(|name| !verdicts.contains(**name)).collect();
    ensure!(missing.is_empty(), "no packet was {missing:?}, only {verdicts:?}");
    Ok(())
}

/// Opens flows of services that limit how many come in a time, at once: on a slow machine, what comes one by one is no flood.
fn flood(kernel: &mut &mut Kernel, number: usize) -> Result<()> {
    let open = |port, flow| {
        let client = number % 8;
        let packet = format!("ip = '203.0.113.{client} > 192.0.2.10'\ntcp = '{} > {port} S'", 20_000 + flow);
        toml::from_str::<Packet>(&packet)?.frame()
    };
    // Of packets, a flow each: no flow comes twice.
    let flows = (0..FLOOD).map(|flow| (number / FLOOD_EVERY * FLOOD + flow) % 20_000);
    let frames = flows.flat_map(|flow| [open(87, flow), open(88, flow)]).collect::<Result<Vec<_>>>()?;
    for mut frame in frames {
        kernel.process(&mut frame)?;
    }
    Ok(())
}

/// Tells the data plane what to balance.
fn set_up(dataplane: &mut KernelDataplane) -> Result<Observed> {
    let services = SERVICES.iter().enumerate().flat_map(|(number, service)| {
        DESTINATIONS.iter().enumerate().map(move |(family, [vip, _])| {
            format!("services.service-{number}-{family} = {{ vip = \"{vip}\", {service} }}\n")
        })
    });
    let setup: Setup = toml::from_str(&services.collect::<String>())?;
    let desired = setup.resolve()?.desired;
    let (load, mut memory, mut observed) = (Load::default(), Memory::default(), Observed::default());
    for change in plan(&desired, &observed.clone(), &load, &mut memory, 0).complete()? {
        dataplane.apply(&change)?;
        observed.follow(&change);
    }
    Ok(observed)
}

/// A packet of one of a few hundred flows, as vectors describe it.
fn packet(random: &mut StdRng) -> Option<String> {
    let is_v6 = random.random_bool(0.4);
    let client = match (is_v6, random.random_range(0..8)) {
        (false, number) => format!("203.0.113.{number}"),
        (true, number) => format!("2001:db8:9::{number:x}"),
    };
    let destination = DESTINATIONS[usize::from(is_v6)][usize::from(random.random_bool(0.03))];
    let source = 40_000 + random.random_range(0..6);
    let flags = ["S", "S", "S", "A", "A", "PA", "SA", "FA", "R", "SF", "FR"].choose(random)?;
    let chunk = ["INIT", "DATA", "SACK", "SHUTDOWN", "ABORT"].choose(random)?;
    let transport = match random.random_range(0..20) {
        0..=1 => format!("udp = '{source} > 53'"),
        2 => format!("udp = '{source} > {}'", random.random_range(1_990..2_110)),
        3..=4 => format!("sctp = '{source} > 2905 {chunk}'"),
        _ => format!("tcp = '{source} > {} {flags}'", random.random_range(80..91)),
    };
    Some(format!("ip = '{client} > {destination}'\n{transport}"))
}

/// The verdict on the one packet between two readings of the counters, and the slot of the back-end that it went to.
fn outcome(before: &Counters, after: &Counters) -> Result<(u32, Option<u16>)> {
    let risen = (0..MAX_VERDICTS).find(|&number| before.verdicts[number as usize] != after.verdicts[number as usize]);
    let number = risen.context("the packet was counted under no verdict")?;
    let grown = after.backends.iter().find(|(slot, counted)| before.backends[slot] != **counted);
    Ok((number, grown.map(|(&slot, _)| slot)))
}
