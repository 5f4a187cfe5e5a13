//! What the command line may say.

use std::ffi::{OsStr, OsString};
use std::fmt;

pub(crate) const USAGE: &str = "\
Usage: cargo xtask <command>

  setup [--check]        install what building and testing need; --check only reports what is missing
  build [--release]      build the eBPF objects and the `handoff` binary
  run [[--] ARGS]        build and start: `handoff run ARGS` if ARGS has --config, otherwise `handoff lab ARGS`
                         (for 15 seconds if there is no terminal and no --duration)
  test [SUITE [ARGS]]    run one suite, or without SUITE first lint and then all of them;
                         ARGS go to the test programs, for instance a part of a test's name:
                           unit       unit and property tests on this host, no root needed
                           vectors    packet vectors through the host code and the kernel (root)
                           fuzz       fuzz targets: their corpora, and the same variations of them every time, no root needed
                           dist       the packages that `dist` makes, no root needed
                           e2e        network namespaces, the real binary, real connections (root)
                         and, only when it is named:
                           vm         Debian's kernels 6.1 and 6.12 in virtual machines: every program, the vectors, connections in
                                      namespaces (root); --kernel SERIES for one of them, --publish writes docs/kernels.md
  fuzz [TARGET] [--seconds N] [--keep]
                         look for inputs that break a target, or each in turn, for N seconds (600) each: balancer, client_hello,
                         config, decap, flow_table, requests, round_trip, shortcut, ticket_messages; with --keep, then choose
                         fuzz/corpus anew from what was found
  lint [--fix]           check formatting, clippy, the eBPF code's warnings and the documentation
  deny                   check licences, sources, duplicates and, where their database can be had, advisories of all dependencies
  bench [[--] ARGS]      measure the datapath; `cargo xtask bench -- --json FILE` also writes the numbers down
  bench scale [ARGS]     measure costs with more and more services, back-ends, flows and prefixes, and the agent (root); --publish
                         writes docs/performance.md, --json FILE the numbers
  bench peers [ARGS]     measure Handoff beside plain routing, nftables, HAProxy, nginx and IPVS, where the kernel has it (root);
                         --publish writes docs/performance.md, --json FILE the numbers, --help lists the rest
  bench vm [ARGS]        the same without nginx, but with IPVS and over a network interface, on Debian's kernels 6.1 and 6.12 in
                         virtual machines (root); --publish as above
  soak [--minutes N] [--seed S]
                         have everything happen at once, under load, and account for every request and packet (root); --json FILE
                         writes the figures
  security [--publish]   look at what running agents may do and where they can be reached (root); --publish writes docs/security.md
  screenshots            make the pictures of the documentation in docs/images: the dashboard, over a lab with traffic (root)
  dist                   pack the release build into target/dist: a tarball, a Debian package, and their checksums
  help                   show this text

Exit codes: 0 success, 64 wrong usage, otherwise the failed program's own code or 1.";

/// The command line is not one of those in [`USAGE`].
#[derive(Debug)]
pub(crate) struct UsageError(String);

impl UsageError {
    pub(crate) fn new(problem: impl Into<String>) -> Self {
        Self(problem.into())
    }

    pub(crate) fn unexpected(kind: &str, found: &OsStr) -> Self {
        Self::new(format!("unknown {kind} `{}`", found.display()))
    }
}

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; `cargo xtask --help` lists what there is", self.0)
    }
}

impl std::error::Error for UsageError {}

/// Whether `flag` is given, for commands that know nothing but this flag.
pub(crate) fn only_flag(args: &[OsString], flag: &str) -> Result<bool, UsageError> {
    match args.iter().find(|arg| *arg != flag) {
        Some(unknown) => Err(UsageError::unexpected("argument", unknown)),
        None => Ok(!args.is_empty()),
    }
}

/// Refuses `args`, for commands that know none.
pub(crate) fn no_args(args: &[OsString]) -> Result<(), UsageError> {
    args.first().map_or(Ok(()), |unknown| Err(UsageError::unexpected("argument", unknown)))
}

/// `args` without the `--` that may separate them from the command's name.
pub(crate) fn after_separator(args: &[OsString]) -> &[OsString] {
    match args {
        [first, rest @ ..] if first == "--" => rest,
        _ => args,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_is_found_and_anything_else_is_refused() {
        assert!(!only_flag(&[], "--fix").unwrap());
        assert!(only_flag(&["--fix".into()], "--fix").unwrap());
        let error = only_flag(&["--fix".into(), "--fast".into()], "--fix").unwrap_err();
        assert!(error.to_string().starts_with("unknown argument `--fast`"));
    }

    #[test]
    fn only_one_leading_separator_is_taken_away() {
        let args = ["--", "--", "a"].map(OsString::from);
        assert_eq!(after_separator(&args), &args[1..]);
        assert_eq!(after_separator(&args[2..]), &args[2..]);
    }
}
