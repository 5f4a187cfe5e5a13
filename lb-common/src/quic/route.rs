//! From a connection ID to the server that issued it, and the way back.

use super::block::from_words;
use super::config::{Encoding, MAX_PLAINTEXT_LEN, QuicConfig};
use super::connection_id::{ConnectionId, Rest, UNROUTABLE};
use super::four_pass;
use super::server_id::ServerId;

/// The server that issued a connection ID under `config`, the configuration of its codepoint (5.5). `None` when it is unroutable
/// (4.1). So it is, too, when there turns out to be no such server.
#[inline(always)]
pub fn server_id(config: &QuicConfig, connection_id: &ConnectionId) -> Option<ServerId> {
    if connection_id.codepoint() == UNROUTABLE || connection_id.len <= config.plaintext_len() {
        return None;
    }
    let plaintext = match config.encoding {
        Encoding::PLAINTEXT => connection_id.rest.block,
        Encoding::SINGLE_PASS => config.keys.decrypt(connection_id.rest.block),
        Encoding::FOUR_PASS => four_pass::decrypt(config, connection_id.rest),
        _ => return None,
    };
    let server_id = plaintext & from_words(config.server_id_mask);
    Some(ServerId::from_block(connection_id.codepoint(), server_id, config.server_id_len))
}

/// The low five bits of a connection ID's first octet (3.3). The balancer does not look at them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LowBits {
    /// How many octets follow.
    Length,
    /// A random number: what is above its five bits is cut off.
    Random(u8),
}

/// The connection ID that a server issues with this nonce (5.4). `None` when server id or nonce are not as long as `config` says.
///
/// The balancer issues none: this is for servers, and to check them. A nonce must be used only once, and in the clear it must look
/// random (9.6).
pub fn connection_id(
    config: &QuicConfig,
    server_id: &ServerId,
    nonce: &[u8],
    low_bits: LowBits,
) -> Option<ConnectionId> {
    let server_id_len = usize::from(config.server_id_len);
    if server_id.octet_count() != server_id_len || nonce.len() != usize::from(config.nonce_len) {
        return None;
    }
    let mut octets = [0; MAX_PLAINTEXT_LEN];
    let (id, rest) = octets.split_at_mut(server_id_len);
    id.copy_from_slice(&server_id.octets()[..server_id_len]);
    rest[..nonce.len()].copy_from_slice(nonce);
    let plaintext = Rest::from_octets(octets);
    let rest = match config.encoding {
        Encoding::PLAINTEXT => plaintext,
        Encoding::SINGLE_PASS => Rest { block: config.keys.encrypt(plaintext.block), ..plaintext },
        Encoding::FOUR_PASS => four_pass::encrypt(config, plaintext),
        _ => return None,
    };
    let low_bits = match low_bits {
        LowBits::Length => config.plaintext_len(),
        LowBits::Random(bits) => bits & 0x1f,
    };
    let len = config.plaintext_len() + 1;
    Some(ConnectionId { first: server_id.codepoint() << 5 | low_bits, rest, len, may_be_client_chosen: false })
}
