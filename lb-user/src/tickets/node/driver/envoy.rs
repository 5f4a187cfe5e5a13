use super::KeyFile;
use super::encoded::{self, append};
use crate::tickets::Ring;
use zeroize::Zeroizing;

/// Envoy. It watches the file, takes what is renamed into its place, and keeps what it has when it cannot use that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::tickets::node) struct Envoy {
    /// What the secret is called in Envoy's configuration. It has to be a word that needs no escapes in JSON.
    pub(in crate::tickets::node) secret: String,
}

impl Envoy {
    /// A discovery response (SDS). The first key encrypts.
    pub(super) fn file(&self, ring: &Ring) -> KeyFile {
        let head = format!(
            r#"{{"resources":[{{"@type":"type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret","name":"{}","session_ticket_keys":{{"keys":["#,
            self.secret
        );
        let parts = [
            (r#"{"inline_bytes":""#, &ring.active),
            (r#""},{"inline_bytes":""#, &ring.next),
            (r#""},{"inline_bytes":""#, &ring.old),
        ];
        let tail = "\"}]}}]}\n";
        let size = parts.iter().map(|(before, _)| before.len() + encoded::SIZE).sum::<usize>();
        let mut content = Zeroizing::new(Vec::with_capacity(head.len() + size + tail.len()));
        content.extend_from_slice(head.as_bytes());
        for (before, slot) in parts {
            content.extend_from_slice(before.as_bytes());
            append(&mut content, slot.key.bytes());
        }
        content.extend_from_slice(tail.as_bytes());
        KeyFile { name: "sds.json", content }
    }
}
