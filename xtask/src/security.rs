//! `cargo xtask security`: what running agents may do, for docs/security.md.

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::Result;

use crate::build::Profile;
use crate::setup::Scope;
use crate::{process, tool, usage};

pub(crate) fn main(args: &[OsString]) -> Result<ExitCode> {
    let mut security = tool::command("security", Profile::Dev, Scope::Lab)?;
    Err(process::exec(security.args(usage::after_separator(args))))
}
