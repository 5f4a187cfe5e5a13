use super::Error;
use super::driver::{Action, Driver, Outcome};
use crate::config::{Announce, Config};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tracing::{info, warn};

/// Announces VIPs in the way that the configuration says.
pub struct Announcer {
    driver: Driver,
    repeat: Duration,
    /// What is known of the configuration's VIPs, and of those of before that are not withdrawn yet.
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
    /// An announcer for the VIPs of the configuration; `None` when it announces none.
    pub fn new(config: &Config) -> Option<Self> {
        let Announce { by, repeat, .. } = config.announce.as_ref()?;
        let vips = config.services.iter().filter(|service| service.min_ready.is_some()).map(|service| service.vip);
        let vips = vips.map(|vip| (vip, Known::default())).collect();
        Some(Self { driver: Driver::of(by), repeat: *repeat, vips })
    }

    /// Has the `wanted` VIPs announced, and no others. What is so already is told again from time to time, and what fails is tried again at
    /// the next call.
    pub async fn follow(&mut self, wanted: &BTreeSet<IpAddr>) {
        let now = Instant::now();
        for &vip in wanted {
            self.vips.entry(vip).or_default();
        }
        let action = |vip: &IpAddr| if wanted.contains(vip) { Action::Announce } else { Action::Withdraw };
        let is_due = |(vip, known): &(&IpAddr, &Known)| match known.told {
            // What was withdrawn, no daemon takes up again by itself.
            Some((told, at)) => {
                told != action(vip) || told == Action::Announce && now.duration_since(at) >= self.repeat
            }
            None => true,
        };
        let changes: Vec<_> = self.vips.iter().filter(is_due).map(|(vip, _)| (*vip, action(vip))).collect();
        if changes.is_empty() {
            return;
        }
        let outcomes = self.driver.make(&changes, wanted).await;
        for ((vip, action), outcome) in changes.into_iter().zip(outcomes) {
            self.vips.entry(vip).or_default().note(vip, action, outcome);
        }
    }

    /// Withdraws all VIPs: this machine is drained.
    ///
    /// # Errors
    /// The first that could not be withdrawn.
    pub async fn withdraw_all(&mut self) -> Result<(), Arc<Error>> {
        self.follow(&BTreeSet::new()).await;
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

    /// An announcer of 192.0.2.10 and 192.0.2.11 whose hook writes down what it is told, and fails while there is a file `broken`.
    fn announcer(folder: &Path, repeat: &str) -> Announcer {
        let script = "echo $HANDOFF_ACTION $HANDOFF_VIP >> record; test ! -e broken";
        let service = |last: u8| {
            let backends = format!("backends = [{{ name = \"a\", address = \"192.0.2.1{last}1\" }}]");
            format!("[[service]]\nname = \"s{last}\"\nvip = \"192.0.2.1{last}\"\nport = 80\n{backends}\n")
        };
        let command = format!("cd {} && {script}", folder.display());
        let text = format!(
            "[agent]\ninterfaces = [\"eth0\"]\n[announce]\nby = \"hook\"\nrepeat = \"{repeat}\"\n\
             command = [\"/bin/sh\", \"-c\", \"{command}\"]\n{}{}",
            service(0),
            service(1)
        );
        Announcer::new(&Config::parse(Path::new("test"), &text).expect("a configuration")).expect("an announcer")
    }

    /// What the hook was told since the last call.
    fn told(folder: &Path) -> Vec<String> {
        let record = folder.join("record");
        let text = fs::read_to_string(&record).unwrap_or_default();
        let _ = fs::remove_file(record);
        text.lines().map(|line| line.replace("192.0.2.", "")).collect()
    }

    fn vips(vips: &[u8]) -> BTreeSet<IpAddr> {
        vips.iter().map(|&last| IpAddr::from([192, 0, 2, last])).collect()
    }

    #[tokio::test]
    async fn only_changes_are_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut announcer = announcer(folder.path(), "1h");
        announcer.follow(&vips(&[10])).await;
        // Nobody knows what an earlier agent has announced.
        assert_eq!(told(folder.path()), ["announce 10", "withdraw 11"]);
        announcer.follow(&vips(&[10])).await;
        assert_eq!(told(folder.path()), [""; 0]);
        announcer.follow(&vips(&[11])).await;
        assert_eq!(told(folder.path()), ["withdraw 10", "announce 11"]);
        let announced: Vec<_> = announcer.status().iter().map(|status| status.announced).collect();
        assert_eq!(announced, [Some(false), Some(true)]);
        announcer.withdraw_all().await.expect("it works");
        assert_eq!(told(folder.path()), ["withdraw 11"]);
    }

    #[tokio::test]
    async fn what_fails_is_tried_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut announcer = announcer(folder.path(), "1h");
        fs::write(folder.path().join("broken"), "").expect("a file");
        announcer.follow(&vips(&[10, 11])).await;
        assert!(announcer.status().iter().all(|status| status.announced.is_none() && status.error.is_some()));
        assert!(announcer.withdraw_all().await.is_err());
        assert_eq!(told(folder.path()).len(), 4);
        fs::remove_file(folder.path().join("broken")).expect("it is there");
        announcer.follow(&vips(&[10])).await;
        assert_eq!(told(folder.path()), ["announce 10", "withdraw 11"]);
        assert!(announcer.status().iter().all(|status| status.error.is_none()));
    }

    #[tokio::test]
    async fn what_is_announced_is_told_again_to_daemons_that_have_forgotten() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut announcer = announcer(folder.path(), "1s");
        announcer.follow(&vips(&[10])).await;
        told(folder.path());
        tokio::time::sleep(Duration::from_millis(1_100)).await;
        announcer.follow(&vips(&[10])).await;
        assert_eq!(told(folder.path()), ["announce 10"]);
    }
}
