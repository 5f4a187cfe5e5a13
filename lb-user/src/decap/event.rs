use super::Change;
use crate::control::types::VerdictCounter;
use serde::Serialize;

/// What there is to tell, while a back-end is set up and runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// What an earlier run had left behind is undone.
    CleanedUp {
        /// What that was.
        changes: Vec<Change>,
    },
    /// Packets reach the servers from now on.
    Ready {
        /// What was changed for it.
        changes: Vec<Change>,
        /// Where the program is attached; nowhere without tunnels.
        attached: Vec<Attached>,
    },
    /// How many packets there were so far.
    Counters {
        /// One element for each verdict.
        counters: Vec<VerdictCounter>,
    },
    /// Everything is as it was before.
    Undone {
        /// What was undone.
        changes: Vec<Change>,
    },
}

/// An interface that the program is attached to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Attached {
    /// The interface.
    pub interface: String,
    /// `native` or `generic`.
    pub mode: &'static str,
}
