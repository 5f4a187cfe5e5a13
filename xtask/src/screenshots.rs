//! `cargo xtask screenshots`: pictures of the dashboard for the documentation.

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::Result;

use crate::build::Profile;
use crate::setup::Scope;
use crate::{process, tool, usage, workspace};

pub(crate) fn main(args: &[OsString]) -> Result<ExitCode> {
    usage::no_args(args)?;
    let mut screenshots = tool::command("screenshots", Profile::Release, Scope::Lab)?;
    Err(process::exec(screenshots.arg(workspace::root().join("docs/images"))))
}
