//! `handoff capture`: packets as they come, by one of two engines.

mod pcap;
mod xdp;

use super::USAGE;
use super::packets::Packets;
use crate::capture::LiveOptions;
use crate::control::types::CaptureRequest;
use clap::{ValueEnum, value_parser};
use std::fmt;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// Capture packets: a line each, or a file for Wireshark. Only what clients send is seen: back-ends answer them directly.
///
/// The engine `xdp` captures in Handoff's own program, before and after it rewrites a packet, with what it decided; nothing else can see
/// these packets. The engine `pcap` captures by way of libpcap what gets to the network stack.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  handoff capture 'tcp port 443 and host 203.0.113.7'\n  \
    handoff capture --service web --verdict dropped -w drops.pcapng\n  \
    handoff capture --engine pcap -i eth0 -c 20 'icmp or arp'")]
pub(super) struct Args {
    #[command(flatten)]
    agent: super::asking::AgentAt,
    /// What captures them.
    #[arg(long, value_enum, default_value_t = Engine::Xdp)]
    engine: Engine,
    /// Bytes that are kept of each packet: 128 unless said, or 68 by way of libpcap.
    #[arg(long, short, value_name = "BYTES", value_parser = value_parser!(u16).range(1..))]
    snaplen: Option<u16>,
    /// End after so many packets.
    #[arg(long, short, value_name = "N", value_parser = value_parser!(u32).range(1..=i32::MAX.into()))]
    count: Option<u32>,
    /// Write them to a file instead of lines of text.
    #[arg(long, short, value_name = "FILE")]
    write: Option<PathBuf>,
    /// Only packets that this says yes to, as 'tcp port 443 and host 203.0.113.7': see pcap-filter(7).
    #[arg(value_name = "FILTER")]
    filter: Vec<String>,
    #[command(flatten)]
    xdp: XdpArgs,
    #[command(flatten)]
    pcap: PcapArgs,
}

#[derive(Default, PartialEq, Eq, clap::Args)]
#[command(next_help_heading = "Engine xdp")]
struct XdpArgs {
    /// Only packets of this service.
    #[arg(long, value_name = "NAME")]
    service: Option<String>,
    /// Only packets that go to this back-end.
    #[arg(long, value_name = "NAME")]
    backend: Option<String>,
    #[command(flatten)]
    packets: Packets,
    /// Only TCP segments with one of these flags, as syn,rst.
    #[arg(long, value_name = "FLAGS")]
    flags: Option<String>,
    /// Only one flow in so many, with all its packets.
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..))]
    one_flow_in: Option<u32>,
    /// So many packets a second, at most; the others are counted as missed.
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..=CaptureRequest::MAX_RATE.into()))]
    rate: Option<u32>,
    /// End after so long, as 10s.
    #[arg(long, value_parser = humantime::parse_duration)]
    duration: Option<Duration>,
    /// Begin another file when one has so many bytes.
    #[arg(long, value_name = "BYTES", requires = "write", value_parser = value_parser!(u64).range(1..))]
    rotate_size: Option<u64>,
    /// Begin another file when one is so old, as 1h.
    #[arg(long, value_name = "TIME", requires = "write", value_parser = humantime::parse_duration)]
    rotate_after: Option<Duration>,
    /// Keep so many files, and remove the oldest.
    #[arg(long, value_name = "N", requires = "write", value_parser = value_parser!(u16).range(1..))]
    keep: Option<u16>,
}

#[derive(Default, PartialEq, Eq, clap::Args)]
#[command(next_help_heading = "Engine pcap")]
struct PcapArgs {
    /// The device to capture on; the one that libpcap chooses, unless said: see `handoff devices`.
    #[arg(long, short, value_name = "DEVICE")]
    interface: Option<String>,
    /// Also packets that are for other Ethernet addresses than the device's.
    #[arg(long)]
    promiscuous: bool,
}

/// What captures packets.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Engine {
    /// Handoff's program: what it forwards, answers and drops.
    Xdp,
    /// libpcap: what gets to the network stack, on any device.
    Pcap,
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Xdp => "--engine xdp",
            Self::Pcap => "--engine pcap",
        })
    }
}

pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let foreign = match args.engine {
        Engine::Xdp => args.pcap != PcapArgs::default(),
        Engine::Pcap => args.xdp != XdpArgs::default(),
    };
    if foreign {
        eprintln!(
            "handoff: an option is for the other engine: `handoff capture --help` says which belong to {}",
            args.engine
        );
        return Ok(ExitCode::from(USAGE));
    }
    let filter = (!args.filter.is_empty()).then(|| args.filter.join(" "));
    match args.engine {
        Engine::Xdp => xdp::run(&args, filter),
        Engine::Pcap => {
            let Args { snaplen, count, write, pcap: PcapArgs { interface, promiscuous }, .. } = args;
            let snaplen = snaplen.unwrap_or(LiveOptions::DEFAULT_SNAPLEN);
            pcap::run(pcap::Options { interface, snaplen, promiscuous, count, write, filter })
        }
    }
}
