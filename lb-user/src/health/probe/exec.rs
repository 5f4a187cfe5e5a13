use super::Error;
use crate::health::target::Target;
use crate::program;

/// Longest line in an error, in characters.
const LINE: usize = 200;

/// Whether the program, which is the first word of `command`, says that the target is healthy: it exits with 0.
pub(super) async fn probe(target: &Target, command: &[String]) -> Result<(), Error> {
    let variables = [
        ("HANDOFF_SERVICE", target.name.service.clone()),
        ("HANDOFF_BACKEND", target.name.backend.clone()),
        ("HANDOFF_ADDRESS", target.address.ip().to_string()),
        ("HANDOFF_PORT", target.address.port().to_string()),
    ];
    let cannot = |source| Error::Start { program: command.first().cloned().unwrap_or_default(), source };
    let (status, said) = program::run(command, &variables).await.map_err(cannot)?;
    if status.success() {
        return Ok(());
    }
    let how = status.code().map_or_else(|| status.to_string(), |code| format!("exit code {code}"));
    Err(Error::Exit { how, last_line: last_line(&said) })
}

/// The last line that is not empty, without what terminals would act upon.
fn last_line(said: &[u8]) -> String {
    let text = String::from_utf8_lossy(said);
    let line = text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default().trim();
    line.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).take(LINE).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Probe;
    use crate::health::probe::testing::{target, told, told_of, told_soon};
    use crate::program::PATH;
    use nix::errno::Errno;
    use nix::sys::signal::kill;
    use nix::unistd::Pid;
    use std::fs;
    use std::net::SocketAddr;
    use std::time::{Duration, Instant};

    fn address() -> SocketAddr {
        "192.0.2.11:8443".parse().expect("an address")
    }

    fn shell(script: &str) -> Probe {
        Probe::Exec(["/bin/sh", "-c", script].map(str::to_owned).to_vec())
    }

    #[tokio::test]
    async fn the_exit_code_decides() {
        assert_eq!(told(address(), shell("echo fine")).await, "");
        assert_eq!(told(address(), shell("exit 3")).await, "exit code 3");
        let error = told(address(), shell("echo asking; printf 'replica \\033[31mlags\\n\\n' >&2; exit 1")).await;
        assert_eq!(error, "exit code 1: replica \u{fffd}[31mlags");
        assert_eq!(told(address(), shell("kill -9 $$")).await, "signal: 9 (SIGKILL)");
        let error = told(address(), Probe::Exec(vec!["/nowhere/check".to_owned()])).await;
        assert_eq!(error, "cannot run /nowhere/check: No such file or directory (os error 2)");
    }

    #[tokio::test]
    async fn the_program_knows_whom_to_ask_and_nothing_else() {
        let error = told(address(), shell("env | grep -v '^PWD=\\|^SHLVL=\\|^_=' | sort | tr '\\n' ' '; exit 1")).await;
        let expected = "HANDOFF_ADDRESS=192.0.2.11 HANDOFF_BACKEND=web-1 HANDOFF_PORT=8443 HANDOFF_SERVICE=web";
        assert_eq!(error, format!("exit code 1: {expected} PATH={PATH}"));
    }

    #[tokio::test]
    async fn nothing_that_the_program_started_outlives_the_probe() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("process");
        for (rest, expected) in [("wait", "no answer within 2s"), ("exit 1", "exit code 1")] {
            let mut target = target(address(), shell(&format!("sleep 600 & echo $! > {}; {rest}", file.display())));
            target.health.timeout = Duration::from_secs(2);
            assert_eq!(told_of(&target).await, expected);
            let text = fs::read_to_string(&file).expect("the program has written it");
            let process = Pid::from_raw(text.trim().parse().expect("a number"));
            let patience = Instant::now() + Duration::from_secs(20);
            while !is_gone(process) {
                assert!(Instant::now() < patience, "{process} is still there: {rest}");
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    }

    /// Whether a process has ended, though nobody may have asked for its exit code.
    fn is_gone(process: Pid) -> bool {
        let is_zombie = |status: String| status.lines().any(|line| line.starts_with("State:") && line.contains('Z'));
        kill(process, None) == Err(Errno::ESRCH)
            || fs::read_to_string(format!("/proc/{process}/status")).map_or(true, is_zombie)
    }

    #[tokio::test]
    async fn endless_output_is_not_kept() {
        assert_eq!(told_soon(address(), shell("while :; do echo y; done")).await, "no answer within 200ms");
        let error = told(address(), shell("i=0; while [ $i -lt 20000 ]; do echo $i; i=$((i+1)); done; exit 1")).await;
        assert_eq!(error, "exit code 1: 19999");
        let long = format!("exit code 1: {}", "x".repeat(LINE));
        assert_eq!(told(address(), shell("head -c 9000 /dev/zero | tr '\\0' x; exit 1")).await, long);
    }
}
