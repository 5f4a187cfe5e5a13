use super::Error;
use std::fs;

/// What loading, attaching and asking for neighbours need (capabilities(7)), by number.
const NEEDED: [(u32, &str); 3] = [(12, "CAP_NET_ADMIN"), (38, "CAP_PERFMON"), (39, "CAP_BPF")];

/// Checks that the process may do what an agent does.
pub(super) fn check() -> Result<(), Error> {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let missing = missing(&status);
    if missing.is_empty() { Ok(()) } else { Err(Error::Rights { missing: missing.join(", ") }) }
}

/// The capabilities that a process with this `/proc/PID/status` lacks.
fn missing(status: &str) -> Vec<&'static str> {
    let effective = status
        .lines()
        .find_map(|line| line.strip_prefix("CapEff:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(0);
    NEEDED.into_iter().filter(|(number, _)| effective & (1 << number) == 0).map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::missing;

    #[test]
    fn what_is_missing_is_named() {
        assert_eq!(missing("CapEff:\t000001ffffffffff\n"), [""; 0]);
        assert_eq!(missing("CapEff:\t0000000000001000\n"), ["CAP_PERFMON", "CAP_BPF"]);
        assert_eq!(missing(""), ["CAP_NET_ADMIN", "CAP_PERFMON", "CAP_BPF"]);
    }
}
