//! `[[service.quic]]`: how connection IDs name back-ends.

use super::Checker;
use crate::config::file;
use crate::config::model::{Protocol, Quic, QuicKey};
use crate::config::problems::Seen;
use std::collections::{BTreeMap, BTreeSet};
use toml::Spanned;

impl Checker<'_> {
    pub(super) fn quic(
        &mut self,
        about: &str,
        service: &file::Service,
        protocol: Option<Protocol>,
    ) -> Option<Vec<Quic>> {
        let about = &format!("{about}: quic");
        if let Some(first) = service.quic.first()
            && protocol.is_some_and(|protocol| protocol != Protocol::Udp)
        {
            self.problems.add(first, format!("{about} needs protocol \"udp\""));
        }
        let backends =
            service.backends.get_ref().iter().map(|backend| backend.get_ref().name.get_ref().as_str()).collect();
        let mut codepoints = Seen::default();
        let checked: Vec<_> = service
            .quic
            .iter()
            .map(|quic| self.quic_of_codepoint(about, quic.get_ref(), &backends, &mut codepoints))
            .collect();
        checked.into_iter().collect()
    }

    fn quic_of_codepoint(
        &mut self,
        about: &str,
        quic: &file::Quic,
        backends: &BTreeSet<&str>,
        codepoints: &mut Seen<u8>,
    ) -> Option<Quic> {
        let codepoint = self.whole(&format!("{about}: codepoint"), &quic.codepoint, Quic::CODEPOINTS);
        if let Some(codepoint) = codepoint {
            codepoints.once(codepoint, &quic.codepoint, &mut self.problems, |line| {
                format!("{about}: codepoint {codepoint} is already taken in line {line}")
            });
        }
        let id_len = self.whole(&format!("{about}: server-id-length"), &quic.server_id_length, Quic::SERVER_ID_LENS);
        let nonce_len = self.whole(&format!("{about}: nonce-length"), &quic.nonce_length, Quic::NONCE_LENS);
        if let (Some(id), Some(nonce)) = (id_len, nonce_len)
            && id + nonce > Quic::MAX_LEN
        {
            let message = format!(
                "{about}: server ID and nonce have {} bytes: a connection ID has room for {}",
                id + nonce,
                Quic::MAX_LEN
            );
            self.problems.add(&quic.nonce_length, message);
        }
        let key = match &quic.key_file {
            None => Some(None),
            Some(name) => self.quic_key(about, name).map(Some),
        };
        // Server IDs can only be judged when their length is right.
        let servers = self.servers(about, quic, id_len?, backends);
        Some(Quic {
            codepoint: codepoint?,
            server_id_len: id_len?,
            nonce_len: nonce_len?,
            key: key?,
            servers: servers?,
        })
    }

    fn servers(
        &mut self,
        about: &str,
        quic: &file::Quic,
        id_len: u8,
        backends: &BTreeSet<&str>,
    ) -> Option<BTreeMap<String, Vec<u8>>> {
        if quic.servers.get_ref().is_empty() {
            let message =
                format!("{about}: servers is empty: give the server IDs of the back-ends, as {{ web-1 = \"0a0b0c\" }}");
            self.problems.add(&quic.servers, message);
        }
        let mut ids = Seen::default();
        let mut checked = Vec::new();
        for (name, digits) in quic.servers.get_ref() {
            let about = format!("{about}: server {:?}", name.get_ref());
            if !backends.contains(name.get_ref().as_str()) {
                self.problems.add(name, format!("{about}: the service has no back-end of this name"));
            }
            let id = self.server_id(&about, digits, id_len);
            if let Some(id) = &id {
                ids.once(id.clone(), digits, &mut self.problems, |line| {
                    format!("{about}: the server ID {:?} is already taken in line {line}", digits.get_ref())
                });
            }
            checked.push(id.map(|id| (name.get_ref().clone(), id)));
        }
        checked.into_iter().collect()
    }

    fn server_id(&mut self, about: &str, digits: &Spanned<String>, len: u8) -> Option<Vec<u8>> {
        match hex::decode(digits.get_ref()) {
            Ok(id) if id.len() == usize::from(len) => Some(id),
            _ => {
                let message = format!(
                    "{about}: {:?} is not a server ID of {len} bytes: use {} hexadecimal digits",
                    digits.get_ref(),
                    2 * len
                );
                self.problems.reject(digits, message)
            }
        }
    }

    /// The key in the file. No message shows anything of its content.
    fn quic_key(&mut self, about: &str, name: &Spanned<String>) -> Option<QuicKey> {
        let key = &format!("{about}: key-file");
        let (path, text) = self.secret(key, name, "/etc/handoff/quic.key")?;
        let checked = QuicKey::from_hex(text.trim());
        if checked.is_none() {
            let digits = 2 * QuicKey::LEN;
            let message = format!(
                "{key} {path:?} does not hold {digits} hexadecimal digits alone: `openssl rand -hex {}` makes a key",
                QuicKey::LEN
            );
            self.problems.add(name, message);
        }
        checked
    }
}
