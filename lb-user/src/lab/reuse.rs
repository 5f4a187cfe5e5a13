//! Where clients could resume their sessions.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::Duration;

/// How long a session can be resumed: the lifetime of its ticket.
pub const SESSION_LIFETIME: Duration = Duration::from_secs(3_600);

/// How often clients get to the server that they were on last. There, and only there unless servers share their ticket keys, the session
/// of the last connection can be resumed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reuse<S> {
    /// Where and when each client was last.
    last: BTreeMap<Ipv4Addr, (S, Duration)>,
    resumable: u64,
    resumed: u64,
}

impl<S: PartialEq> Reuse<S> {
    /// Counts a connection of `client` to `server`. `now` is the time since any moment, the same for all connections.
    pub fn count(&mut self, client: Ipv4Addr, server: S, now: Duration) {
        if let Some((last, then)) = self.last.get(&client)
            && now.saturating_sub(*then) < SESSION_LIFETIME
        {
            self.resumable += 1;
            self.resumed += u64::from(*last == server);
        }
        self.last.insert(client, (server, now));
    }

    /// Whether `client` was here before.
    pub fn knows(&self, client: Ipv4Addr) -> bool {
        self.last.contains_key(&client)
    }

    /// The part of the connections of clients with a session that got to the session's server, 0 to 1; `None` without such connections.
    pub fn rate(&self) -> Option<f64> {
        (self.resumable > 0).then(|| self.resumed as f64 / self.resumable as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rate after connections of client, to server, at second.
    fn rate(connections: &[(u8, char, u64)]) -> Option<f64> {
        let mut reuse = Reuse::default();
        for &(client, server, second) in connections {
            reuse.count(Ipv4Addr::new(10, 0, 0, client), server, Duration::from_secs(second));
        }
        reuse.rate()
    }

    #[test]
    fn a_session_is_where_the_client_was_last() {
        assert_eq!(rate(&[(1, 'a', 0), (1, 'a', 10), (1, 'b', 20), (1, 'a', 30), (1, 'a', 40)]), Some(0.5));
    }

    #[test]
    fn each_client_has_its_own_sessions() {
        assert_eq!(rate(&[(1, 'a', 0), (2, 'b', 1), (3, 'a', 2)]), None);
        assert_eq!(rate(&[(1, 'a', 0), (2, 'b', 1), (1, 'a', 2), (2, 'b', 3)]), Some(1.0));
    }

    #[test]
    fn a_session_that_is_over_is_not_missed() {
        assert_eq!(rate(&[(1, 'a', 0), (1, 'b', 3_600), (1, 'b', 7_199)]), Some(1.0));
    }
}
