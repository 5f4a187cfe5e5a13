use crate::figures::Table;
use anyhow::{Context, Result};
use lb_user::lab::Agent;
use procfs::net::{TcpState, UdpState};
use procfs::process::{FDTarget, Process};
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;

pub(super) fn table() -> Table {
    Table::new(&["an agent", "Unix sockets", "TCP", "UDP"])
}

/// Adds the sockets on which the agent takes in others.
pub(super) fn add(table: &mut Table, name: &str, agent: &Agent) -> Result<()> {
    let process = Process::new(agent.id().try_into()?)?;
    let mut own = BTreeSet::new();
    for file in process.fd()? {
        if let FDTarget::Socket(inode) = file?.target {
            own.insert(inode);
        }
    }
    let mut unix = BTreeSet::new();
    for path in process.unix()?.into_iter().filter(|socket| own.contains(&socket.inode)).filter_map(|it| it.path) {
        let mode = fs::metadata(&path).with_context(|| path.display().to_string())?.permissions().mode() & 0o7777;
        let name = path.file_name().context("a socket has a name")?.to_string_lossy().into_owned();
        unix.insert(format!("`{name}`, mode {mode:04o}"));
    }
    let tcp = process.tcp()?.into_iter().chain(process.tcp6()?);
    let tcp = tcp.filter(|socket| socket.state == TcpState::Listen && own.contains(&socket.inode));
    let udp = process.udp()?.into_iter().chain(process.udp6()?);
    // A connected one takes in nobody but its peer.
    let udp = udp.filter(|socket| socket.state != UdpState::Established && own.contains(&socket.inode));
    let (tcp, udp): (BTreeSet<_>, BTreeSet<_>) =
        (tcp.map(|it| it.local_address).collect(), udp.map(|it| it.local_address).collect());
    table.row([name.to_owned(), shown(&unix), shown(&tcp), shown(&udp)]);
    Ok(())
}

fn shown<T: ToString>(all: &BTreeSet<T>) -> String {
    let all: Vec<_> = all.iter().map(ToString::to_string).collect();
    if all.is_empty() { "none".to_owned() } else { all.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_said_to_be_nothing() {
        assert_eq!(shown(&BTreeSet::<u8>::new()), "none");
        assert_eq!(shown(&BTreeSet::from([2, 1])), "1, 2");
    }
}
