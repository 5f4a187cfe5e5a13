//! What holds for the whole program, and VIPs.

use super::Planner;
use crate::state::{Change, Desired};
use lb_common::abi::{Address, BackendState};
use std::collections::BTreeSet;

impl Planner<'_> {
    /// Comes first, so that new VIPs are known in time, and last, when others may have had their time.
    pub(super) fn settings(&mut self, desired: &Desired) {
        let mut settings = desired.settings;
        // Live flows of a service that is gone may end in peace: its VIP stays known as long as its back-ends do.
        if let Some(current) = self.after.settings
            && self.has_orphans(desired)
        {
            settings.vips.extend(&current.vips);
        }
        if self.after.settings != Some(settings) {
            self.make(Change::SetSettings(Box::new(settings)));
        }
    }

    /// Whether there are back-ends of services that should not be.
    pub(super) fn has_orphans(&self, desired: &Desired) -> bool {
        let kept = desired.services.keys().filter_map(|key| self.after.services.get(key));
        let kept: BTreeSet<u32> = kept.map(|service| service.service.id).collect();
        let mut in_use = self.after.backends.values().filter(|backend| backend.state != BackendState::FREE);
        in_use.any(|backend| !kept.contains(&backend.service))
    }

    pub(super) fn add_vips(&mut self, desired: &Desired) {
        for key in desired.services.keys() {
            if !self.after.vips.contains(&key.address) {
                self.make(Change::AddVip(key.address));
            }
        }
    }

    pub(super) fn remove_vips(&mut self, desired: &Desired) {
        if self.has_orphans(desired) {
            return;
        }
        let vips: BTreeSet<Address> = desired.services.keys().map(|key| key.address).collect();
        for address in self.after.vips.difference(&vips).copied().collect::<Vec<_>>() {
            self.make(Change::RemoveVip(address));
        }
    }
}
