use super::{Error, Folder, run};
use crate::tickets::{Ring, RingName};

/// A program of the operator's, which makes a server use the three files in the folder. It gets to know which ring they are; the keys are
/// neither in its environment nor among its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::tickets::node) struct Exec {
    /// The program and its arguments.
    pub(in crate::tickets::node) command: Vec<String>,
    /// What the ring is called.
    pub(in crate::tickets::node) ring: RingName,
}

impl Exec {
    pub(super) async fn apply(&self, folder: &Folder, ring: &Ring) -> Result<(), Error> {
        let variables = [
            ("HANDOFF_RING", self.ring.to_string().into()),
            ("HANDOFF_TERM", ring.version.term.to_string().into()),
            ("HANDOFF_EPOCH", ring.version.epoch.to_string().into()),
            ("HANDOFF_FOLDER", folder.path().as_os_str().to_owned()),
        ];
        run(&self.command, &variables).await
    }
}
