//! What a process does before it holds keys, so that they stay in its memory.

use nix::errno::Errno;
use nix::sys::prctl::set_dumpable;
use nix::sys::resource::{Resource, setrlimit};

/// Why the memory of this process may be written to disk or be read by others of its user.
#[derive(Clone, Copy, Debug, thiserror::Error)]
pub enum Unprotected {
    /// It could leave a core dump.
    #[error(
        "cannot forbid core dumps, which would hold ticket keys: setrlimit(RLIMIT_CORE): {0}; set LimitCORE=0 in the unit"
    )]
    CoreDump(Errno),
    /// It could be traced.
    #[error(
        "cannot hide the memory, which holds ticket keys, from others: prctl(PR_SET_DUMPABLE): {0}; is a seccomp filter in the way?"
    )]
    Tracing(Errno),
}

/// Keeps the memory of this process to itself: no core dump, and no debugger but root's. It cannot be undone for the limit.
///
/// `/proc/PID` then belongs to root; the process still gets at its own. Programs that it starts are as any others, but for the limit.
///
/// # Errors
/// When the kernel refuses: keys do not belong into such a process.
pub fn protect() -> Result<(), Unprotected> {
    setrlimit(Resource::RLIMIT_CORE, 0, 0).map_err(Unprotected::CoreDump)?;
    set_dumpable(false).map_err(Unprotected::Tracing)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::prctl::get_dumpable;
    use nix::sys::resource::getrlimit;

    #[test]
    fn a_protected_process_leaves_no_core_and_reads_what_is_its_own() {
        protect().unwrap();
        assert_eq!(getrlimit(Resource::RLIMIT_CORE), Ok((0, 0)));
        assert_eq!(get_dumpable(), Ok(false));
        assert!(std::fs::read_link("/proc/self/ns/net").is_ok() && std::fs::read_dir("/proc/self/fdinfo").is_ok());
    }
}
