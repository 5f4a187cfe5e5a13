use super::{Asking, output, wait};
use crate::config;
use crate::control::types::{ApplyRequest, BackendPlan, PlanReport, PlannedChange, ServicePlan};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Say what a configuration would change in the running agent. Changes nothing.
///
/// The exit code is 1 when the change would be refused, 78 when the configuration cannot be.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  handoff plan new.toml")]
pub(super) struct Args {
    /// The configuration; without it, the agent's own file as it is now.
    file: Option<PathBuf>,
    #[command(flatten)]
    asking: Asking,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let report = wait(args.asking.client().plan(&request(args.file.as_deref(), false)?))??;
    let printed = output::print(args.asking.json, &report, text)?;
    Ok(if report.refusals.is_empty() { printed } else { ExitCode::FAILURE })
}

/// What to ask the agent about the configuration in `file`. The agent may not be able to read it: it gets the text.
pub(super) fn request(file: Option<&Path>, force: bool) -> anyhow::Result<ApplyRequest> {
    let Some(file) = file else { return Ok(ApplyRequest { path: None, text: None, force }) };
    let path = std::path::absolute(file)?;
    Ok(ApplyRequest { text: Some(config::read(&path)?), path: Some(path), force })
}

/// What changes, a line each.
pub(super) fn text(report: &PlanReport) -> String {
    let mut lines: Vec<String> = report.program.iter().map(|difference| format!("~ {difference}")).collect();
    for service in &report.services {
        lines.push(format!("{} service {}{}", sign(service.change), service.name, rings(service)));
        lines.extend(service.details.iter().map(|difference| format!("    ~ {difference}")));
        lines.extend(service.backends.iter().map(backend));
    }
    if !report.is_change() {
        lines.push("nothing changes".to_owned());
    }
    lines.extend(report.refusals.iter().map(|refusal| {
        let remedy = if refusal.can_be_forced { "; `apply --force` does it all the same" } else { "" };
        format!("refused: {}{remedy}", refusal.message)
    }));
    lines.join("\n")
}

fn rings(service: &ServicePlan) -> String {
    if service.change != PlannedChange::Changed {
        return String::new();
    }
    let [ring, consistent] = [service.ring_moved, service.consistent_moved].map(|part| 100.0 * part);
    format!(": {ring:.1} % of new flows and {consistent:.1} % of the consistent ring move")
}

fn backend(backend: &BackendPlan) -> String {
    let live = match (backend.change, backend.live_flows) {
        (PlannedChange::Removed, 0) => ": no live flows".to_owned(),
        (PlannedChange::Removed, flows) => {
            format!(": {} live flows may end within the removal grace", output::number(flows))
        }
        _ => String::new(),
    };
    let details: String = backend.details.iter().map(|difference| format!(", {difference}")).collect();
    format!("    {} {} {}{live}{details}", sign(backend.change), backend.name, backend.address)
}

fn sign(change: PlannedChange) -> char {
    match change {
        PlannedChange::Added => '+',
        PlannedChange::Removed => '-',
        PlannedChange::Changed => '~',
    }
}
