use super::{Announced, Announcer};
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// How often the announcer looks after what has failed, or has to be told again.
const TICK: Duration = Duration::from_secs(1);

/// An announcer with a task of its own: daemons and programs may be slow, and the agent must not wait for them.
///
/// What it has announced stays announced when it is dropped, as forwarding goes on without the agent.
pub struct Announcing {
    /// `None` until the agent knows what is ready.
    wanted: watch::Sender<Option<BTreeSet<IpAddr>>>,
    status: watch::Receiver<Vec<Announced>>,
    task: JoinHandle<Announcer>,
}

impl Announcing {
    /// Starts the task. Until it is told what is wanted, it leaves everything as it is.
    pub fn start(announcer: Announcer) -> Self {
        let (wanted, wishes) = watch::channel(None);
        let (tell, status) = watch::channel(announcer.status());
        Self { wanted, status, task: tokio::spawn(follow(announcer, wishes, tell)) }
    }

    /// From now on these VIPs are to be announced, and no others.
    pub fn want(&self, vips: BTreeSet<IpAddr>) {
        self.wanted.send_if_modified(|wanted| {
            let is_new = wanted.as_ref() != Some(&vips);
            *wanted = Some(vips);
            is_new
        });
    }

    /// What the network was told of each VIP.
    pub fn status(&self) -> Vec<Announced> {
        self.status.borrow().clone()
    }

    /// Ends the task when it has done what it is about, and gives the announcer back: to withdraw all, or for good.
    pub async fn end(self) -> Option<Announcer> {
        drop(self.wanted);
        self.task.await.ok()
    }
}

async fn follow(
    mut announcer: Announcer,
    mut wishes: watch::Receiver<Option<BTreeSet<IpAddr>>>,
    tell: watch::Sender<Vec<Announced>>,
) -> Announcer {
    loop {
        let wanted = wishes.borrow_and_update().clone();
        if let Some(wanted) = wanted {
            announcer.follow(&wanted).await;
            tell.send_replace(announcer.status());
        }
        if let Ok(Err(_)) = timeout(TICK, wishes.changed()).await {
            return announcer;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use std::path::Path;
    use tokio::time::sleep;

    /// An announcer of 192.0.2.10 whose hook does nothing.
    fn announcer() -> Announcer {
        let text = "[agent]\ninterfaces = [\"eth0\"]\n[announce]\nby = \"hook\"\ncommand = [\"/bin/true\"]\n\
                    [[service]]\nname = \"s\"\nvip = \"192.0.2.10\"\nport = 80\n\
                    backends = [{ name = \"a\", address = \"192.0.2.11\" }]\n";
        Announcer::new(&Config::parse(Path::new("test"), text).expect("a configuration")).expect("an announcer")
    }

    /// Waits until the VIP is announced, or withdrawn.
    async fn becomes(announcing: &Announcing, announced: bool) {
        let is_so = async || {
            while announcing.status()[0].announced != Some(announced) {
                sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(Duration::from_secs(20), is_so()).await.expect("it follows");
    }

    #[tokio::test]
    async fn it_follows_what_is_wanted_and_leaves_it_so_at_its_end() {
        let announcing = Announcing::start(announcer());
        assert_eq!(announcing.status()[0].announced, None);
        announcing.want(BTreeSet::new());
        becomes(&announcing, false).await;
        announcing.want([[192, 0, 2, 10].into()].into());
        becomes(&announcing, true).await;
        let mut announcer = announcing.end().await.expect("its announcer");
        assert_eq!(announcer.status()[0].announced, Some(true));
        announcer.withdraw_all().await.expect("it works");
        assert_eq!(announcer.status()[0].announced, Some(false));
    }
}
