use crate::config::{Config, to_ticks};
use crate::state::Observed;
use lb_common::abi::{self, TIMEOUT_CLASSES, Ticks, TimeoutClass};
use lb_common::flow_table::{FlowState, Lifetimes, Phase};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The idle timeouts that services have of their own: each is a class.
///
/// Flows keep the class that they began with. So a timeout keeps its class for as long as possible, also when no service has it any more.
pub(super) struct Timeouts(BTreeMap<TimeoutClass, Ticks>);

impl Timeouts {
    /// The timeouts of the configuration, in the classes that the maps have for them already, or in others.
    pub(super) fn of(config: &Config, observed: &Observed) -> Self {
        let timeouts = config.services.iter().filter_map(|service| service.idle_timeout);
        Self::among(&timeouts.map(to_ticks).collect(), observed)
    }

    fn among(wanted: &BTreeSet<Ticks>, observed: &Observed) -> Self {
        let used: BTreeSet<TimeoutClass> = observed.services.values().map(|it| it.service.timeouts).collect();
        let mut classes =
            observed.settings.as_ref().map_or_else(BTreeMap::new, |settings| former(&settings.timeouts, &used));
        let known: BTreeMap<Ticks, TimeoutClass> = classes.iter().rev().map(|(&class, &idle)| (idle, class)).collect();
        let kept: BTreeSet<TimeoutClass> = wanted.iter().filter_map(|idle| known.get(idle).copied()).collect();
        let mut free: Vec<TimeoutClass> = own_classes().filter(|class| !kept.contains(class)).collect();
        // Rather one that flows never had than one that they may still have, and that rather than one that they get now.
        free.sort_by_key(|class| (used.contains(class), classes.contains_key(class)));
        // The configuration has fewer timeouts than there are classes.
        let new = wanted.iter().copied().filter(|idle| !known.contains_key(idle));
        classes.extend(free.into_iter().zip(new));
        Self(classes)
    }

    /// Each class with its timeout.
    pub(super) fn classes(&self) -> impl Iterator<Item = (TimeoutClass, Ticks)> {
        self.0.iter().map(|(&class, &idle)| (class, idle))
    }

    /// The class of a service.
    pub(super) fn class(&self, idle_timeout: Option<Duration>) -> TimeoutClass {
        let known = idle_timeout.map(to_ticks).and_then(|wanted| self.classes().find(|(_, idle)| *idle == wanted));
        known.map_or(TimeoutClass::DEFAULT, |(class, _)| class)
    }
}

/// The phases that a class has timeouts of its own for.
const OWN_PHASES: [Phase; 3] = [Phase::HALF_OPEN, Phase::ESTABLISHED, Phase::DATAGRAMS];

/// The classes that services may have of their own.
fn own_classes() -> impl Iterator<Item = TimeoutClass> {
    (1..TIMEOUT_CLASSES as u8).map(TimeoutClass)
}

/// The classes that have a timeout of their own, for all that the maps say, or are `used`.
fn former(timeouts: &abi::Timeouts, used: &BTreeSet<TimeoutClass>) -> BTreeMap<TimeoutClass, Ticks> {
    let of = |class| OWN_PHASES.map(|phase| timeouts.expired(FlowState::new(phase, class)));
    let is_own = |class: &TimeoutClass| used.contains(class) || of(*class) != of(TimeoutClass::DEFAULT);
    let idle = |class| timeouts.expired(FlowState::new(Phase::ESTABLISHED, class));
    own_classes().filter(is_own).map(|class| (class, idle(class))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::Standings;
    use crate::agent::desired::desired;
    use crate::network::Network;
    use crate::state::{Load, Memory, plan};
    use std::path::Path;

    /// The configuration with services of these idle timeouts.
    fn config(timeouts: &[&str]) -> Config {
        let services = timeouts.iter().zip(1..).map(|(timeout, port)| {
            let name_and_vip = format!("name = \"s{port}\"\nvip = \"192.0.2.1\"\nport = {port}\n");
            format!("[[service]]\n{name_and_vip}backends = [{{ name = \"web\", address = \"10.0.0.1\" }}]\nidle-timeout = \"{timeout}\"\n")
        });
        let text = format!("[agent]\ninterfaces = [\"eth0\"]\n{}", services.collect::<String>());
        Config::parse(Path::new("test"), &text).expect("a configuration")
    }

    /// Brings the maps in line with the configuration.
    fn follow(observed: &mut Observed, timeouts: &[&str]) {
        let desired = desired(&config(timeouts), &Network::default(), &Standings::default(), [1, 2], observed);
        let plan = plan(&desired, observed, &Load::default(), &mut Memory::default(), 0);
        for change in plan.complete().expect("there is room") {
            observed.follow(&change);
        }
    }

    /// The class of the service with this port, and its timeout in the maps.
    fn class(observed: &Observed, port: u16) -> (u8, Ticks) {
        let (_, service) = observed.services.iter().find(|(key, _)| key.port.get() == port).expect("it was made");
        let class = service.service.timeouts;
        (class.0, idle(observed, class))
    }

    fn idle(observed: &Observed, class: TimeoutClass) -> Ticks {
        let settings = observed.settings.as_ref().expect("they were written");
        settings.timeouts.expired(FlowState::new(Phase::ESTABLISHED, class))
    }

    fn seconds(seconds: u64) -> Ticks {
        to_ticks(Duration::from_secs(seconds))
    }

    #[test]
    fn a_timeout_keeps_its_class_when_others_come_and_go() {
        let mut observed = Observed::default();
        follow(&mut observed, &["30s"]);
        assert_eq!(class(&observed, 1), (1, seconds(30)));
        follow(&mut observed, &["30s", "20s"]);
        assert_eq!((class(&observed, 1), class(&observed, 2)), ((1, seconds(30)), (2, seconds(20))));
        follow(&mut observed, &["10s", "20s"]);
        assert_eq!((class(&observed, 1), class(&observed, 2)), ((3, seconds(10)), (2, seconds(20))));
        assert_eq!(idle(&observed, TimeoutClass(1)), seconds(30), "flows may still have it");
        follow(&mut observed, &["30s", "20s"]);
        assert_eq!(class(&observed, 1), (1, seconds(30)));
    }

    #[test]
    fn a_class_that_no_service_has_goes_to_another_timeout_when_all_are_taken() {
        let mut observed = Observed::default();
        let timeouts: Vec<String> = (5..36).map(|seconds| format!("{}s", 2 * seconds)).collect();
        let mut timeouts: Vec<&str> = timeouts.iter().map(String::as_str).collect();
        follow(&mut observed, &timeouts);
        let first = class(&observed, 1).0;
        timeouts[0] = "90s";
        follow(&mut observed, &timeouts);
        assert_eq!(class(&observed, 1), (first, seconds(90)));
        assert_eq!(class(&observed, 31).1, seconds(70));
    }

    #[test]
    fn timeouts_of_the_same_ticks_are_one() {
        let timeouts: Vec<String> = (1..41).map(|milliseconds| format!("1s {milliseconds}ms")).collect();
        let mut observed = Observed::default();
        follow(&mut observed, &timeouts.iter().map(String::as_str).collect::<Vec<_>>());
        let classes: BTreeSet<_> = (1..41).map(|port| class(&observed, port)).collect();
        assert_eq!(classes, BTreeSet::from([(1, to_ticks(Duration::from_millis(1_001)))]));
    }

    #[test]
    fn a_class_in_use_is_known_though_its_timeout_is_the_usual() {
        let mut observed = Observed::default();
        let usual = config(&[]).flow_table.timeouts.expired(FlowState::new(Phase::ESTABLISHED, TimeoutClass::DEFAULT));
        follow(&mut observed, &["30s"]);
        let settings = observed.settings.as_mut().expect("they were written");
        settings.timeouts = abi::Timeouts::new(usual, usual, usual, usual, usual);
        let timeouts = Timeouts::among(&BTreeSet::from([usual, 7]), &observed);
        assert_eq!(timeouts.classes().collect::<Vec<_>>(), [(TimeoutClass(1), usual), (TimeoutClass(2), 7)]);
    }
}
