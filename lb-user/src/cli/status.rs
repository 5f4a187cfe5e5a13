use super::{Asking, output};
use crate::control::types::Status;
use std::process::ExitCode;
use std::time::Duration;

/// How the agent is, and what it is attached to.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  handoff status")]
pub(super) struct Args {
    #[command(flatten)]
    asking: Asking,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let status = super::wait(args.asking.client().status())??;
    output::print(args.asking.json, &status, text)
}

fn text(status: &Status) -> String {
    let uptime = humantime::format_duration(Duration::from_secs(status.uptime_s));
    let table = &status.flow_table;
    let mut lines = vec![
        format!("handoff     {}, process {}, up {uptime}", status.version, status.pid),
        format!("config      {}, generation {}", status.config.display(), status.generation),
        format!("pins        {} (layout {})", status.pin_folder.display(), status.abi),
        format!("services    {}", status.services),
        format!("back-ends   {} of {} ready", status.ready, status.backends),
        format!(
            "flow table  {} of {} flows live, {} and {} of keys",
            output::number(table.live),
            output::number(table.capacity),
            output::bytes(table.bytes),
            output::bytes(table.key_bytes)
        ),
    ];
    lines.extend(status.interfaces.iter().map(|interface| {
        let state = if interface.up { "up" } else { "down" };
        format!("interface   {} {state}, XDP {}, {}", interface.name, interface.xdp, interface.mac)
    }));
    if status.overrides > 0 {
        lines.push(format!(
            "overrides   {} back-ends are not as the configuration says: see `handoff backends`",
            status.overrides
        ));
    }
    lines.extend(status.announced.iter().map(|vip| {
        let state = match vip.announced {
            Some(true) => "announced",
            Some(false) => "withdrawn",
            None => "not announced yet",
        };
        let error = vip.error.as_ref().map_or_else(String::new, |error| format!(": {error}"));
        format!("VIP         {} {state}{error}", vip.vip)
    }));
    lines.extend(status.ns_per_packet.map(|ns| format!("run time    {ns:.0} ns a packet")));
    lines.extend(status.failure.iter().map(|failure| format!("failure     {failure}")));
    lines.join("\n")
}
