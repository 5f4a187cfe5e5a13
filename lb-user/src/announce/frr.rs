use super::driver::Action;
use super::{Error, command};
use std::net::IpAddr;
use tokio::process::Command;

/// What FRR says of a network that it does not have, in all its versions.
const UNKNOWN: &str = "Can't find";

/// FRR: networks of its BGP router. They are configured while it runs, and not saved.
pub(super) struct Frr {
    as_number: u32,
    program: String,
}

impl Frr {
    pub(super) fn new(as_number: u32) -> Self {
        Self { as_number, program: "vtysh".to_owned() }
    }

    pub(super) async fn make(&self, vip: IpAddr, action: Action) -> Result<(), Error> {
        let mut vtysh = Command::new(&self.program);
        vtysh.args(self.commands(vip, action).iter().flat_map(|command| ["-c", command]));
        match command::run("vtysh", &mut vtysh).await {
            Err(Error::Failed { reason, .. }) if action == Action::Withdraw && reason.contains(UNKNOWN) => Ok(()),
            done => done,
        }
    }

    fn commands(&self, vip: IpAddr, action: Action) -> [String; 4] {
        let (family, length) = if vip.is_ipv4() { ("ipv4", 32) } else { ("ipv6", 128) };
        let no = if action == Action::Withdraw { "no " } else { "" };
        [
            "configure terminal".to_owned(),
            format!("router bgp {}", self.as_number),
            format!("address-family {family} unicast"),
            format!("{no}network {vip}/{length}"),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    /// Runs the driver with a `vtysh` that writes down its arguments and then does `end`; returns these, and what came of it.
    async fn recorded(end: &str, vip: &str, action: Action) -> (String, Result<(), Error>) {
        let folder = tempfile::tempdir().expect("a folder");
        let (program, record) = (folder.path().join("vtysh"), folder.path().join("record"));
        let script = format!("#!/bin/sh\nfor word; do echo \"$word\"; done > {}\n{end}\n", record.display());
        fs::write(&program, script).expect("a script");
        fs::set_permissions(&program, Permissions::from_mode(0o755)).expect("a script");
        let frr = Frr { program: program.display().to_string(), ..Frr::new(65_001) };
        let done = frr.make(vip.parse().expect("an address"), action).await;
        (fs::read_to_string(record).expect("a record").replace('\n', " "), done)
    }

    #[tokio::test]
    async fn a_vip_is_a_network_of_the_router() {
        let (said, done) = recorded("", "192.0.2.10", Action::Announce).await;
        assert_eq!(
            said,
            "-c configure terminal -c router bgp 65001 -c address-family ipv4 unicast -c network 192.0.2.10/32 "
        );
        assert!(done.is_ok());
        let (said, _) = recorded("", "2001:db8::10", Action::Withdraw).await;
        assert!(said.ends_with("-c address-family ipv6 unicast -c no network 2001:db8::10/128 "), "{said}");
    }

    #[tokio::test]
    async fn a_network_that_is_not_there_is_withdrawn() {
        let unknown = "echo \"% Can't find static route specified\"; exit 1";
        assert!(recorded(unknown, "192.0.2.10", Action::Withdraw).await.1.is_ok());
        assert!(recorded(unknown, "192.0.2.10", Action::Announce).await.1.is_err());
        let broken = "echo 'failed to connect to any daemons.'; exit 1";
        assert!(recorded(broken, "192.0.2.10", Action::Withdraw).await.1.is_err());
    }
}
