use super::Error;
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;
use tokio::time::timeout;

/// How long a program may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// As much of what it said last is shown when it fails, in bytes.
const SHOWN: usize = 300;

/// Runs `command` to its end. One that takes too long is killed.
pub(super) async fn run(program: &str, command: &mut Command) -> Result<(), Error> {
    let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let output = timeout(PATIENCE, command.output()).await.map_err(|_| Error::Slow(program.to_owned()))?;
    let output = output.map_err(|source| Error::Run { program: program.to_owned(), source })?;
    if output.status.success() {
        return Ok(());
    }
    let said = if output.stderr.is_empty() { &output.stdout } else { &output.stderr };
    let last = String::from_utf8_lossy(&said[said.len().saturating_sub(SHOWN)..]).trim().replace('\n', " / ");
    let reason = format!("{}: {last}", output.status);
    Err(Error::Failed { program: program.to_owned(), reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn shell(script: &str) -> Result<(), String> {
        run("sh", Command::new("sh").args(["-c", script])).await.map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn a_program_that_fails_is_told_of_with_what_it_said() {
        assert_eq!(shell("echo good").await, Ok(()));
        assert_eq!(shell("echo no such router; exit 3").await, Err("sh: exit status: 3: no such router".to_owned()));
        assert_eq!(shell("echo out; echo err >&2; exit 1").await, Err("sh: exit status: 1: err".to_owned()));
        let missing = run("/nowhere", &mut Command::new("/nowhere")).await;
        assert!(matches!(missing, Err(Error::Run { .. })), "{missing:?}");
    }
}
