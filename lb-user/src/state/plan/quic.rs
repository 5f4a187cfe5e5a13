//! Whom QUIC connection IDs mean.

use super::Planner;
use crate::state::{Change, DesiredService};
use lb_common::abi::{BackendState, QuicKey, QuicServer, QuicServerKey};

impl Planner<'_> {
    /// Says whom QUIC connection IDs mean: first who is who, then how to read them.
    pub(super) fn quic(&mut self, service: u32, desired: &DesiredService) {
        for quic in &desired.quic {
            for &(server, address) in &quic.servers {
                let key = QuicServerKey { server, service, padding: 0 };
                let slots = [&self.slots, &self.new_slots];
                let slot = slots.iter().find_map(|slots| slots.get(&(service, address)).copied());
                let Some(slot) = slot.filter(|slot| !self.ended.contains(slot)) else { continue };
                let generation = self.after.backends.get(&slot).map_or(0, |backend| backend.generation);
                let server = QuicServer { slot, generation };
                self.wanted_servers.insert(key);
                if self.after.quic_servers.get(&key) != Some(&server) {
                    self.make(Change::SetQuicServer { key, server });
                }
            }
            let key = QuicKey { service, codepoint: quic.codepoint.into() };
            self.wanted_quic.insert(key);
            if self.after.quic.get(&key) != Some(&quic.config) {
                self.make(Change::SetQuic { key, config: quic.config.clone() });
            }
        }
    }

    /// Takes away what connection IDs mean no more. Those of a back-end that is leaving still lead to it.
    pub(super) fn remove_quic(&mut self) {
        let gone = |key: &&QuicKey| !self.wanted_quic.contains(key);
        for key in self.after.quic.keys().filter(gone).copied().collect::<Vec<_>>() {
            self.make(Change::RemoveQuic(key));
        }
        let is_used = |key: &QuicServerKey, server: &QuicServer| {
            let backend = self.after.backends.get(&server.slot);
            self.wanted_servers.contains(key)
                || backend.is_some_and(|backend| {
                    backend.state == BackendState::LEAVING && backend.generation == server.generation
                })
        };
        let gone = self.after.quic_servers.iter().filter(|(key, server)| !is_used(key, server));
        for key in gone.map(|(&key, _)| key).collect::<Vec<_>>() {
            self.make(Change::RemoveQuicServer(key));
        }
    }
}
