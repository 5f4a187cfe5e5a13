//! Programs that the operator names: what they are run with, and that nothing of them is left behind.

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use std::ffi::OsStr;
use std::io;
use std::os::fd::OwnedFd;
use std::process::{ExitStatus, Stdio};
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe::Receiver;
use tokio::process::{Child, Command};

/// What the program finds other programs by.
pub(crate) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// So many of the last bytes that the program says are kept.
const KEPT: usize = 4 << 10;

/// Runs `command`, a program and its arguments, to its end, with nothing in its environment but these `variables` and a path; returns how
/// it ended, and the last that it said. It is killed, with all that it has started, when the caller does not wait for that.
///
/// # Errors
/// When it cannot be started.
pub(crate) async fn run<V: AsRef<OsStr>>(
    command: &[String],
    variables: &[(&str, V)],
) -> io::Result<(ExitStatus, Vec<u8>)> {
    let (group, mut output) = start(command, variables)?;
    group.wait(&mut output).await
}

/// Starts the program in a process group of its own; the pipe has all that it says.
fn start<V: AsRef<OsStr>>(command: &[String], variables: &[(&str, V)]) -> io::Result<(Group, Receiver)> {
    let (program, args) = command.split_first().map_or(("", &[][..]), |(program, args)| (program.as_str(), args));
    let (reader, writer) = io::pipe()?;
    let child = Command::new(program)
        .args(args)
        // Nothing of our own environment, which may hold secrets.
        .env_clear()
        .env("PATH", PATH)
        .envs(variables.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(writer.try_clone()?)
        .stderr(writer)
        .process_group(0)
        .spawn()?;
    let leader = child.id().map(|id| Pid::from_raw(id as i32));
    Ok((Group { child, leader }, Receiver::from_owned_fd(OwnedFd::from(reader))?))
}

/// A program and whatever it started. Nothing of it outlives this.
struct Group {
    child: Child,
    /// Its process, which the group is called after.
    leader: Option<Pid>,
}

impl Group {
    /// Waits until the program exits; returns the last that it said as well.
    async fn wait(mut self, output: &mut Receiver) -> io::Result<(ExitStatus, Vec<u8>)> {
        let (mut said, mut part) = (Vec::new(), [0; KEPT]);
        let status = loop {
            tokio::select! {
                status = self.child.wait() => break status?,
                // A program that closes its output may go on.
                Ok(len @ 1..) = output.read(&mut part) => keep(&mut said, &part[..len]),
            }
        };
        // With all who could say more, so that the pipe has an end.
        drop(self);
        loop {
            match output.read(&mut part).await? {
                0 => return Ok((status, said)),
                len => keep(&mut said, &part[..len]),
            }
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(leader) = self.leader {
            // Just after it was waited for, the number cannot be another's: the kernel goes through all others first.
            let _ = killpg(leader, Signal::SIGKILL);
        }
    }
}

fn keep(said: &mut Vec<u8>, part: &[u8]) {
    said.extend_from_slice(part);
    let surplus = said.len().saturating_sub(KEPT);
    said.drain(..surplus);
}
