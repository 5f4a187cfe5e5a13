//! `cargo xtask soak`: everything at once, for as long as one likes.

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::Result;

use crate::build::Profile;
use crate::setup::Scope;
use crate::{bpf, process, tool, usage};

pub(crate) fn main(args: &[OsString]) -> Result<ExitCode> {
    let mut soak = tool::command("soak", Profile::Dev, Scope::Lab)?;
    // The release that the agent is upgraded to and back.
    bpf::build_other()?;
    Err(process::exec(soak.args(usage::after_separator(args))))
}
