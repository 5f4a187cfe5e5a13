use super::driver::Action;
use super::{Error, command};
use std::net::IpAddr;
use tokio::process::Command;

/// A program of the operator's, which is told by its environment what to do.
pub(super) struct Hook {
    /// The program and its arguments.
    command: Vec<String>,
}

impl Hook {
    pub(super) fn new(command: &[String]) -> Self {
        Self { command: command.to_vec() }
    }

    pub(super) async fn make(&self, vip: IpAddr, action: Action) -> Result<(), Error> {
        let Some((program, arguments)) = self.command.split_first() else { return Ok(()) };
        let mut hook = Command::new(program);
        hook.args(arguments).env("HANDOFF_VIP", vip.to_string()).env("HANDOFF_ACTION", action.to_string());
        command::run(program, &mut hook).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[tokio::test]
    async fn the_program_is_told_vip_and_action() {
        let folder = tempfile::tempdir().expect("a folder");
        let record = folder.path().join("record");
        let script = "echo \"$HANDOFF_ACTION $HANDOFF_VIP $0\" >> \"$1\"; test $HANDOFF_VIP != 192.0.2.99";
        let hook = Hook::new(&["/bin/sh", "-c", script, "word", &record.display().to_string()].map(str::to_owned));
        let make = async |vip: &str, action| hook.make(vip.parse().expect("a VIP"), action).await;
        assert!(make("192.0.2.10", Action::Announce).await.is_ok());
        assert!(make("2001:db8::10", Action::Withdraw).await.is_ok());
        assert!(make("192.0.2.99", Action::Announce).await.is_err());
        let said = fs::read_to_string(record).expect("a record");
        assert_eq!(said, "announce 192.0.2.10 word\nwithdraw 2001:db8::10 word\nannounce 192.0.2.99 word\n");
    }
}
