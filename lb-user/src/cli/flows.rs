use super::output::{self, number};
use super::{Asking, wait};
use crate::config::Prefix;
use crate::control::types::{FlowFilter, FlowList, FlowOwner, FlowState, TopBy, TopFlows};
use clap::value_parser;
use std::process::ExitCode;
use std::time::Duration;

/// Which flows are remembered, and where each goes. Only what the client sends is seen: back-ends answer clients directly.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  handoff flows --client 203.0.113.0/24 --state established\n  handoff flows --top clients --limit 10"
)]
pub(super) struct Args {
    #[command(flatten)]
    asking: Asking,
    /// Only flows of these clients.
    #[arg(long, value_name = "PREFIX")]
    client: Option<Prefix>,
    /// Only flows of this service.
    #[arg(long, value_name = "NAME")]
    service: Option<String>,
    /// Only flows of back-ends with this name.
    #[arg(long, value_name = "NAME")]
    backend: Option<String>,
    /// Only flows in this state.
    #[arg(long)]
    state: Option<FlowState>,
    /// Count them by client, back-end or service, and show who has most.
    #[arg(long, value_name = "BY")]
    top: Option<TopBy>,
    /// Show so many, at most.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = value_parser!(u32).range(1..=FlowFilter::MAX_LIMIT.into()))]
    limit: u32,
}

pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let Args { asking, client, service, backend, state, top, limit } = args;
    let filter = FlowFilter { client, service, backend, state, limit };
    match top {
        None => {
            let list = wait(asking.client().flows(&filter))??;
            output::print(asking.json, &list, table)
        }
        Some(by) => {
            let flows = wait(asking.client().top_flows(by, &filter))??;
            output::print(asking.json, &flows, |flows| top_table(by, flows))
        }
    }
}

fn table(list: &FlowList) -> String {
    let rows = list.flows.iter().map(|flow| {
        let (client, vip, protocol) = match &flow.tuple {
            Some(tuple) => (tuple.client.to_string(), tuple.vip.to_string(), tuple.protocol.to_string()),
            None => ("unknown".to_owned(), "-".to_owned(), "-".to_owned()),
        };
        vec![
            client,
            vip,
            protocol,
            flow.service.clone(),
            flow.backend.clone(),
            flow.state.to_string(),
            duration(flow.idle_s),
            duration(flow.expires_in_s),
        ]
    });
    let columns = ["CLIENT", "VIP", "PROTOCOL", "SERVICE", "BACK-END", "STATE", "SILENT>", "EXPIRES IN>"];
    let shown = list.flows.len() as u64;
    let mut text = output::table(&columns, rows);
    if shown < list.matched {
        text +=
            &format!("\n{} of {} flows: ask for fewer, or for more with --limit", number(shown), number(list.matched));
    }
    text + without_keys(list.keys)
}

fn top_table(by: TopBy, flows: &TopFlows) -> String {
    let columns: &[&str] = match by {
        TopBy::Clients => &["CLIENT", "FLOWS>", "SHARE>"],
        TopBy::Backends => &["SERVICE", "BACK-END", "FLOWS>", "SHARE>"],
        TopBy::Services => &["SERVICE", "FLOWS>", "SHARE>"],
    };
    let rows = flows.top.iter().map(|count| {
        let mut cells = match &count.of {
            FlowOwner::Client { client } => {
                vec![client.map_or_else(|| "unknown".to_owned(), |client| client.to_string())]
            }
            FlowOwner::Backend { service, backend } => vec![service.clone(), backend.clone()],
            FlowOwner::Service { service } => vec![service.clone()],
        };
        let share = 100.0 * count.flows as f64 / flows.matched as f64;
        cells.extend([number(count.flows), format!("{share:.1} %")]);
        cells
    });
    output::table(columns, rows) + &format!("\n{} flows", number(flows.matched)) + without_keys(flows.keys)
}

/// What is missing where the 5-tuples of flows are not kept.
fn without_keys(keys: bool) -> &'static str {
    if keys { "" } else { "\nwhose they are is not kept: the configuration says flow-table: keys = false" }
}

fn duration(seconds: u64) -> String {
    humantime::format_duration(Duration::from_secs(seconds)).to_string()
}
