use super::packets::Packets;
use super::{Asking, wait};
use crate::control::types::{TraceLine, TraceRequest};
use clap::value_parser;
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;
use std::time::Duration;

/// What becomes of packets as they come, a line each, until Ctrl-C. Only what the client sends is seen: back-ends answer clients directly.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  handoff trace --client 203.0.113.7 --count 20\n  handoff trace --verdict dropped --duration 10s"
)]
pub(super) struct Args {
    #[command(flatten)]
    asking: Asking,
    #[command(flatten)]
    packets: Packets,
    /// So many a second, at most; the others are counted as missed.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = value_parser!(u32).range(1..=TraceRequest::MAX_RATE.into()))]
    rate: u32,
    /// End after so many.
    #[arg(long, value_name = "N")]
    count: Option<u64>,
    /// End after so long, as 10s.
    #[arg(long, value_parser = humantime::parse_duration)]
    duration: Option<Duration>,
}

pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let Args { asking, packets: Packets { client, vip, port, protocol, verdict }, rate, count, duration } = args;
    let duration_s = duration.map(|duration| duration.as_secs().max(1));
    let question = TraceRequest { client, vip, port, protocol, verdict, rate, count, duration_s };
    let mut written = Ok(());
    let write = |line: TraceLine| {
        written = print(asking.json, &line);
        written.is_ok()
    };
    wait(asking.client().trace(&question, write))??;
    match written {
        // Whoever reads has seen enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
        written => Ok(written.map(|()| ExitCode::SUCCESS)?),
    }
}

fn print(json: bool, line: &TraceLine) -> io::Result<()> {
    let text = if json { serde_json::to_string(line)? } else { text(line) };
    writeln!(anstream::stdout(), "{text}")
}

fn text(line: &TraceLine) -> String {
    let TraceLine { time, interface, tuple, addresses, ip_protocol, flags, len, action, reason, .. } = line;
    let packet = match (tuple, addresses) {
        (Some(tuple), _) => format!("{} {} > {}", tuple.protocol, tuple.client, tuple.vip),
        (None, Some([from, to])) => format!("ip-{ip_protocol} {from} > {to}"),
        (None, None) => "no IP packet that can be read".to_owned(),
    };
    let flags = flags.map_or_else(String::new, |flags| format!(" {flags}"));
    let to = match (&line.backend, &line.service) {
        (Some(backend), Some(service)) => format!(" to {backend} of {service}"),
        (None, Some(service)) => format!(" for {service}"),
        _ => String::new(),
    };
    let missed = if line.missed > 0 { format!(" ({} missed before)", line.missed) } else { String::new() };
    format!("{time} {interface} {packet}{flags} {len} bytes: {action}{to} ({reason}){missed}")
}
