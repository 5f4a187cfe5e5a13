use super::Error;
use std::fs;

/// A capability (capabilities(7)): its number and its name.
pub(crate) type Capability = (u32, &'static str);

/// To change the network's settings, and to attach programs to it.
pub(crate) const NET_ADMIN: Capability = (12, "CAP_NET_ADMIN");
/// To receive all packets of an interface.
pub(crate) const NET_RAW: Capability = (13, "CAP_NET_RAW");
/// To look at what others have loaded.
pub(crate) const SYS_ADMIN: Capability = (21, "CAP_SYS_ADMIN");
/// To have a program read the network's packets.
pub(crate) const PERFMON: Capability = (38, "CAP_PERFMON");
/// To load programs and make maps.
pub(crate) const BPF: Capability = (39, "CAP_BPF");

/// Checks that the process may do what an agent does: load, attach, and ask for neighbours.
pub(super) fn check() -> Result<(), Error> {
    match lacking(&[NET_ADMIN, PERFMON, BPF]) {
        None => Ok(()),
        Some(missing) => Err(Error::Rights { missing }),
    }
}

/// The names of those capabilities that this process lacks; `None` when it has all of them.
pub(crate) fn lacking(needed: &[Capability]) -> Option<String> {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let missing = missing(needed, &status);
    (!missing.is_empty()).then(|| missing.join(", "))
}

/// The capabilities that a process with this `/proc/PID/status` lacks.
fn missing(needed: &[Capability], status: &str) -> Vec<&'static str> {
    let effective = status
        .lines()
        .find_map(|line| line.strip_prefix("CapEff:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(0);
    needed.iter().filter(|(number, _)| effective & (1 << number) == 0).map(|&(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named() {
        let missing = |status| missing(&[NET_ADMIN, PERFMON, BPF], status);
        assert_eq!(missing("CapEff:\t000001ffffffffff\n"), [""; 0]);
        assert_eq!(missing("CapEff:\t0000000000001000\n"), ["CAP_PERFMON", "CAP_BPF"]);
        assert_eq!(missing(""), ["CAP_NET_ADMIN", "CAP_PERFMON", "CAP_BPF"]);
    }

    #[test]
    fn only_what_is_needed_can_be_missing() {
        assert_eq!(missing(&[NET_ADMIN], "CapEff:\t0000000000001000\n"), [""; 0]);
    }
}
