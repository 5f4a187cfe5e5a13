use super::driver::{Action, Driver, Outcome};
use super::{Error, Wish};
use crate::config::AnnounceBy;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tracing::{info, warn};

/// Announces VIPs, in whatever way is wished.
#[derive(Default)]
pub struct Announcer {
    /// How it does, at the moment.
    way: Option<(AnnounceBy, Driver)>,
    /// The VIPs that may be announced, and those of before that are not withdrawn yet.
    vips: BTreeMap<IpAddr, Known>,
}

/// What is known of a VIP.
#[derive(Default)]
struct Known {
    /// What the network was told last, and when; `None` when nobody knows, or the last try failed.
    told: Option<(Action, Instant)>,
    /// Why the last try failed.
    error: Option<Arc<Error>>,
}

/// Whether a VIP is announced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announced {
    /// The VIP.
    pub vip: IpAddr,
    /// Whether the network was told that it is here; `None` when that is not known.
    pub announced: Option<bool>,
    /// Why it could not be told what it should be.
    pub error: Option<String>,
}

impl Announcer {
    /// Does what is wished. What is so already is told again from time to time, and what fails is tried again at the next call.
    pub async fn follow(&mut self, wish: &Wish) {
        if self.way.as_ref().map(|(by, _)| by) != wish.by.as_ref() {
            // Another way knows nothing of what was announced in this one. What fails is in the log.
            let _ = self.withdraw_all().await;
            self.vips.clear();
            self.way = wish.by.as_ref().map(|by| (by.clone(), Driver::of(by)));
        }
        for &vip in wish.vips.keys() {
            self.vips.entry(vip).or_default();
        }
        let wanted = wish.vips.iter().filter(|(_, wanted)| **wanted).map(|(vip, _)| *vip).collect();
        self.tell(&wanted, wish.repeat).await;
        self.vips.retain(|vip, known| wish.vips.contains_key(vip) || known.error.is_some());
    }

    /// Withdraws all VIPs: this machine is drained.
    ///
    /// # Errors
    /// The first that could not be withdrawn.
    pub async fn withdraw_all(&mut self) -> Result<(), Arc<Error>> {
        self.tell(&BTreeSet::new(), Duration::MAX).await;
        self.vips.values().find_map(|known| known.error.clone()).map_or(Ok(()), Err)
    }

    /// What the network was told of each VIP.
    pub fn status(&self) -> Vec<Announced> {
        let status = self.vips.iter().map(|(&vip, known)| Announced {
            vip,
            announced: known.told.map(|(action, _)| action == Action::Announce),
            error: known.error.as_ref().map(ToString::to_string),
        });
        status.collect()
    }

    /// Tells the network that the `wanted` VIPs are here and no others, as far as it does not know.
    async fn tell(&mut self, wanted: &BTreeSet<IpAddr>, repeat: Duration) {
        let Some((_, driver)) = &mut self.way else { return };
        let now = Instant::now();
        let action = |vip: &IpAddr| if wanted.contains(vip) { Action::Announce } else { Action::Withdraw };
        let is_due = |(vip, known): &(&IpAddr, &Known)| match known.told {
            // What was withdrawn, no daemon takes up again by itself.
            Some((told, at)) => told != action(vip) || told == Action::Announce && now.duration_since(at) >= repeat,
            None => true,
        };
        let changes: Vec<_> = self.vips.iter().filter(is_due).map(|(vip, _)| (*vip, action(vip))).collect();
        if changes.is_empty() {
            return;
        }
        let outcomes = driver.make(&changes, wanted).await;
        for ((vip, action), outcome) in changes.into_iter().zip(outcomes) {
            self.vips.entry(vip).or_default().note(vip, action, outcome);
        }
    }
}

impl Known {
    /// Notes what came of it, with a line in the log for what has changed.
    fn note(&mut self, vip: IpAddr, action: Action, outcome: Outcome) {
        match outcome {
            Ok(()) => {
                if self.told.is_none_or(|(told, _)| told != action) {
                    info!(%vip, %action, "told the network");
                }
                *self = Self { told: Some((action, Instant::now())), error: None };
            }
            Err(error) => {
                if self.error.as_ref().is_none_or(|known| known.to_string() != error.to_string()) {
                    warn!(%vip, %action, %error, "cannot tell the network");
                }
                *self = Self { told: None, error: Some(error) };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::Path;

    /// That these VIPs be announced or not, by a hook that writes into the file `record` what it is told, and fails while there is a file `broken`.
    fn wish(folder: &Path, record: &str, vips: &[(u8, bool)]) -> Wish {
        let script =
            format!("cd {} && echo $HANDOFF_ACTION $HANDOFF_VIP >> {record}; test ! -e broken", folder.display());
        Wish {
            by: Some(AnnounceBy::Hook(["/bin/sh", "-c", &script].map(str::to_owned).to_vec())),
            repeat: Duration::from_secs(1),
            vips: vips.iter().map(|&(last, wanted)| (IpAddr::from([192, 0, 2, last]), wanted)).collect(),
        }
    }

    /// What the hook was told since the last call.
    fn told(folder: &Path, record: &str) -> Vec<String> {
        let record = folder.join(record);
        let text = fs::read_to_string(&record).unwrap_or_default();
        let _ = fs::remove_file(record);
        text.lines().map(|line| line.replace("192.0.2.", "")).collect()
    }

    #[tokio::test]
    async fn only_changes_are_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let (wish, told) = (
            |vips: &[_]| Wish { repeat: Duration::MAX, ..wish(folder.path(), "a", vips) },
            || told(folder.path(), "a"),
        );
        let mut announcer = Announcer::default();
        announcer.follow(&wish(&[(10, true), (11, false)])).await;
        // Nobody knows what an earlier agent has announced.
        assert_eq!(told(), ["announce 10", "withdraw 11"]);
        announcer.follow(&wish(&[(10, true), (11, false)])).await;
        assert_eq!(told(), [""; 0]);
        announcer.follow(&wish(&[(10, false), (11, true)])).await;
        assert_eq!(told(), ["withdraw 10", "announce 11"]);
        let announced: Vec<_> = announcer.status().iter().map(|status| status.announced).collect();
        assert_eq!(announced, [Some(false), Some(true)]);
        announcer.withdraw_all().await.expect("it works");
        assert_eq!(told(), ["withdraw 11"]);
    }

    #[tokio::test]
    async fn what_fails_is_tried_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let (wish, told) = (|vips: &[_]| wish(folder.path(), "a", vips), || told(folder.path(), "a"));
        let mut announcer = Announcer::default();
        fs::write(folder.path().join("broken"), "").expect("a file");
        announcer.follow(&wish(&[(10, true), (11, true)])).await;
        assert!(announcer.status().iter().all(|status| status.announced.is_none() && status.error.is_some()));
        assert!(announcer.withdraw_all().await.is_err());
        assert_eq!(told().len(), 4);
        fs::remove_file(folder.path().join("broken")).expect("it is there");
        announcer.follow(&wish(&[(10, true), (11, false)])).await;
        assert_eq!(told(), ["announce 10", "withdraw 11"]);
        assert!(announcer.status().iter().all(|status| status.error.is_none()));
    }

    #[tokio::test]
    async fn what_is_announced_is_told_again_to_daemons_that_have_forgotten() {
        let folder = tempfile::tempdir().expect("a folder");
        let wish = wish(folder.path(), "a", &[(10, true), (11, false)]);
        let mut announcer = Announcer::default();
        announcer.follow(&wish).await;
        told(folder.path(), "a");
        tokio::time::sleep(Duration::from_millis(1_100)).await;
        announcer.follow(&wish).await;
        assert_eq!(told(folder.path(), "a"), ["announce 10"]);
    }

    #[tokio::test]
    async fn what_leaves_the_configuration_is_withdrawn_and_forgotten() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut announcer = Announcer::default();
        announcer.follow(&wish(folder.path(), "a", &[(10, true), (11, true)])).await;
        announcer.follow(&wish(folder.path(), "a", &[(11, true)])).await;
        assert_eq!(told(folder.path(), "a"), ["announce 10", "announce 11", "withdraw 10"]);
        assert_eq!(announcer.status().len(), 1);
        // Another way, and then none.
        announcer.follow(&wish(folder.path(), "b", &[(11, true)])).await;
        assert_eq!(
            (told(folder.path(), "a"), told(folder.path(), "b")),
            (vec!["withdraw 11".to_owned()], vec!["announce 11".to_owned()])
        );
        announcer.follow(&Wish::default()).await;
        assert_eq!(told(folder.path(), "b"), ["withdraw 11"]);
        assert_eq!(announcer.status(), []);
    }
}
