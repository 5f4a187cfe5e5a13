use super::output::{self, Row};
use super::wait;
use crate::capture::{self, Device};
use std::process::ExitCode;

/// The network devices that packets can be captured on, and which of them have an XDP program, whose packets libpcap does not see.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  handoff devices --json")]
pub(super) struct Args {
    /// Print JSON instead of a table.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let devices = wait(capture::devices())??;
    output::print(args.json, &devices, |devices| table(devices))
}

fn table(devices: &[Device]) -> String {
    let columns = ["DEVICE", "STATE", "LINK TYPE", "XDP", "ADDRESSES", "DESCRIPTION"];
    let rows = devices.iter().map(|device| {
        let name = format!("{}{}", device.name, if device.default { " (default)" } else { "" });
        let addresses = device.addresses.iter().map(|address| match address.network {
            Some(network) => format!("{}/{}", address.address, network.len),
            None => address.address.to_string(),
        });
        let cells = vec![
            name,
            state(device),
            device.link_type.clone().unwrap_or_else(|| "-".to_owned()),
            xdp(device),
            addresses.collect::<Vec<_>>().join(" "),
            device.description.clone().unwrap_or_default(),
        ];
        Row::from(cells)
    });
    output::table(&columns, rows)
}

fn state(device: &Device) -> String {
    let state = match (device.up, device.running) {
        (false, _) => "down",
        (true, false) => "no carrier",
        (true, true) => "up",
    };
    if device.loopback { format!("{state}, loopback") } else { state.to_owned() }
}

fn xdp(device: &Device) -> String {
    match &device.xdp {
        None => "none".to_owned(),
        Some(xdp) if xdp.handoff => format!("{}, Handoff's", xdp.mode),
        Some(xdp) => format!("{}, {}", xdp.mode, xdp.program.as_deref().unwrap_or("unknown")),
    }
}
