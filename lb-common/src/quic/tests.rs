//! The draft's vectors, and what holds for every configuration.

use super::*;
use ::aes::Aes128;
use ::aes::cipher::{BlockCipherEncrypt, KeyInit};
use proptest::collection::vec;
use proptest::prelude::*;
use std::format;
use std::vec::Vec;

/// Codepoint, server id, nonce and connection ID. All servers of the draft's vectors encode the length.
type Vector = (u8, &'static str, &'static str, &'static str);

#[test]
fn the_drafts_unencrypted_connection_ids() {
    // Appendix B.1. The draft prints the second nonce without its first digit, 0, and the connection ID with a 0 in the wrong place.
    let vectors: [Vector; 2] =
        [(0, "c4605e", "4504cc4f", "07c4605e4504cc4f"), (1, "350d28b420", "03487d970b", "2a350d28b42003487d970b")];
    vectors.into_iter().for_each(|vector| check(vector, None));
}

#[test]
fn the_drafts_encrypted_connection_ids() {
    // Appendix B.2: three passes to decipher, four, a single one, three. The draft names the last one's codepoint 3, and encodes 0.
    let vectors: [Vector; 4] = [
        (0, "ed793a", "ee080dbf", "0720b1d07b359d3c"),
        (1, "ed793a51d49b8f5fab65", "ee080dbf48", "2fcc381bc74cb4fbad2823a3d1f8fed2"),
        (2, "ed793a51d49b8f5f", "ee080dbf48c0d1e5", "504dd2d05a7b0de9b2b9907afb5ecf8cc3"),
        (0, "ed793a51d49b8f5fab", "ee080dbf48c0d1e55d", "125779c9cc86beb3a3a4a3ca96fce4bfe0cdbc"),
    ];
    vectors.into_iter().for_each(|vector| check(vector, Some(0x8f95f09245765f80256934e50c66207f)));
}

#[test]
fn the_drafts_example_of_four_passes() {
    // Section 5.4.2.4.
    check((0, "31441a", "9c69c275", "0767947d29be054a"), Some(0xfdf726a9893ec05c0632d3956680baf0));
}

fn check((codepoint, id, nonce, expected): Vector, key: Option<u128>) {
    let (id, nonce, expected) = (from_hex(id), from_hex(nonce), from_hex(expected));
    let config = QuicConfig::new(id.len(), nonce.len(), key.map(u128::to_be_bytes)).expect("lengths of the draft");
    let id = ServerId::new(codepoint, &id).expect("a server id of the draft");
    let issued = connection_id(&config, &id, &nonce, LowBits::Length).expect("lengths as configured");
    assert_eq!(to_vec(&issued), expected, "{id:?}");
    assert_eq!(server_id(&config, &issued), Some(id));
}

fn from_hex(digits: &str) -> Vec<u8> {
    let octet = |at| u8::from_str_radix(&digits[at..at + 2], 16).expect("hexadecimal digits");
    (0..digits.len()).step_by(2).map(octet).collect()
}

fn to_vec(connection_id: &ConnectionId) -> Vec<u8> {
    let (octets, len) = connection_id.octets();
    octets[..len].to_vec()
}

#[test]
fn lengths_that_the_draft_does_not_allow() {
    for (server_id_len, nonce_len) in [(0, 4), (1, 3), (15, 5), (16, 4), (1, 19), (usize::MAX, 4), (4, usize::MAX)] {
        assert_eq!(QuicConfig::new(server_id_len, nonce_len, None), None, "{server_id_len} and {nonce_len}");
    }
    assert!(QuicConfig::new(1, 18, None).is_some() && QuicConfig::new(15, 4, None).is_some());
}

#[test]
fn a_server_id_has_1_to_15_octets_and_a_codepoint_below_7() {
    let server_id = |codepoint, len| ServerId::new(codepoint, &[0xab; 16][..len]);
    assert!(server_id(6, 1).is_some() && server_id(0, 15).is_some());
    assert_eq!([server_id(0, 0), server_id(0, 16), server_id(UNROUTABLE, 3)], [None; 3]);
}

#[test]
fn server_ids_of_other_codepoints_and_lengths_are_others() {
    let ids = [(0, &[1][..]), (1, &[1]), (0, &[1, 0])].map(|(codepoint, octets)| ServerId::new(codepoint, octets));
    assert!(ids[0] != ids[1] && ids[0] != ids[2] && ids[1] != ids[2]);
}

#[test]
fn a_server_id_shows_its_codepoint_and_octets() {
    let id = ServerId::new(5, &[0x0a, 0, 0xff]).expect("3 octets");
    assert_eq!(format!("{id:?}"), "ServerId(5, 0a00ff)");
}

#[test]
fn a_configuration_does_not_show_its_key() {
    let text = |key| format!("{:?}", QuicConfig::new(3, 4, Some([key; 16])));
    assert_eq!(text(1), text(2));
}

#[test]
fn nothing_is_routed_without_a_configuration() {
    let all_lengths = (1..=MAX_CONNECTION_ID_LEN).map(|len| ConnectionId::new(&[0; MAX_CONNECTION_ID_LEN][..len]));
    for connection_id in all_lengths {
        assert_eq!(server_id(&QuicConfig::NONE, &connection_id.expect("up to 20 octets")), None);
    }
}

#[test]
fn nothing_is_issued_with_other_lengths_than_configured() {
    let config = QuicConfig::new(3, 4, None).expect("allowed lengths");
    let issue = |id: &[u8], nonce: &[u8]| {
        connection_id(&config, &ServerId::new(0, id).expect("a server id"), nonce, LowBits::Length)
    };
    assert!(issue(&[1; 3], &[2; 4]).is_some());
    assert_eq!([issue(&[1; 2], &[2; 4]), issue(&[1; 3], &[2; 5]), issue(&[1; 4], &[2; 3])], [None; 3]);
}

/// A configuration with what a server puts into a connection ID.
#[derive(Debug)]
struct Server {
    config: QuicConfig,
    key: Option<[u8; 16]>,
    id: ServerId,
    plaintext: Vec<u8>,
    nonce: Vec<u8>,
}

impl Server {
    fn issue(&self, low_bits: LowBits) -> ConnectionId {
        connection_id(&self.config, &self.id, &self.nonce, low_bits).expect("lengths as configured")
    }
}

fn servers() -> impl Strategy<Value = Server> {
    let lengths =
        (1..=MAX_SERVER_ID_LEN).prop_flat_map(|id_len| (Just(id_len), MIN_NONCE_LEN..=MAX_PLAINTEXT_LEN - id_len));
    let octets = lengths.prop_flat_map(|(id_len, nonce_len)| (Just(id_len), vec(any::<u8>(), id_len + nonce_len)));
    (octets, any::<Option<[u8; 16]>>(), 0..UNROUTABLE).prop_map(|((id_len, plaintext), key, codepoint)| {
        let (id, nonce) = plaintext.split_at(id_len);
        Server {
            config: QuicConfig::new(id.len(), nonce.len(), key).expect("allowed lengths"),
            key,
            id: ServerId::new(codepoint, id).expect("an allowed length"),
            nonce: nonce.to_vec(),
            plaintext,
        }
    })
}

proptest! {
    #[test]
    fn a_connection_id_leads_to_its_server(server in servers(), low_bits: u8) {
        let issued = server.issue(LowBits::Random(low_bits));
        prop_assert_eq!(issued.codepoint(), server.id.codepoint());
        prop_assert_eq!(server_id(&server.config, &issued), Some(server.id));
    }

    #[test]
    fn connection_ids_are_the_drafts_word_for_word(server in servers()) {
        let first = server.id.codepoint() << 5 | server.plaintext.len() as u8;
        let rest = match server.key {
            Some(key) => encrypted(key, &server.plaintext),
            None => server.plaintext.clone(),
        };
        prop_assert_eq!(to_vec(&server.issue(LowBits::Length)), [&[first], &rest[..]].concat());
    }

    #[test]
    fn a_server_may_append_octets(server in servers(), more in vec(any::<u8>(), 0..16)) {
        let mut octets = to_vec(&server.issue(LowBits::Length));
        octets.extend(more);
        octets.truncate(MAX_CONNECTION_ID_LEN);
        let longer = ConnectionId::new(&octets).expect("20 octets at most");
        prop_assert_eq!(server_id(&server.config, &longer), Some(server.id));
    }

    #[test]
    fn a_shorter_connection_id_is_unroutable(server in servers(), missing in 1..20usize) {
        let octets = to_vec(&server.issue(LowBits::Length));
        if let Some(shorter) = ConnectionId::new(&octets[..octets.len().saturating_sub(missing)]) {
            prop_assert_eq!(server_id(&server.config, &shorter), None);
        }
    }

    #[test]
    fn codepoint_7_is_unroutable(server in servers()) {
        let mut octets = to_vec(&server.issue(LowBits::Length));
        octets[0] |= UNROUTABLE << 5;
        let unroutable = ConnectionId::new(&octets).expect("20 octets at most");
        prop_assert_eq!(unroutable.codepoint(), UNROUTABLE);
        prop_assert_eq!(server_id(&server.config, &unroutable), None);
    }
}

/// Sections 5.4.1 and 5.4.2, on octets as they are written there, by another implementation of AES.
fn encrypted(key: [u8; 16], plaintext: &[u8]) -> Vec<u8> {
    let aes = |block: [u8; 16]| {
        let mut block = block.into();
        Aes128::new(&key.into()).encrypt_block(&mut block);
        <[u8; 16]>::from(block)
    };
    let len = plaintext.len();
    if let Ok(block) = plaintext.try_into() {
        return aes(block).to_vec();
    }
    let is_odd = len % 2 == 1;
    let half_len = len.div_ceil(2);
    let clear_last_bits = |half: &mut [u8]| half[half_len - 1] &= if is_odd { 0xf0 } else { 0xff };
    let clear_first_bits = |half: &mut [u8]| half[0] &= if is_odd { 0x0f } else { 0xff };
    let mut left = plaintext[..half_len].to_vec();
    let mut right = plaintext[len - half_len..].to_vec();
    clear_last_bits(&mut left);
    clear_first_bits(&mut right);
    for pass in 1..=4 {
        let (from, to) = if pass % 2 == 1 { (&left, &mut right) } else { (&right, &mut left) };
        let mut expanded = [0; 16];
        expanded[..half_len].copy_from_slice(from);
        expanded[14..].copy_from_slice(&[len as u8, pass]);
        to.iter_mut().zip(aes(expanded)).for_each(|(octet, more)| *octet ^= more);
        clear_last_bits(&mut left);
        clear_first_bits(&mut right);
    }
    if is_odd {
        right[0] |= left.pop().expect("at least three octets");
    }
    [left, right].concat()
}
