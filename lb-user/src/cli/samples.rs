use super::output::{self, bytes, number};
use super::{Asking, wait};
use crate::control::types::{ClientHellos, FlowSizes, Samples, Talker};
use std::process::ExitCode;

/// What samples of the traffic show: who sends most, how large flows are, and what clients offer when they begin TLS. It is the clients'
/// half: back-ends answer the clients directly.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  handoff samples --limit 10")]
pub(super) struct Args {
    #[command(flatten)]
    asking: Asking,
    /// Show so many clients and names, at most.
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let samples = wait(args.asking.client().samples())??;
    output::print(args.asking.json, &samples, |samples| tables(samples, args.limit))
}

fn tables(samples: &Samples, limit: usize) -> String {
    if samples.one_packet_in == 0 {
        return "no samples are taken: the configuration says analysis: samples = 0".to_owned();
    }
    let sampled = format!(
        "one packet in {}, one flow in {}; {} samples taken, {} missed; of the last {} s at most",
        number(samples.one_packet_in),
        number(samples.one_flow_in),
        number(samples.taken),
        number(samples.missed),
        samples.window_s,
    );
    let tables = [
        sampled,
        talkers(&samples.talkers, limit),
        flow_sizes(&samples.flow_sizes),
        hellos(&samples.hellos),
        server_names(&samples.hellos, limit),
    ];
    tables.into_iter().filter(|table| !table.is_empty()).collect::<Vec<_>>().join("\n\n")
}

fn talkers(talkers: &[Talker], limit: usize) -> String {
    let rows = talkers.iter().take(limit).map(|talker| {
        vec![
            talker.client.to_string(),
            number(talker.packets),
            bytes(talker.bytes),
            bytes(talker.error),
            format!("{:.1} %", 100.0 * talker.share),
        ]
    });
    output::table(&["CLIENT", "PACKETS>", "BYTES>", "ERROR>", "SHARE>"], rows)
}

fn flow_sizes(applications: &[FlowSizes]) -> String {
    let rows = applications.iter().map(|sizes| {
        vec![
            sizes.application.clone(),
            number(sizes.flows),
            bytes(sizes.mean_bytes.round() as u64),
            bytes(half(sizes)),
            format!("{:.1}", sizes.mean_packets),
            format!("{:.2} s", sizes.mean_duration_s),
        ]
    });
    output::table(&["APPLICATION", "FLOWS>", "MEAN SIZE>", "HALF UP TO>", "MEAN PACKETS>", "MEAN DURATION>"], rows)
}

/// The size that half of the flows do not exceed, up to a power of two.
fn half(sizes: &FlowSizes) -> u64 {
    let mut seen = 0;
    let class = sizes.sizes.iter().find(|class| {
        seen += class.flows;
        2 * seen >= sizes.flows
    });
    class.map_or(0, |class| class.up_to_bytes)
}

fn hellos(services: &[ClientHellos]) -> String {
    let rows = services.iter().map(|hellos| {
        vec![
            hellos.service.clone(),
            number(hellos.seen),
            number(hellos.tls13),
            number(hellos.tls12),
            number(hellos.older),
            number(hellos.resumption),
            number(hellos.cut),
        ]
    });
    output::table(&["SERVICE", "HELLOS>", "TLS 1.3>", "TLS 1.2>", "OLDER>", "OFFER RESUMPTION>", "CUT>"], rows)
}

/// Empty when names are not kept, or none came.
fn server_names(services: &[ClientHellos], limit: usize) -> String {
    let named = |hellos: &ClientHellos| {
        let names = hellos.server_names.iter().take(limit);
        names.map(|name| vec![hellos.service.clone(), name.name.clone(), number(name.seen)]).collect::<Vec<_>>()
    };
    let rows: Vec<_> = services.iter().flat_map(named).collect();
    if rows.is_empty() { String::new() } else { output::table(&["SERVICE", "SERVER NAME", "SEEN>"], rows.into_iter()) }
}
