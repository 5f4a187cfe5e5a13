use super::Error;
use crate::agent::replace_file;
use crate::config;
use nix::unistd::geteuid;
use std::io::{ErrorKind, Read};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Random bytes of a token.
const BYTES: usize = 32;
/// How many characters a token may have that somebody else has made.
const LENGTHS: std::ops::RangeInclusive<usize> = 32..=256;

/// What opens the dashboard. It is never shown but to whoever may read its file.
pub struct Token(Zeroizing<String>);

impl Token {
    /// The token in the file at `path`, which is made for the owner alone if there is none.
    ///
    /// # Errors
    /// As [`Token::read`], and when there can be no such file.
    pub fn open(path: &Path) -> Result<Self, Error> {
        match Self::read(path) {
            Err(Error::Token { source, .. }) if source.kind() == ErrorKind::NotFound => Self::make(path),
            read => read,
        }
    }

    fn make(path: &Path) -> Result<Self, Error> {
        let mut random = Zeroizing::new([0; BYTES]);
        getrandom::fill(&mut random[..]).map_err(Error::Random)?;
        let text = Zeroizing::new(hex::encode(&random[..]));
        replace_file(path, text.as_bytes()).map_err(|source| Error::Token { path: path.to_owned(), source })?;
        Ok(Self(text))
    }

    /// The token in the file at `path`.
    ///
    /// # Errors
    /// When the file cannot be read, others may read it or have made it, or what it has is no token.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let failed = |source| Error::Token { path: path.to_owned(), source };
        let (file, metadata) = config::open_regular(path).map_err(failed)?;
        let (owner, mode) = (metadata.uid(), metadata.mode() & 0o7777);
        if mode & 0o077 != 0 {
            return Err(Error::Open { path: path.to_owned(), mode });
        }
        if !trusts(geteuid().as_raw(), owner) {
            return Err(Error::Owner { path: path.to_owned(), owner });
        }
        let mut text = Zeroizing::new(String::with_capacity(2 * LENGTHS.end()));
        file.take(2 * *LENGTHS.end() as u64).read_to_string(&mut text).map_err(failed)?;
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let token = text.trim();
        if !LENGTHS.contains(&token.len()) || !token.chars().all(allowed) {
            return Err(Error::Weak { path: path.to_owned() });
        }
        Ok(Self(Zeroizing::new(token.to_owned())))
    }

    /// Whether `given` is the token. How long that takes says nothing of it but its length.
    pub(super) fn is(&self, given: &str) -> bool {
        self.0.as_bytes().ct_eq(given.as_bytes()).into()
    }
}

/// Whether `user` takes a token from a file of `owner`. Root does from anybody: the agent may have a user of its own.
fn trusts(user: u32, owner: u32) -> bool {
    user == 0 || owner == 0 || owner == user
}

/// Where a browser of this machine finds the dashboard and is logged in: the token is in the fragment, which a browser sends to nobody.
pub fn url(dashboard: &config::Dashboard, token: &Token) -> Zeroizing<String> {
    let scheme = if dashboard.identity.is_some() { "https" } else { "http" };
    let loopback = |ip: IpAddr| match ip {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    let address = SocketAddr::new(loopback(dashboard.listen.ip()), dashboard.listen.port());
    Zeroizing::new(format!("{scheme}://{address}/#token={}", *token.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;
    use std::path::PathBuf;
    use tempfile::tempdir;

    #[test]
    fn a_token_is_made_once_for_its_owner() {
        let folder = tempdir().unwrap();
        let path = folder.path().join("token");
        assert!(matches!(Token::read(&path), Err(Error::Token { .. })));
        let made = Token::open(&path).unwrap();
        assert_eq!((made.0.len(), fs::metadata(&path).unwrap().permissions().mode() & 0o777), (64, 0o600));
        assert!(Token::open(&path).unwrap().is(&made.0) && !made.is("") && !made.is(&"0".repeat(64)));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "more than the token is left");
        assert!(matches!(Token::open(&folder.path().join("missing/token")), Err(Error::Token { .. })));
    }

    #[test]
    fn a_token_of_another_user_is_not_taken() {
        for (user, owner) in [(1000, 1000), (1000, 0), (0, 1000)] {
            assert!(trusts(user, owner), "{user}, {owner}");
        }
        assert!(!trusts(1000, 1001));
    }

    #[test]
    fn a_file_that_others_may_read_and_a_short_token_are_refused() {
        let folder = tempdir().unwrap();
        let path = folder.path().join("token");
        let write = |text: &str, mode| {
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            Token::read(&path)
        };
        assert!(write(&format!("{}\n", "a".repeat(32)), 0o400).is_ok());
        assert!(matches!(write(&"a".repeat(32), 0o640), Err(Error::Open { mode: 0o640, .. })));
        for text in ["", &"a".repeat(31), &"a".repeat(257), &"a b".repeat(20)] {
            assert!(matches!(write(text, 0o600), Err(Error::Weak { .. })), "{text:?}");
        }
        assert!(matches!(Token::read(folder.path()), Err(Error::Token { .. })));
    }

    #[test]
    fn the_url_is_one_of_this_machine() {
        let token = Token(Zeroizing::new("secret".to_owned()));
        for (listen, expected) in
            [("127.0.0.1:9680", "http://127.0.0.1:9680/#token=secret"), ("[::]:80", "http://[::1]:80/#token=secret")]
        {
            let listen = listen.parse().unwrap();
            let token_file = PathBuf::from("/t");
            let dashboard = config::Dashboard { listen, identity: None, admins: [].into(), token_file };
            assert_eq!(*url(&dashboard, &token), expected);
        }
    }
}
