//! What the process may do: what an agent needs, and giving up the rest.

use super::Error;
use crate::config::Config;
use caps::{CapSet, Capability, CapsHashSet};
use nix::sys::prctl::set_no_new_privs;
use std::io;

/// What loads the program and makes its maps, lets it read packets, attaches it, and asks for neighbours.
const NEEDED: [Capability; 3] = [Capability::CAP_NET_ADMIN, Capability::CAP_PERFMON, Capability::CAP_BPF];

/// What an agent uses if it has it, and does its work without: raw sockets announce VIPs on a segment; the others are root's, for ports below
/// 1,024 and for files of the user that the unit runs it as.
const USED: [Capability; 5] = [
    Capability::CAP_NET_RAW,
    Capability::CAP_NET_BIND_SERVICE,
    Capability::CAP_DAC_OVERRIDE,
    Capability::CAP_CHOWN,
    Capability::CAP_FOWNER,
];

/// Checks that the process may do what an agent does: load, attach, and ask for neighbours.
pub(super) fn check() -> Result<(), Error> {
    match lacking(&NEEDED) {
        None => Ok(()),
        Some(missing) => Err(Error::Rights { missing }),
    }
}

/// The names of those capabilities that this thread lacks; `None` when it has all of them.
pub(crate) fn lacking(needed: &[Capability]) -> Option<String> {
    let missing = |capability: &&Capability| !caps::has_cap(None, CapSet::Effective, **capability).unwrap_or(false);
    let missing: Vec<String> = needed.iter().filter(missing).map(Capability::to_string).collect();
    (!missing.is_empty()).then(|| missing.join(", "))
}

/// Gives up, for good and for every program that the agent starts, what an agent for `config` never uses: of root's rights, to load modules, to
/// mount, to trace other processes, to become another user, and so on.
///
/// Capabilities are a thread's own, so it must be called before there is a second one.
///
/// # Errors
/// When the kernel refuses.
pub fn give_up_others(config: &Config) -> Result<(), Error> {
    let kept = kept(config.measure_run_time);
    restrict(&kept).map_err(|error| Error::GivingUp { source: io::Error::other(error) })?;
    set_no_new_privs().map_err(|error| Error::GivingUp { source: error.into() })
}

/// What an agent keeps. Only measuring run times takes the right that is nearly root's.
fn kept(measures_run_time: bool) -> CapsHashSet {
    let measuring = measures_run_time.then_some(Capability::CAP_SYS_ADMIN);
    NEEDED.into_iter().chain(USED).chain(measuring).collect()
}

fn restrict(kept: &CapsHashSet) -> Result<(), caps::errors::CapsError> {
    // The bound is for those who may set it: whoever may not, as under the unit, cannot gain anything either.
    if caps::has_cap(None, CapSet::Effective, Capability::CAP_SETPCAP)? {
        for other in caps::read(None, CapSet::Bounding)?.difference(kept) {
            caps::drop(None, CapSet::Bounding, *other)?;
        }
    }
    for set in [CapSet::Inheritable, CapSet::Effective, CapSet::Permitted] {
        let held = caps::read(None, set)?;
        caps::set(None, set, &held.intersection(kept).copied().collect())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    /// Of a thread of its own: nothing of it stays. As root it drops something, as anybody else there is nothing to drop.
    fn in_a_thread<T: Send>(run: impl FnOnce() -> T + Send) -> T {
        thread::scope(|scope| scope.spawn(run).join().unwrap())
    }

    #[test]
    fn nothing_but_what_is_kept_is_left() {
        let left = in_a_thread(|| {
            restrict(&kept(false)).unwrap();
            [CapSet::Effective, CapSet::Permitted, CapSet::Inheritable].map(|set| caps::read(None, set).unwrap())
        });
        assert!(left.iter().all(|set| set.is_subset(&kept(false))), "{left:?}");
    }

    #[test]
    fn what_was_held_of_it_stays() {
        let (before, after) = in_a_thread(|| {
            let before = caps::read(None, CapSet::Effective).unwrap();
            restrict(&kept(true)).unwrap();
            (before, caps::read(None, CapSet::Effective).unwrap())
        });
        assert_eq!(after, before.intersection(&kept(true)).copied().collect());
    }

    #[test]
    fn what_is_missing_is_named() {
        let missing = in_a_thread(|| {
            caps::clear(None, CapSet::Effective).unwrap();
            lacking(&NEEDED)
        });
        assert_eq!(missing.as_deref(), Some("CAP_NET_ADMIN, CAP_PERFMON, CAP_BPF"));
        assert_eq!(lacking(&[]), None);
    }
}
