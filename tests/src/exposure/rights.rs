use crate::figures::Table;
use anyhow::{Context, Result, ensure};
use caps::Capability;
use lb_user::lab::Agent;
use procfs::process::Process;

pub(super) fn table() -> Table {
    Table::new(&["an agent", "capabilities"])
}

/// Adds what the agent has.
pub(super) fn add(table: &mut Table, name: &str, agent: &Agent) -> Result<()> {
    table.row([name.to_owned(), names(capabilities(agent)?)]);
    Ok(())
}

/// The capabilities of an agent, as a mask (linux/capability.h).
///
/// # Errors
/// When not every thread has the same, or one can get others, or what it starts can.
pub fn capabilities(agent: &Agent) -> Result<u64> {
    let (mut kept, mut seen) = (None, 0);
    for task in Process::new(agent.id().try_into()?)?.tasks()? {
        let status = task?.status()?;
        let own = *kept.get_or_insert(status.capeff);
        let sets = [Some(status.capeff), Some(status.capprm), status.capbnd];
        ensure!(sets == [Some(own); 3], "{}: {sets:x?} instead of {own:x}", status.name);
        let handed_on = status.capinh | status.capamb.unwrap_or(0);
        ensure!(handed_on & !own == 0, "{}: hands on {handed_on:x}", status.name);
        ensure!(status.nonewprivs == Some(1), "{}: may gain rights", status.name);
        seen += 1;
    }
    ensure!(seen > 2, "{seen} threads");
    kept.context("the agent has no threads")
}

fn names(mask: u64) -> String {
    let mut names: Vec<String> = caps::all().iter().filter(|it| mask & it.bitmask() != 0).map(shown).collect();
    names.sort();
    names.join(", ")
}

fn shown(capability: &Capability) -> String {
    format!("`{capability}`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_is_a_list_of_names() {
        assert_eq!(names(1 << 39 | 1 << 12), "`CAP_BPF`, `CAP_NET_ADMIN`");
        assert_eq!(names(0), "");
    }
}
