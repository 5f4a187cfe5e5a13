use super::{Asking, wait};
use crate::control::types::Event;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::{Duration, UNIX_EPOCH};

/// What changed lately, and what changes from now on, until Ctrl-C: one line for each change of state.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  handoff events --json")]
pub(super) struct Args {
    #[command(flatten)]
    asking: Asking,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let mut written = Ok(());
    let print = |event: Event| {
        let line = if args.asking.json { serde_json::to_string(&event).unwrap_or_default() } else { text(&event) };
        if written.is_ok() {
            written = writeln!(io::stdout(), "{line}");
        }
        written.is_ok()
    };
    wait(args.asking.client().events(print))??;
    Ok(ExitCode::SUCCESS)
}

fn text(event: &Event) -> String {
    let moment = UNIX_EPOCH + Duration::from_millis(event.unix_ms);
    let names = [&event.service, &event.backend].into_iter().flatten();
    let about: String = names.map(|name| format!("{name}: ")).collect();
    let mark = if event.alarming { "!" } else { " " };
    format!("{} {mark} {:9} {about}{}", humantime::format_rfc3339_millis(moment), event.kind, event.message)
}
