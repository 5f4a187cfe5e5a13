use super::output::{self, Row};
use crate::config::{Config, DEFAULT_FILE, Protocol};
use crate::doctor::{self, BackendOptions, Finding, Severity, worst};
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const EXAMPLES: &str = "\
Examples:
  handoff doctor
  handoff doctor --back-end --vip 192.0.2.10 --vip 2001:db8::10 --interface eth0 --tunnel --port 443

Exit codes: 0 nothing is wrong, 1 there are warnings, 2 there are faults.";

/// Find out why a balancer or a back-end runs but does not forward. Changes nothing.
///
/// It looks at kernel, rights, interfaces, drivers, agent, back-ends, VIPs and counters; with --back-end at what a back-end needs instead. Each
/// finding has a name, which docs/doctor.md explains, and a remedy. It works without root, and says what it could not look at.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The balancer's configuration.
    #[arg(long, value_name = "FILE", default_value = DEFAULT_FILE, conflicts_with = "back_end")]
    config: PathBuf,
    /// Look at this host as a back-end.
    #[arg(long, requires = "vips")]
    back_end: bool,
    /// VIP that servers on this host answer for. Can be given again for each.
    #[arg(long = "vip", value_name = "ADDRESS", requires = "back_end", value_parser = super::decap::vip)]
    vips: Vec<IpAddr>,
    /// Interface that packets for the VIPs arrive by. Can be given again; all that have an address, if it is not given.
    #[arg(long = "interface", value_name = "NAME", requires = "back_end")]
    interfaces: Vec<String>,
    /// Packets arrive in tunnels, as of ipip and gue.
    #[arg(long, requires = "back_end")]
    tunnel: bool,
    /// Port that a server should listen on, as 443 or 53/udp. Can be given again for each.
    #[arg(long = "port", value_name = "PORT", requires = "back_end", value_parser = port)]
    ports: Vec<(Protocol, u16)>,
    /// Client that the host should be able to answer. Can be given again; somebody far away, if it is not given.
    #[arg(long = "client", value_name = "ADDRESS", requires = "back_end")]
    clients: Vec<IpAddr>,
    /// Print JSON instead of a table.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let json = args.json;
    let findings = if args.back_end { backend(args)? } else { balancer(&args.config)? };
    output::print(json, &findings, |findings| text(findings))?;
    Ok(match worst(&findings) {
        Severity::Ok | Severity::Note => ExitCode::SUCCESS,
        Severity::Warning => ExitCode::from(1),
        Severity::Fault => ExitCode::from(2),
    })
}

fn balancer(file: &Path) -> anyhow::Result<Vec<Finding>> {
    let config = Config::load(file)?;
    let path = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    Ok(super::wait(doctor::examine_balancer(&path, &config))??)
}

fn backend(args: Args) -> anyhow::Result<Vec<Finding>> {
    let Args { vips, interfaces, tunnel: tunnels, clients, .. } = args;
    let ports: BTreeSet<_> = args.ports.into_iter().collect();
    let options = BackendOptions { vips, interfaces, ports, tunnels, clients };
    Ok(super::wait(doctor::examine_backend(&options))??)
}

fn port(text: &str) -> Result<(Protocol, u16), String> {
    let (port, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    let protocol = match protocol {
        "tcp" => Protocol::Tcp,
        "udp" => Protocol::Udp,
        _ => return Err("not a port of tcp or udp, as 443 or 53/udp".to_owned()),
    };
    match port.parse() {
        Ok(port @ 1..) => Ok((protocol, port)),
        _ => Err("not a port, as 443 or 53/udp".to_owned()),
    }
}

/// A table of the findings, and below it what to do.
fn text(findings: &[Finding]) -> String {
    let rows = findings.iter().map(|finding| {
        let on = if finding.on.is_empty() { "-" } else { &finding.on };
        let cells = vec![finding.severity.to_string(), finding.name.to_owned(), on.to_owned(), finding.found.clone()];
        Row::marked(cells, finding.severity >= Severity::Warning)
    });
    let mut text = output::table(&["SEVERITY", "FINDING", "ON", "FOUND"], rows);
    for finding in findings {
        if let Some(remedy) = finding.remedy.as_ref().filter(|_| finding.severity >= Severity::Warning) {
            let on = if finding.on.is_empty() { String::new() } else { format!(" ({})", finding.on) };
            text += &format!("\n{}{on}: {remedy}", finding.name);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_one_of_tcp_unless_it_says_otherwise() {
        assert_eq!(port("443"), Ok((Protocol::Tcp, 443)));
        assert_eq!(port("53/udp"), Ok((Protocol::Udp, 53)));
        for text in ["", "0", "65536", "443/sctp", "web", "443/"] {
            assert!(port(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_comes_with_what_to_do() {
        let finding = |name, severity, remedy: Option<&str>| Finding {
            name,
            severity,
            on: "eth0".to_owned(),
            found: "found".to_owned(),
            remedy: remedy.map(str::to_owned),
        };
        let text = text(&[
            finding("interface", Severity::Ok, None),
            finding("veth", Severity::Note, Some("nothing urgent")),
            finding("link-down", Severity::Fault, Some("`ip link set dev eth0 up`")),
        ]);
        let expected = "SEVERITY  FINDING    ON    FOUND\nok        interface  eth0  found\nnote      veth       eth0  found\n\
                        \u{1b}[33mfault     link-down  eth0  found\u{1b}[0m\nlink-down (eth0): `ip link set dev eth0 up`";
        assert_eq!(text, expected);
    }
}
