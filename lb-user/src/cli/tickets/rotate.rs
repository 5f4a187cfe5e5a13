use super::status::ring;
use crate::cli::output;
use crate::cli::{Asking, wait};
use crate::control::types::{RevokeRequest, RotateRequest};
use crate::tickets::RingName;
use std::process::ExitCode;

/// Rotate a ring before its time: the next key becomes the active one. Sessions go on being resumed.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  handoff tickets rotate shop")]
pub(super) struct RotateArgs {
    /// The ring.
    #[arg(value_parser = ring_name)]
    ring: RingName,
    /// Also when not every back-end may have the next key yet: sessions that are made then are not resumed everywhere.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    asking: Asking,
}

/// Replace all keys of a ring at once, as when they may have been stolen: every session ends, and every client makes a whole handshake once.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  handoff tickets revoke shop")]
pub(super) struct RevokeArgs {
    /// The ring.
    #[arg(value_parser = ring_name)]
    ring: RingName,
    #[command(flatten)]
    asking: Asking,
}

pub(super) fn rotate(args: RotateArgs) -> anyhow::Result<ExitCode> {
    let request = RotateRequest { ring: args.ring, force: args.force };
    let status = wait(args.asking.client().rotate_tickets(&request))??;
    output::print(args.asking.json, &status, ring)
}

pub(super) fn revoke(args: RevokeArgs) -> anyhow::Result<ExitCode> {
    let status = wait(args.asking.client().revoke_tickets(&RevokeRequest { ring: args.ring }))??;
    output::print(args.asking.json, &status, ring)
}

fn ring_name(text: &str) -> Result<RingName, String> {
    RingName::try_from(text.to_owned())
}
