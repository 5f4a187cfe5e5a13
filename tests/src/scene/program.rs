use std::env;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::process::{Command, Output};

/// The program under test: the one that `HANDOFF_BIN` names, otherwise the release build next to the tests.
pub fn program() -> PathBuf {
    env::var_os("HANDOFF_BIN").map_or_else(release_build, PathBuf::from)
}

/// The program under test with these arguments. It logs nothing but errors.
pub fn handoff(args: &[&str]) -> Command {
    let mut command = Command::new(program());
    command.args(args).env("RUST_LOG", "error");
    command
}

/// `command` without root's rights. It may still read every file, wherever the tests were built.
pub fn as_nobody(command: &Command) -> Command {
    let mut nobody = Command::new("setpriv");
    nobody.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
    nobody.args(["--inh-caps=-all,+dac_read_search", "--ambient-caps=-all,+dac_read_search"]);
    nobody.arg(command.get_program()).args(command.get_args());
    for (key, value) in command.get_envs() {
        nobody.env(key, value.unwrap_or_default());
    }
    nobody
}

/// How a program ended, and what it said.
#[derive(Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Its exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// What it wrote to standard output.
    pub stdout: String,
    /// What it wrote to standard error.
    pub stderr: String,
}

impl Outcome {
    /// How the program under test ends that refuses to work: with this exit code and this error, and nothing else to say.
    pub fn refusal(code: i32, error: &str) -> Self {
        Self { code: Some(code), stdout: String::new(), stderr: format!("handoff: {error}\n") }
    }
}

impl fmt::Debug for Outcome {
    /// The texts as they are: a failed comparison should show what an operator would see.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exit code {:?}\nstdout:\n{}\nstderr:\n{}\n", self.code, self.stdout, self.stderr)
    }
}

impl From<Output> for Outcome {
    fn from(output: Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }
}

/// Runs `command` to its end.
///
/// # Errors
/// When it cannot be started.
pub fn outcome(command: &mut Command) -> io::Result<Outcome> {
    command.output().map(Outcome::from)
}

/// Test programs are in `target/PROFILE/deps`.
fn release_build() -> PathBuf {
    let test = env::current_exe().unwrap_or_default();
    test.ancestors().nth(3).map(|target| target.join("release/handoff")).unwrap_or_default()
}
