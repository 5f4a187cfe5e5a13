//! What a client offers when it begins TLS: its hello, as far as one packet shows it (RFC 8446, 4.1.2; RFC 5246, 7.4.1.2).
//!
//! A library would want the hello whole; often it goes on in another packet, which nobody looks at.

/// What is read of a hello.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientHello {
    /// The highest version that is offered.
    pub version: Version,
    /// Whether a session is offered to be resumed.
    pub offers_resumption: bool,
    /// Whether the end is missing.
    pub is_cut: bool,
    /// The name of the server that is meant.
    pub server_name: Option<String>,
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// 1.3, or a later one.
    Tls13,
    /// 1.2.
    Tls12,
    /// An older one.
    Older,
}

const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;
const TLS_1_2: u16 = 0x0303;
const TLS_1_3: u16 = 0x0304;
const RANDOM_LEN: usize = 32;

const SERVER_NAME: u16 = 0;
const SESSION_TICKET: u16 = 35;
const PRE_SHARED_KEY: u16 = 41;
const SUPPORTED_VERSIONS: u16 = 43;

/// Reads the hello that `bytes` begin with, a TLS record. `None` when it is none, or too little of one.
pub fn parse(bytes: &[u8]) -> Option<ClientHello> {
    let mut record = Reader(bytes);
    let (kind, _version, len) = (record.u8()?, record.u16()?, record.u16()?);
    let mut message = Reader(record.up_to(len.into()));
    let (message_kind, len) = (message.u8()?, message.u24()?);
    if (kind, message_kind) != (HANDSHAKE, CLIENT_HELLO) {
        return None;
    }
    let is_cut = message.0.len() < len;
    let mut body = Reader(message.up_to(len));
    let mut found = Offers { version: body.u16()?, ..Offers::default() };
    // What follows may be missing.
    let is_whole = found.read(&mut body).is_some() && !is_cut;
    Some(found.hello(!is_whole))
}

/// What was come across so far.
#[derive(Default)]
struct Offers {
    version: u16,
    has_session_id: bool,
    has_ticket: bool,
    has_pre_shared_key: bool,
    server_name: Option<String>,
}

impl Offers {
    /// Reads all that follows the version; `None` when the end is missing.
    fn read(&mut self, body: &mut Reader<'_>) -> Option<()> {
        body.take(RANDOM_LEN)?;
        let len = body.u8()?;
        self.has_session_id = !body.take(len.into())?.is_empty();
        let len = body.u16()?;
        body.take(len.into())?; // cipher suites
        let len = body.u8()?;
        body.take(len.into())?; // compression methods
        if body.0.is_empty() {
            return Some(());
        }
        let len = body.u16()?;
        let is_whole = body.0.len() >= len.into();
        let mut extensions = Reader(body.up_to(len.into()));
        while !extensions.0.is_empty() {
            let (kind, len) = (extensions.u16()?, extensions.u16()?);
            self.extension(kind, extensions.take(len.into())?);
        }
        is_whole.then_some(())
    }

    fn extension(&mut self, kind: u16, content: &[u8]) {
        match kind {
            SERVER_NAME => self.server_name = server_name(content),
            SESSION_TICKET => self.has_ticket = !content.is_empty(),
            PRE_SHARED_KEY => self.has_pre_shared_key = true,
            SUPPORTED_VERSIONS => self.version = highest_version(content).unwrap_or(self.version),
            _ => {}
        }
    }

    fn hello(self, is_cut: bool) -> ClientHello {
        let version = match self.version {
            TLS_1_3.. => Version::Tls13,
            TLS_1_2 => Version::Tls12,
            _ => Version::Older,
        };
        // With 1.3 a session ID is there for middleboxes and offers nothing (RFC 8446, D.4). Where the end is missing, so may the versions be.
        let is_by_id = self.has_session_id && version != Version::Tls13 && !is_cut;
        ClientHello {
            version,
            offers_resumption: self.has_ticket || self.has_pre_shared_key || is_by_id,
            is_cut,
            server_name: self.server_name,
        }
    }
}

/// The highest of the versions offered, but for values that are reserved to be ignored (RFC 8701).
fn highest_version(content: &[u8]) -> Option<u16> {
    let mut content = Reader(content);
    let len = content.u8()?;
    let versions = content.up_to(len.into()).as_chunks().0;
    let versions = versions.iter().map(|&version| u16::from_be_bytes(version));
    versions.filter(|version| version & 0x0f0f != 0x0a0a).max()
}

/// The host name, if it is one (RFC 6066, 3).
fn server_name(content: &[u8]) -> Option<String> {
    const HOST_NAME: u8 = 0;
    let mut list = Reader(content);
    let len = list.u16()?;
    let mut list = Reader(list.take(len.into())?);
    let (kind, len) = (list.u8()?, list.u16()?);
    let name = list.take(len.into())?;
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let is_name = kind == HOST_NAME && (1..=253).contains(&name.len()) && name.iter().all(allowed);
    is_name.then(|| String::from_utf8_lossy(name).to_ascii_lowercase())
}

/// What is left of some bytes.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    /// So many bytes, or all that are left.
    fn up_to(&mut self, len: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(len.min(self.0.len()));
        self.0 = rest;
        taken
    }

    fn u8(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    fn u16(&mut self) -> Option<u16> {
        self.take(2).map(|bytes| u16::from_be_bytes([bytes[0], bytes[1]]))
    }

    fn u24(&mut self) -> Option<usize> {
        self.take(3).map(|bytes| usize::from(bytes[0]) << 16 | usize::from(bytes[1]) << 8 | usize::from(bytes[2]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rustls::pki_types::ServerName;
    use rustls::{ClientConfig, ClientConnection, RootCertStore, SupportedProtocolVersion, version};
    use std::sync::Arc;

    /// What rustls says first when it offers these versions.
    fn rustls_hello(versions: &[&'static SupportedProtocolVersion]) -> Vec<u8> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_protocol_versions(versions).expect("versions");
        let config = config.with_root_certificates(RootCertStore::empty()).with_no_client_auth();
        let name = ServerName::try_from("WWW.example.com").expect("a name");
        let mut client = ClientConnection::new(Arc::new(config), name).expect("a client");
        let mut bytes = Vec::new();
        client.write_tls(&mut bytes).expect("memory");
        bytes
    }

    /// A hello of these parts.
    fn hello(version: u16, session_id: &[u8], extensions: &[(u16, &[u8])]) -> Vec<u8> {
        let mut fields = Vec::new();
        for (kind, content) in extensions {
            fields.extend_from_slice(&kind.to_be_bytes());
            fields.extend_from_slice(&(content.len() as u16).to_be_bytes());
            fields.extend_from_slice(content);
        }
        let mut body = [&version.to_be_bytes()[..], &[7; RANDOM_LEN], &[session_id.len() as u8], session_id].concat();
        body.extend_from_slice(&[0, 2, 0x13, 0x01, 1, 0]);
        body.extend_from_slice(&(fields.len() as u16).to_be_bytes());
        body.extend_from_slice(&fields);
        let len = (body.len() as u32).to_be_bytes();
        let record_len = (body.len() as u16 + 4).to_be_bytes();
        [&[HANDSHAKE, 3, 1][..], &record_len, &[CLIENT_HELLO], &len[1..], &body].concat()
    }

    fn offers(bytes: &[u8]) -> (Version, bool) {
        let hello = parse(bytes).expect("a hello");
        assert!(!hello.is_cut);
        (hello.version, hello.offers_resumption)
    }

    #[test]
    fn hellos_of_a_real_client_are_read() {
        for (versions, expected) in
            [(&[&version::TLS13, &version::TLS12][..], Version::Tls13), (&[&version::TLS12], Version::Tls12)]
        {
            let hello = parse(&rustls_hello(versions)).expect("a hello");
            assert_eq!((hello.version, hello.is_cut), (expected, false));
            assert_eq!(hello.server_name.as_deref(), Some("www.example.com"));
            assert!(!hello.offers_resumption, "nothing can be resumed yet");
        }
    }

    #[test]
    fn sessions_are_offered_by_ticket_key_or_id() {
        let both = (SUPPORTED_VERSIONS, &[4, 3, 4, 3, 3][..]);
        for (session_id, extensions, expected) in [
            (&[][..], &[][..], (Version::Tls12, false)),
            (&[9; 32], &[], (Version::Tls12, true)),
            (&[9; 32], &[both], (Version::Tls13, false)),
            (&[], &[(SESSION_TICKET, &[])], (Version::Tls12, false)),
            (&[], &[(SESSION_TICKET, &[1, 2])], (Version::Tls12, true)),
            (&[9; 32], &[both, (SESSION_TICKET, &[1, 2])], (Version::Tls13, true)),
            (&[9; 32], &[both, (PRE_SHARED_KEY, &[0])], (Version::Tls13, true)),
        ] {
            assert_eq!(offers(&hello(TLS_1_2, session_id, extensions)), expected, "{session_id:?} {extensions:?}");
        }
    }

    #[test]
    fn the_version_is_the_highest_that_is_none_to_be_ignored() {
        for (legacy, versions, expected) in [
            (0x0301, None, Version::Older),
            (TLS_1_2, Some(&[6, 0xda, 0xda, 3, 4, 3, 3][..]), Version::Tls13),
            (TLS_1_2, Some(&[4, 0xfa, 0xfa, 3, 3]), Version::Tls12),
            (TLS_1_2, Some(&[2, 3, 2]), Version::Older),
        ] {
            let versions: Vec<_> = versions.iter().map(|versions| (SUPPORTED_VERSIONS, *versions)).collect();
            assert_eq!(offers(&hello(legacy, &[], &versions)).0, expected);
        }
    }

    #[test]
    fn names_that_are_none_are_left_out() {
        let named = |name: &[u8]| {
            let len = name.len() as u8;
            let list = [&[0, len + 3, 0, 0, len], name].concat();
            parse(&hello(TLS_1_2, &[], &[(SERVER_NAME, &list)])).and_then(|hello| hello.server_name)
        };
        assert_eq!(named(b"shop.example"), Some("shop.example".to_owned()));
        for wrong in [&b""[..], b"a b", b"<script>", &[0xff; 4], b"\x1b[2J"] {
            assert_eq!(named(wrong), None);
        }
    }

    #[test]
    fn a_hello_that_goes_on_elsewhere_is_cut() {
        let whole = hello(
            TLS_1_2,
            &[9; 32],
            &[(SESSION_TICKET, &[]), (SUPPORTED_VERSIONS, &[2, 3, 4]), (PRE_SHARED_KEY, &[5; 40])],
        );
        for len in 0..whole.len() {
            match parse(&whole[..len]) {
                None => assert!(len < 11, "{len} bytes show a version"),
                Some(hello) => assert!(hello.is_cut && !hello.offers_resumption, "{len}: {hello:?}"),
            }
        }
        assert_eq!(offers(&whole), (Version::Tls13, true));
        // What follows the record is none of it.
        assert_eq!(offers(&[&whole[..], &[0; 20]].concat()), (Version::Tls13, true));
    }

    proptest! {
        #[test]
        fn anything_may_come(bytes in prop::collection::vec(any::<u8>(), 0..300), at in 0usize..120, byte: u8) {
            parse(&bytes);
            let mut damaged = hello(TLS_1_2, &[9; 32], &[(SERVER_NAME, b"\0\x05\0\0\x02ab"), (SUPPORTED_VERSIONS, &[2, 3, 4])]);
            let len = damaged.len();
            damaged[at % len] = byte;
            parse(&damaged);
        }
    }
}
