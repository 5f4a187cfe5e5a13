use super::Error;
use aya::sys::{Stats, enable_stats};
use std::fs;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

/// What the kernel measured of a program: it does while its BPF statistics are on (`agent: measure-run-time`, or the sysctl
/// `kernel.bpf_stats_enabled`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunTime {
    /// Packets that it ran for.
    pub packets: u64,
    /// Nanoseconds that it took for all of them.
    pub nanoseconds: u64,
}

/// Has the kernel measure the run time of all BPF programs, as long as the descriptor is held.
///
/// # Errors
/// When the kernel refuses.
pub fn measure_run_time() -> Result<OwnedFd, Error> {
    enable_stats(Stats::RunTime).map_err(|source| Error::Statistics { source: Box::new(source) })
}

impl RunTime {
    /// That of the program behind `program`; `None` when nothing was measured.
    pub(super) fn of(program: BorrowedFd<'_>) -> Option<Self> {
        let text = fs::read_to_string(format!("/proc/self/fdinfo/{}", program.as_raw_fd())).ok()?;
        Self::parse(&text)
    }

    /// Reads what the kernel says of a program's descriptor, a key and a value a line.
    fn parse(text: &str) -> Option<Self> {
        let value = |key: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
            line.trim().parse().ok()
        };
        let measured = Self { packets: value("run_cnt")?, nanoseconds: value("run_time_ns")? };
        (measured.packets > 0).then_some(measured)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn run_time_is_read_from_what_the_kernel_says() {
        let text = "pos:\t0\nprog_type:\t6\nrun_time_ns:\t2500\nrun_cnt:\t100\nverified_insns:\t7\n";
        assert_eq!(RunTime::parse(text), Some(RunTime { packets: 100, nanoseconds: 2_500 }));
        assert_eq!(RunTime::parse("run_time_ns:\t0\nrun_cnt:\t0\n"), None, "statistics are off");
        assert_eq!(RunTime::parse("pos:\t0\n"), None);
    }
}
