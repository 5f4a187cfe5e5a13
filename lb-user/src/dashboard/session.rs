use super::Error;
use ring::hmac;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How long a login lasts.
pub(super) const LIFETIME: Duration = Duration::from_secs(12 * 3_600);

/// What shows that somebody has logged in. Nothing is kept of it: it says until when it holds, and is signed. All end with the agent.
pub(super) struct Sessions {
    key: hmac::Key,
}

impl Sessions {
    pub(super) fn new() -> Result<Self, Error> {
        let mut secret = zeroize::Zeroizing::new([0; 32]);
        getrandom::fill(&mut secret[..]).map_err(Error::Random)?;
        Ok(Self { key: hmac::Key::new(hmac::HMAC_SHA256, &secret[..]) })
    }

    /// A session from `now` on.
    pub(super) fn begin(&self, now: SystemTime) -> String {
        let end = seconds(now + LIFETIME).to_string();
        format!("{end}.{}", hex::encode(hmac::sign(&self.key, end.as_bytes())))
    }

    /// Whether it is one of ours, and holds.
    pub(super) fn holds(&self, session: &str, now: SystemTime) -> bool {
        let parts = session.split_once('.').and_then(|(end, tag)| Some((end, hex::decode(tag).ok()?)));
        parts.is_some_and(|(end, tag)| {
            hmac::verify(&self.key, end.as_bytes(), &tag).is_ok()
                && end.parse().is_ok_and(|end: u64| seconds(now) < end)
        })
    }
}

/// Seconds since 1970.
fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_holds_until_its_end_and_cannot_be_made_up() {
        let sessions = Sessions::new().unwrap();
        let now = SystemTime::now();
        let session = sessions.begin(now);
        assert!(sessions.holds(&session, now) && sessions.holds(&session, now + LIFETIME / 2));
        assert!(!sessions.holds(&session, now + LIFETIME));
        let (end, tag) = session.split_once('.').unwrap();
        for forged in
            [String::new(), end.to_owned(), format!("9{end}.{tag}"), format!("{end}."), format!("{end}.{tag}00")]
        {
            assert!(!sessions.holds(&forged, now), "{forged}");
        }
        assert!(!Sessions::new().unwrap().holds(&session, now), "a session of another agent");
    }
}
