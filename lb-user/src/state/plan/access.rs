//! Access lists that nobody needs.

use super::Planner;
use crate::state::{Change, ObservedService};
use lb_common::abi::AccessList;
use std::collections::BTreeSet;

impl Planner<'_> {
    /// Takes away the access lists that no service ever named. Writing them failed, and what there is of them takes room that others need.
    pub(super) fn remove_incomplete_access(&mut self) {
        for list in self.after.access.difference(&self.complete).copied().collect::<Vec<_>>() {
            self.make(Change::RemoveAccess(list));
        }
    }

    /// Takes away the access lists that no service names any more.
    pub(super) fn remove_access(&mut self) {
        let named: BTreeSet<AccessList> = self.after.services.values().filter_map(ObservedService::access).collect();
        for list in self.after.access.difference(&named).copied().collect::<Vec<_>>() {
            self.make(Change::RemoveAccess(list));
        }
    }
}
