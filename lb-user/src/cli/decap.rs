use super::output::{self, Row, bytes, number};
use crate::config::{Prefix, XdpMode};
use crate::control::types::VerdictCounter;
use crate::decap::{self, Change, DEFAULT_GUE_PORT, DEFAULT_RUN_FOLDER, Event, Options, Tunnels};
use std::io::Write;
use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

const EXAMPLES: &str = "\
Examples:
  handoff decap --interface eth0 --vip 192.0.2.10 --vip 2001:db8::10 --source 10.0.0.0/24
  handoff decap --interface eth0 --vip 192.0.2.10 --l2-dsr
  handoff decap --undo";

/// Make this host a back-end: give it the VIPs, and take their packets out of the balancer's tunnels.
///
/// It runs in the foreground until SIGTERM, SIGHUP or Ctrl-C, and then undoes all that it has changed. VIPs are added to the loopback
/// interface, where no ARP request finds them; an XDP program takes packets for them out of ipip and gue, over IPv4 and IPv6, without
/// any tunnel device. SIGUSR1 prints the counters.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Interface that packets for the VIPs arrive by. Can be given again for each.
    #[arg(long = "interface", value_name = "NAME", required_unless_present = "undo")]
    interfaces: Vec<String>,
    /// Virtual IPv4 or IPv6 address that servers on this host answer for. Can be given again for each.
    #[arg(long = "vip", value_name = "ADDRESS", required_unless_present = "undo", value_parser = vip)]
    vips: Vec<IpAddr>,
    /// Where tunnels may begin: the balancers' addresses, and their tunnel-source. Can be given again; anywhere, if it is not given.
    #[arg(long = "source", value_name = "PREFIX", conflicts_with = "l2_dsr")]
    sources: Vec<Prefix>,
    /// UDP port of gue.
    #[arg(
        long,
        value_name = "PORT",
        default_value_t = DEFAULT_GUE_PORT,
        value_parser = clap::value_parser!(u16).range(1..),
        conflicts_with = "l2_dsr"
    )]
    gue_port: u16,
    /// Where the program runs.
    #[arg(long, value_name = "MODE", value_enum, default_value_t = XdpMode::Auto, conflicts_with = "l2_dsr")]
    xdp_mode: XdpMode,
    /// The balancer is on the same segment and uses no tunnel: attach no program.
    #[arg(long)]
    l2_dsr: bool,
    /// Print the counters every so many seconds.
    #[arg(
        long = "stats",
        value_name = "SECONDS",
        value_parser = clap::value_parser!(u64).range(1..=86_400),
        conflicts_with = "l2_dsr"
    )]
    statistics: Option<u64>,
    /// Undo what an earlier run could not, because it was killed, and do nothing else. The next run does that by itself.
    #[arg(long, conflicts_with_all = ["interfaces", "vips", "sources", "gue_port", "xdp_mode", "l2_dsr", "statistics"])]
    undo: bool,
    /// Folder of lock and record. Network namespaces that share a file system need one each.
    #[arg(long, value_name = "FOLDER", default_value = DEFAULT_RUN_FOLDER)]
    run_folder: PathBuf,
    /// Print JSON, an object a line.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let tell = teller(args.json);
    if args.undo {
        let changes = super::wait(decap::undo(&args.run_folder))??;
        tell(Event::Undone { changes });
        return Ok(ExitCode::SUCCESS);
    }
    let Args { interfaces, vips, sources, gue_port, xdp_mode, run_folder, .. } = args;
    let options = Options {
        interfaces,
        vips,
        tunnels: (!args.l2_dsr).then_some(Tunnels { sources, gue_port, xdp_mode }),
        run_folder,
        statistics: args.statistics.map(Duration::from_secs),
    };
    super::wait(decap::run(&options, tell))??;
    Ok(ExitCode::SUCCESS)
}

pub(super) fn vip(text: &str) -> Result<IpAddr, String> {
    let address: IpAddr = text.parse().map_err(|_| "not an address, as 192.0.2.10 or 2001:db8::10".to_owned())?;
    let is_hosts = match address {
        IpAddr::V4(v4) => !v4.is_broadcast() && !v4.is_link_local(),
        IpAddr::V6(v6) => v6.to_ipv4_mapped().is_none() && !v6.is_unicast_link_local(),
    };
    if is_hosts && !address.is_unspecified() && !address.is_loopback() && !address.is_multicast() {
        Ok(address)
    } else {
        Err("cannot be a VIP: use a unicast address that clients can reach".to_owned())
    }
}

/// Prints what there is to tell. Whoever closes our output has seen enough, which is no reason to leave the host as it is.
fn teller(json: bool) -> impl Fn(Event) {
    move |event| {
        let text = if json { serde_json::to_string(&event).unwrap_or_default() } else { text(&event) };
        let mut stdout = anstream::stdout().lock();
        let _ = writeln!(stdout, "{text}").and_then(|()| stdout.flush());
    }
}

fn text(event: &Event) -> String {
    match event {
        Event::CleanedUp { changes } => {
            format!("undone, left behind by an earlier run:{}", indented(changes.iter().map(undone)))
        }
        Event::Ready { changes, attached } => {
            let attached = attached.iter().map(|at| format!("XDP program on {}, {} mode", at.interface, at.mode));
            let lines = changes.iter().map(ToString::to_string).chain(attached);
            format!("ready; Ctrl-C ends it and undoes this:{}", indented(lines))
        }
        Event::Counters { counters } => table(counters),
        Event::Undone { changes } if changes.is_empty() => "nothing to undo".to_owned(),
        Event::Undone { changes } => format!("undone:{}", indented(changes.iter().map(undone))),
    }
}

fn undone(change: &Change) -> String {
    match change {
        Change::Setting { key, former, value } => format!("{key} {value} -> {former}"),
        Change::Vip { address } => format!("{address} off lo"),
    }
}

fn indented(lines: impl Iterator<Item = String>) -> String {
    lines.map(|line| format!("\n  {line}")).collect()
}

fn table(counters: &[VerdictCounter]) -> String {
    let rows = counters.iter().filter(|counter| counter.packets > 0).map(|counter| {
        let cells = vec![counter.action.clone(), counter.reason.clone(), number(counter.packets), bytes(counter.bytes)];
        Row::marked(cells, counter.action == "dropped")
    });
    output::table(&["VERDICT", "REASON", "PACKETS>", "BYTES>"], rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vip_is_an_address_that_clients_can_reach() {
        for text in ["192.0.2.10", "2001:db8::10", "fd00::10"] {
            assert_eq!(vip(text).map(|vip| vip.to_string()), Ok(text.to_owned()));
        }
        for text in
            ["0.0.0.0", "127.0.0.1", "169.254.1.1", "224.0.0.1", "255.255.255.255", "::", "::1", "fe80::1", "ff02::1"]
        {
            assert!(vip(text).is_err(), "{text}");
        }
        assert!(vip("::ffff:192.0.2.10").is_err() && vip("web").is_err());
    }

    #[test]
    fn what_is_done_and_undone_reads_alike() {
        let changes = vec![
            Change::Setting { key: "net/ipv4/conf/all/arp_ignore".to_owned(), former: 0, value: 1 },
            Change::Vip { address: IpAddr::from([192, 0, 2, 10]) },
        ];
        assert_eq!(
            text(&Event::Ready { changes: changes.clone(), attached: Vec::new() }),
            "ready; Ctrl-C ends it and undoes this:\n  net/ipv4/conf/all/arp_ignore 0 -> 1\n  192.0.2.10 on lo"
        );
        assert_eq!(
            text(&Event::Undone { changes }),
            "undone:\n  net/ipv4/conf/all/arp_ignore 1 -> 0\n  192.0.2.10 off lo"
        );
    }
}
