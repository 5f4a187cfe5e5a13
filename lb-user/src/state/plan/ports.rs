//! Ports that lead to services with several.

use super::Planner;
use crate::state::{Change, Desired};
use std::collections::BTreeMap;

impl Planner<'_> {
    /// Leads ports to their services: to new ones first, so that no packet is lost between.
    pub(super) fn ports(&mut self, desired: &Desired) {
        let services = desired.services.iter().filter(|(key, _)| self.after.services.contains_key(key));
        let wanted: BTreeMap<_, _> =
            services.flat_map(|(key, service)| service.ports.iter().map(|&prefix| (prefix, key.port))).collect();
        for (&prefix, &first) in &wanted {
            if self.after.ports.get(&prefix) != Some(&first) {
                self.make(Change::SetPorts { prefix, first });
            }
        }
        for prefix in self.after.ports.keys().filter(|prefix| !wanted.contains_key(prefix)).copied().collect::<Vec<_>>()
        {
            self.make(Change::RemovePorts(prefix));
        }
    }
}
