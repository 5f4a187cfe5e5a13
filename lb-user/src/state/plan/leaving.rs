//! Back-ends that should be no more.

use super::Planner;
use crate::state::Change;
use lb_common::abi::{Backend, BackendState, Ticks, ticks_between};
use std::collections::BTreeSet;

impl Planner<'_> {
    /// Marks the back-ends that no service wants any more.
    pub(super) fn leave(&mut self, now: Ticks) {
        for (slot, backend) in self.after.backends.clone() {
            if backend.state == BackendState::ACTIVE && !self.wanted.contains(&slot) {
                let backend = Backend { state: BackendState::LEAVING, leaving_since: now, ..backend };
                self.make(Change::SetBackend { slot, backend });
            }
        }
    }

    /// Frees the slots of back-ends whose grace is over. The next generation makes packets of their flows strangers, also
    /// those that are decided while the flows are being forgotten.
    pub(super) fn free_after_grace(&mut self, grace: Ticks, now: Ticks) {
        let mut freed = BTreeSet::new();
        for (slot, backend) in self.after.backends.clone() {
            let has_grace = ticks_between(backend.leaving_since, now) < grace && !self.ended.contains(&slot);
            let is_over = backend.state == BackendState::LEAVING && !has_grace;
            if is_over && !self.is_on_ring(slot, backend.service) {
                let generation = backend.generation.wrapping_add(1);
                self.make(Change::SetBackend { slot, backend: Backend { generation, ..Backend::FREE } });
                freed.insert(slot);
            }
        }
        if !freed.is_empty() {
            self.make(Change::ForgetFlows { slots: freed });
        }
    }

    /// Whether a ring names the back-end, though it is leaving: one that was kept because new ones found no room.
    pub(super) fn is_on_ring(&self, slot: u16, service: u32) -> bool {
        let mut services = self.after.services.values().filter(|it| it.service.id == service);
        services.any(|it| it.ring.contains(&slot) || it.consistent.contains(&slot))
    }
}
