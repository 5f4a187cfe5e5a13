use super::marks::Marks;
use super::probe::probe;
use super::target::{Target, TargetName, authorities};
use crate::config::{Backend, Config, Service, Via};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep, sleep_until};

/// What came of a probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Who was asked.
    pub target: TargetName,
    /// How long the answer took, or why there was none that means health.
    pub result: Result<Duration, String>,
}

/// Asks back-ends how they are, each by a task of its own. They end with it.
#[derive(Debug)]
pub struct Prober {
    outcomes: mpsc::Sender<Outcome>,
    marks: Marks,
    tasks: BTreeMap<TargetName, Task>,
}

impl Prober {
    /// Asks nobody yet. What comes of probes is sent to `outcomes`; while there is no room, no probes are sent.
    pub fn new(outcomes: mpsc::Sender<Outcome>) -> Self {
        Self { outcomes, marks: Marks::default(), tasks: BTreeMap::new() }
    }

    /// Asks the back-ends of this configuration and no others. Those that are asked in the same way as before are not disturbed.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn follow(&mut self, config: &Config) {
        let checked = config.services.iter().filter(|service| service.health.is_some());
        let via_vip = checked.clone().filter(|service| service.health.as_ref().is_some_and(|it| it.via == Via::Vip));
        self.marks.follow(&via_vip.flat_map(names).collect());
        let targets: BTreeMap<_, _> = checked.flat_map(|service| self.targets(service)).collect();
        // Gone before their marks are given to others.
        self.tasks.retain(|name, task| targets.get(name).is_some_and(|target| target.is_like(&task.target)));
        for (name, target) in targets {
            self.tasks.entry(name).or_insert_with(|| Task::start(target, self.outcomes.clone()));
        }
    }

    /// What the packets of probes by way of the VIP are marked with, by target.
    pub fn marks(&self) -> &BTreeMap<TargetName, u32> {
        self.marks.all()
    }

    fn targets(&self, service: &Service) -> Vec<(TargetName, Target)> {
        let Some(health) = &service.health else { return Vec::new() };
        // Reading them takes milliseconds: those of tasks that go on are at hand.
        let known = names(service).find_map(|name| self.tasks.get(&name).filter(|task| task.target.health == *health));
        let authorities = known.map_or_else(|| authorities(health), |task| task.target.authorities.clone());
        let target = |(backend, name): (&Backend, TargetName)| {
            let target = Target {
                name: name.clone(),
                health: health.clone(),
                vip: service.vip,
                address: SocketAddr::new(backend.address, health.port),
                mark: self.marks().get(&name).copied(),
                authorities: authorities.clone(),
            };
            (name, target)
        };
        service.backends.iter().zip(names(service)).map(target).collect()
    }
}

/// The back-ends of a service, in their order.
fn names(service: &Service) -> impl Iterator<Item = TargetName> {
    let name = |backend: &Backend| TargetName { service: service.name.clone(), backend: backend.name.clone() };
    service.backends.iter().map(name)
}

/// The task that asks a target. It ends when this is dropped.
#[derive(Debug)]
struct Task {
    target: Target,
    handle: AbortHandle,
}

impl Task {
    fn start(target: Target, outcomes: mpsc::Sender<Outcome>) -> Self {
        let handle = tokio::spawn(ask(target.clone(), outcomes)).abort_handle();
        Self { target, handle }
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.handle.abort();
    }
}

/// Asks again and again, one probe at a time, for as long as somebody wants to know.
async fn ask(target: Target, outcomes: mpsc::Sender<Outcome>) {
    let health = &target.health;
    // Targets that became known together are not asked together.
    sleep(health.interval.mul_f64(rand::random())).await;
    loop {
        let began = Instant::now();
        let result = probe(&target).await.map_err(|error| error.to_string());
        if outcomes.send(Outcome { target: target.name.clone(), result }).await.is_err() {
            return;
        }
        sleep_until(began + health.interval.mul_f64(stretch(health.jitter))).await;
    }
}

/// What an interval is multiplied by: between 1 less `jitter` and 1 and `jitter`.
fn stretch(jitter: f64) -> f64 {
    1.0 + jitter * (2.0 * rand::random::<f64>() - 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;
    use tokio::net::TcpListener;
    use tokio::time::timeout;

    /// A configuration whose service `web` checks `backends` in this way.
    fn config(health: &str, backends: &[(&str, &str)]) -> Config {
        let backends = backends.iter().map(|(name, address)| format!("{{ name = {name:?}, address = {address:?} }}, "));
        let text = format!(
            "[agent]\ninterfaces = [\"eth0\"]\n[[service]]\nname = \"web\"\nvip = \"192.0.2.1\"\nport = 80\nhealth = {health}\n\
             backends = [{}]\n",
            backends.collect::<String>()
        );
        Config::parse(Path::new("test"), &text).expect("a configuration")
    }

    /// The configuration with the first back-end on this machine, which no file may name.
    fn here(mut config: Config) -> Config {
        config.services[0].backends[0].address = "127.0.0.1".parse().expect("an address");
        config
    }

    async fn next(outcomes: &mut mpsc::Receiver<Outcome>) -> Outcome {
        timeout(Duration::from_secs(20), outcomes.recv()).await.expect("an outcome").expect("the prober is there")
    }

    #[tokio::test]
    async fn outcomes_come_again_and_again_until_a_target_is_gone() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let health = format!("{{ type = \"tcp\", port = {port}, interval = \"10ms\", timeout = \"10s\" }}");
        let config = here(config(&health, &[("a", "192.0.2.11")]));
        let (sender, mut outcomes) = mpsc::channel(1);
        let mut prober = Prober::new(sender);
        prober.follow(&config);
        for _ in 0..3 {
            let Outcome { target, result } = next(&mut outcomes).await;
            assert_eq!((target.service.as_str(), target.backend.as_str()), ("web", "a"));
            assert!(result.is_ok(), "{result:?}");
        }
        drop(listener);
        let mut results = Vec::new();
        while results.last() != Some(&Err("connection refused".to_owned())) {
            results.push(next(&mut outcomes).await.result);
            assert!(results.len() < 5, "{results:?}");
        }
        let nobody = Config { services: Vec::new(), ..config };
        prober.follow(&nobody);
        // One may have been on its way.
        while timeout(Duration::from_millis(300), outcomes.recv()).await.is_ok() {}
        assert!(timeout(Duration::from_millis(300), outcomes.recv()).await.is_err());
    }

    #[tokio::test]
    async fn only_targets_that_change_are_begun_anew() {
        let backends = [("a", "192.0.2.11"), ("b", "192.0.2.12")];
        let slow = "{ type = \"tcp\", interval = \"1h\" }";
        let mut prober = Prober::new(mpsc::channel(1).0);
        let ids = |prober: &Prober| prober.tasks.values().map(|task| task.handle.id()).collect::<Vec<_>>();
        prober.follow(&config(slow, &backends));
        let before = ids(&prober);
        prober.follow(&config(slow, &backends));
        assert_eq!(ids(&prober), before, "nothing changed");
        prober.follow(&config(slow, &[backends[0], ("b", "192.0.2.13"), ("c", "192.0.2.12")]));
        let after = ids(&prober);
        assert_eq!((after.len(), after[0]), (3, before[0]));
        assert!(!after[1..].contains(&before[1]));
        prober.follow(&config("{ type = \"tcp\", interval = \"2h\" }", &backends));
        assert!(ids(&prober).iter().all(|id| !after.contains(id)), "the check changed");
    }

    #[tokio::test]
    async fn targets_by_way_of_the_vip_have_marks() {
        let backends = [("a", "192.0.2.11"), ("b", "192.0.2.12")];
        let mut prober = Prober::new(mpsc::channel(1).0);
        prober.follow(&config("{ type = \"tcp\", via = \"vip\", interval = \"1h\" }", &backends));
        let marks: Vec<_> = prober.marks().values().map(|mark| Some(*mark)).collect();
        assert_eq!(marks.len(), 2);
        assert_eq!(prober.tasks.values().map(|task| task.target.mark).collect::<Vec<_>>(), marks);
        prober.follow(&config("{ type = \"tcp\", interval = \"1h\" }", &backends));
        assert!(prober.marks().is_empty());
        assert!(prober.tasks.values().all(|task| task.target.mark.is_none()));
    }

    #[test]
    fn intervals_differ_by_no_more_than_the_jitter() {
        let stretches: Vec<f64> = (0..1_000).map(|_| stretch(0.1)).collect();
        assert!(stretches.iter().all(|stretch| (0.9..=1.1).contains(stretch)), "{stretches:?}");
        assert!(stretches.iter().any(|stretch| *stretch < 0.95) && stretches.iter().any(|stretch| *stretch > 1.05));
        assert_eq!(stretch(0.0), 1.0);
    }
}
