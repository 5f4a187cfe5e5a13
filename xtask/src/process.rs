//! Running other programs. Every failure names the command, so that it can be tried by hand.

use std::fmt;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode, ExitStatus, Stdio};

use anyhow::{Context, Error, Result};

/// A command as from a plain shell: what steers the build that calls us must not steer the build of a tool.
pub(crate) fn plain(program: &str, args: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(args);
    for variable in ["CARGO_TARGET_DIR", "CARGO_ENCODED_RUSTFLAGS", "RUSTC", "RUSTFLAGS"] {
        command.env_remove(variable);
    }
    command
}

/// Runs `command` with our terminal, and fails unless it succeeds.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| cannot_start(command))?;
    if status.success() {
        return Ok(());
    }
    let command = shown(command);
    Err(Failed { command, status }.into())
}

/// Becomes `command`: signals, the terminal and the exit code are then its own. Returns only if that fails.
pub(crate) fn exec(command: &mut Command) -> Error {
    let cause = command.exec();
    Error::new(cause).context(cannot_start(command))
}

/// What `command` prints, or nothing if it is not there or fails: for asking what a machine has.
pub(crate) fn query(command: &mut Command) -> Option<String> {
    let output = command.stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

/// `command` as it would be typed.
pub(crate) fn shown(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy()];
    words.extend(command.get_args().map(|arg| arg.to_string_lossy()));
    words.join(" ")
}

pub(crate) fn cannot_start(command: &Command) -> String {
    format!("cannot start `{}`", shown(command))
}

/// A program that ran and was not successful.
#[derive(Debug)]
pub(crate) struct Failed {
    command: String,
    status: ExitStatus,
}

impl Failed {
    /// The program's own exit code, or 1 if a signal ended it.
    pub(crate) fn exit_code(&self) -> ExitCode {
        let code = self.status.code().and_then(|code| u8::try_from(code).ok());
        code.map_or(ExitCode::FAILURE, ExitCode::from)
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` failed ({})", self.command, self.status)
    }
}

impl std::error::Error for Failed {}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_failure_names_the_command_and_keeps_its_exit_code() {
        let error = run(&mut shell("exit 7")).unwrap_err();
        assert!(error.to_string().starts_with("`sh -c exit 7` failed"));
        let code = error.downcast_ref::<Failed>().map(Failed::exit_code);
        assert_eq!(code, Some(ExitCode::from(7)));
    }

    #[test]
    fn a_query_answers_only_when_the_program_succeeds() {
        assert_eq!(query(&mut shell("echo yes")).as_deref(), Some("yes"));
        assert_eq!(query(&mut shell("echo yes; exit 1")), None);
        assert_eq!(query(&mut Command::new("/does/not/exist")), None);
    }
}
