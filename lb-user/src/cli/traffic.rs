use super::output::{self, number};
use super::{Asking, wait};
use crate::control::types::{ApplicationCounter, Fairness, ProtocolCounter, TcpCounter, Traffic};
use crate::rows;
use lb_common::abi::SizeClass;
use std::process::ExitCode;

/// What kind of traffic there is: by protocol, TCP flags, application and size, and how evenly services spread theirs, by the weights of now.
/// All of it is counted since the counters began, and it is the clients' half: back-ends answer the clients directly.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  handoff traffic --json")]
pub(super) struct Args {
    #[command(flatten)]
    asking: Asking,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let traffic = wait(args.asking.client().traffic())??;
    output::print(args.asking.json, &traffic, tables)
}

fn tables(traffic: &Traffic) -> String {
    let tables = [
        protocols(&traffic.protocols),
        flags(&traffic.tcp),
        sizes(&traffic.sizes),
        applications(&traffic.applications),
        fairness(&traffic.fairness),
    ];
    tables.join("\n\n")
}

fn protocols(protocols: &[ProtocolCounter]) -> String {
    output::table(&["LINK", "NETWORK", "TRANSPORT", "PACKETS>", "BYTES>"], rows::protocols(protocols))
}

fn flags(tcp: &TcpCounter) -> String {
    let counts = [("SYN", tcp.syn), ("FIN", tcp.fin), ("RST", tcp.rst), ("none of these", tcp.other)];
    let rows = counts.into_iter().map(|(flag, count)| vec![flag.to_owned(), number(count)]);
    output::table(&["TCP FLAG", "SEGMENTS>"], rows)
}

fn sizes(sizes: &[u64; SizeClass::COUNT]) -> String {
    let limits = SizeClass::LIMITS.iter().map(|limit| format!("up to {limit} B"));
    let rows = limits.chain(["above".to_owned()]).zip(sizes).map(|(limit, &count)| vec![limit, number(count)]);
    output::table(&["FRAME SIZE", "PACKETS>"], rows)
}

fn applications(applications: &[ApplicationCounter]) -> String {
    let columns = ["APPLICATION", "SERVICES>", "NEW FLOWS>", "LIVE>", "PACKETS>", "BYTES>"];
    output::table(&columns, rows::applications(applications))
}

fn fairness(services: &[Fairness]) -> String {
    let index = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.3}"));
    let rows = services.iter().map(|fairness| {
        vec![
            fairness.service.clone(),
            fairness.backends.to_string(),
            index(fairness.max_over_mean),
            index(fairness.jain),
        ]
    });
    output::table(&["SERVICE", "BACK-ENDS>", "MAX/MEAN>", "JAIN>"], rows)
}
