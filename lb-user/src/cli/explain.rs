use super::output;
use super::{Asking, wait};
use crate::config::Protocol;
use crate::control::types::{ExplainRequest, Explanation, Flags};
use std::net::SocketAddr;
use std::process::ExitCode;

/// Where a packet would go at this moment, and why: the decision itself, step by step, over the maps in the kernel, which stay as they are.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  handoff explain 203.0.113.7:40000 192.0.2.10:443\n  handoff explain '[2001:db8::7]:40000' '[2001:db8:ffff::10]:443' --flags ack"
)]
pub(super) struct Args {
    /// Address and port of the client.
    #[arg(value_name = "SRC:PORT")]
    client: SocketAddr,
    /// Address and port that it sends to.
    #[arg(value_name = "VIP:PORT")]
    vip: SocketAddr,
    /// The transport protocol.
    #[arg(default_value = "tcp")]
    protocol: Protocol,
    /// TCP flags of the packet, as syn,ack; of SCTP, syn means INIT, fin SHUTDOWN, rst ABORT, and anything else DATA [default: syn].
    #[arg(long)]
    flags: Option<Flags>,
    #[command(flatten)]
    asking: Asking,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let Args { client, vip, protocol, flags, asking } = args;
    let question = ExplainRequest { client: *client, vip: *vip, protocol: *protocol, flags: *flags };
    let explanation = wait(asking.client().explain(&question))??;
    output::print(asking.json, &explanation, text)
}

fn text(explanation: &Explanation) -> String {
    let Explanation { steps, action, reason, to, changes } = explanation;
    let width = steps.iter().map(|step| step.step.len()).max().unwrap_or(0);
    let mut lines: Vec<String> = steps.iter().map(|step| format!("{:width$}  {}", step.step, step.finding)).collect();
    let to = to.as_ref().map_or_else(String::new, |way| format!(" to {} of {}", way.backend, way.service));
    lines.push(format!("\n{action}{to} ({reason})"));
    if !changes.is_empty() {
        lines.push("\nWhat would change it:".to_owned());
        lines.extend(changes.iter().map(|change| format!("  {change}")));
    }
    lines.join("\n")
}
