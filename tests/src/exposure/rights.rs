use crate::figures::Table;
use anyhow::{Context, Result, ensure};
use caps::Capability;
use lb_user::lab::Agent;
use procfs::process::{Process, Status};

pub(super) fn table() -> Table {
    Table::new(&["an agent", "capabilities"])
}

/// Adds what all threads of the agent have.
pub(super) fn add(table: &mut Table, name: &str, agent: &Agent) -> Result<()> {
    let tasks = Process::new(agent.id().try_into()?)?.tasks()?;
    let mut kept = None;
    for task in tasks {
        let status = task?.status()?;
        let own = of(&status)?;
        ensure!(*kept.get_or_insert(own) == own, "{}: its capabilities are not those of other threads", status.name);
    }
    table.row([name.to_owned(), names(kept.context("the agent has no threads")?)]);
    Ok(())
}

/// What a thread has and can ever have, as a mask.
fn of(status: &Status) -> Result<u64> {
    let bound = status.capbnd.context("the kernel does not say what it can ever have")?;
    let is_final = status.nonewprivs == Some(1) && status.capprm == status.capeff && bound & !status.capeff == 0;
    ensure!(is_final, "{} may gain rights", status.name);
    Ok(status.capeff)
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
