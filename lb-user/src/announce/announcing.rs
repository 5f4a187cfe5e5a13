use super::{Announced, Announcer, Wish};
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
    wishes: watch::Sender<Option<Wish>>,
    status: watch::Receiver<Vec<Announced>>,
    task: JoinHandle<Announcer>,
}

impl Announcing {
    /// Starts the task. Until it is told what is wished, it leaves everything as it is.
    pub fn start() -> Self {
        let (wishes, to_follow) = watch::channel(None);
        let (tell, status) = watch::channel(Vec::new());
        Self { wishes, status, task: tokio::spawn(follow(to_follow, tell)) }
    }

    /// From now on this is what the network is to be told.
    pub fn wish(&self, wish: Wish) {
        self.wishes.send_if_modified(|former| {
            let is_new = former.as_ref() != Some(&wish);
            *former = Some(wish);
            is_new
        });
    }

    /// What the network was told of each VIP.
    pub fn status(&self) -> Vec<Announced> {
        self.status.borrow().clone()
    }

    /// Ends the task when it has done what it is about, and gives the announcer back, to withdraw all or for good; `None` if the task has failed.
    pub async fn end(self) -> Option<Announcer> {
        drop(self.wishes);
        self.task.await.ok()
    }
}

async fn follow(mut wishes: watch::Receiver<Option<Wish>>, tell: watch::Sender<Vec<Announced>>) -> Announcer {
    let mut announcer = Announcer::default();
    loop {
        let wish = wishes.borrow_and_update().clone();
        if let Some(wish) = wish {
            announcer.follow(&wish).await;
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
    use crate::config::AnnounceBy;
    use std::net::IpAddr;
    use tokio::time::sleep;

    /// That 192.0.2.10 be announced or not, by a hook that does nothing.
    fn wish(announced: bool) -> Wish {
        let vip = IpAddr::from([192, 0, 2, 10]);
        let by = AnnounceBy::Hook(vec!["/bin/true".to_owned()]);
        Wish { by: Some(by), repeat: TICK, vips: [(vip, announced)].into() }
    }

    /// Waits until the VIP is announced, or withdrawn.
    async fn becomes(announcing: &Announcing, announced: bool) {
        let is_so = async || {
            while announcing.status().first().is_none_or(|vip| vip.announced != Some(announced)) {
                sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(Duration::from_secs(20), is_so()).await.expect("it follows");
    }

    #[tokio::test]
    async fn it_follows_what_is_wished_and_leaves_it_so_at_its_end() {
        let announcing = Announcing::start();
        assert_eq!(announcing.status(), []);
        announcing.wish(wish(false));
        becomes(&announcing, false).await;
        announcing.wish(wish(true));
        becomes(&announcing, true).await;
        let mut announcer = announcing.end().await.expect("its announcer");
        assert_eq!(announcer.status()[0].announced, Some(true));
        announcer.withdraw_all().await.expect("it works");
        assert_eq!(announcer.status()[0].announced, Some(false));
    }
}
