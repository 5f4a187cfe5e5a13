use crate::config::{Announce, AnnounceBy, AnnounceWhen, Config};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// What the network is to be told, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wish {
    /// Who tells it; `None` when nobody does.
    pub by: Option<AnnounceBy>,
    /// How often what is announced is told again.
    pub repeat: Duration,
    /// The VIPs that may be announced, and whether each is to be.
    pub vips: BTreeMap<IpAddr, bool>,
}

/// Decides which VIPs are announced.
#[derive(Clone, Debug)]
pub struct Policy {
    /// `None` when nothing is.
    announce: Option<Announce>,
    vips: BTreeMap<IpAddr, Vip>,
    /// Whether what is good at first sight was so before.
    takes_over: bool,
}

/// What decides about a VIP.
#[derive(Clone, Debug, Default)]
struct Vip {
    /// Services that have a say, and how many of their back-ends must be ready.
    services: Vec<(String, usize)>,
    /// Since when it could be announced; `None` when it cannot.
    good_since: Option<Instant>,
}

impl Policy {
    /// That of the configuration.
    pub fn of(config: &Config) -> Self {
        let announce = config.announce.clone();
        let mut vips: BTreeMap<IpAddr, Vip> = BTreeMap::new();
        for service in config.services.iter().filter(|service| announce.is_some() && service.is_announced) {
            let services = &mut vips.entry(service.vip).or_default().services;
            // Without any back-end there is nothing to announce, whatever changes are allowed.
            services.push((service.name.clone(), service.min_ready.max(1) as usize));
        }
        Self { announce, vips, takes_over: false }
    }

    /// Takes over from an agent that is gone: what is good at first sight need not wait, as it was announced all the time.
    #[must_use]
    pub fn taking_over(self) -> Self {
        Self { takes_over: true, ..self }
    }

    /// Takes over from the policy of an earlier configuration: what could be announced then need not wait again.
    #[must_use]
    pub fn after(mut self, earlier: &Self) -> Self {
        for (address, vip) in &mut self.vips {
            vip.good_since = earlier.vips.get(address).and_then(|earlier| earlier.good_since);
        }
        self
    }

    /// What the network is to be told at `now`; `ready` tells how many back-ends of the service of this name get new flows.
    ///
    /// A VIP is announced when it was good at each call for as long as the configuration says, and is out at the first at which it was not.
    pub fn wish(&mut self, ready: impl Fn(&str) -> usize, now: Instant) -> Wish {
        let Some(Announce { by, when, hold, repeat, .. }) = &self.announce else { return Wish::default() };
        let first = if self.takes_over { now.checked_sub(*hold).unwrap_or(now) } else { now };
        self.takes_over = false;
        let decide = |(address, vip): (&IpAddr, &mut Vip)| {
            let mut enough = vip.services.iter().map(|(name, least)| ready(name) >= *least);
            let is_good = match when {
                AnnounceWhen::All => enough.all(|enough| enough),
                AnnounceWhen::Any => enough.any(|enough| enough),
            };
            vip.good_since = is_good.then(|| vip.good_since.unwrap_or(first));
            (*address, vip.good_since.is_some_and(|since| now.duration_since(since) >= *hold))
        };
        let vips = self.vips.iter_mut().map(decide).collect();
        Wish { by: Some(by.clone()), repeat: *repeat, vips }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    /// 192.0.2.10 has the services web, which needs two back-ends, and mail; 192.0.2.11 has dns; 192.0.2.12 is not announced.
    fn policy(keys: &str) -> Policy {
        let service = |(name, vip, port, more): (&str, &str, u16, &str)| {
            let backends =
                "backends = [{ name = \"a\", address = \"10.0.0.1\" }, { name = \"b\", address = \"10.0.0.2\" }]";
            let forwarding = "forwarding = \"ipip\"";
            format!(
                "[[service]]\nname = \"{name}\"\nvip = \"{vip}\"\nport = {port}\n{forwarding}\n{backends}\n{more}\n"
            )
        };
        let services: String = [
            ("web", "192.0.2.10", 443, "min-ready = 2"),
            ("mail", "192.0.2.10", 25, ""),
            ("dns", "192.0.2.11", 53, ""),
            ("quiet", "192.0.2.12", 80, "announce = false"),
        ]
        .map(service)
        .concat();
        let text = format!("[agent]\ninterfaces = [\"eth0\"]\n[announce]\nby = \"l2\"\n{keys}\n{services}");
        let config = Config::parse(Path::new("test"), &text).expect("a configuration");
        Policy::of(&config)
    }

    /// Last bytes of the VIPs that are announced with so many back-ends ready of web, mail and dns.
    fn announced(policy: &mut Policy, ready: [usize; 3], now: Instant) -> Vec<u8> {
        let ready = |name: &str| match name {
            "web" => ready[0],
            "mail" => ready[1],
            "dns" => ready[2],
            _ => panic!("{name} has no say"),
        };
        let vips = policy.wish(ready, now).vips.into_iter();
        vips.filter(|(_, wanted)| *wanted)
            .map(|(vip, _)| vip)
            .filter_map(|vip| Some(vip.to_string().rsplit_once('.')?.1.parse().expect("a number")))
            .collect()
    }

    #[test]
    fn who_takes_over_withdraws_nothing_that_is_good() {
        let now = Instant::now() + Duration::from_secs(3_600);
        let long = "hold = \"60s\"";
        assert!(announced(&mut policy(long), [2, 1, 0], now).is_empty());
        let mut next = policy(long).taking_over();
        assert_eq!(announced(&mut next, [2, 1, 0], now), [10]);
        assert_eq!(announced(&mut next, [2, 1, 1], now), [10], "what comes later has to wait");
    }

    #[test]
    fn all_services_of_a_vip_or_any_must_have_enough_back_ends() {
        let now = Instant::now();
        for (ready, all, any) in [
            ([2, 1, 1], vec![10, 11], vec![10, 11]),
            ([1, 1, 1], vec![11], vec![10, 11]),
            ([2, 0, 0], vec![], vec![10]),
            ([1, 0, 2], vec![11], vec![11]),
            ([0, 0, 0], vec![], vec![]),
        ] {
            assert_eq!(announced(&mut policy("hold = \"0s\""), ready, now), all, "{ready:?}");
            assert_eq!(announced(&mut policy("hold = \"0s\"\nwhen = \"any\""), ready, now), any, "{ready:?}");
        }
    }

    #[test]
    fn a_vip_comes_late_and_goes_at_once() {
        let start = Instant::now();
        let mut policy = policy("hold = \"3s\"");
        let mut at = |seconds, dns| announced(&mut policy, [0, 0, dns], start + Duration::from_secs(seconds));
        assert_eq!(at(0, 1), [0; 0]);
        assert_eq!(at(2, 1), [0; 0]);
        assert_eq!(at(3, 1), [11]);
        assert_eq!(at(9, 0), [0; 0]);
        assert_eq!(at(10, 1), [0; 0]);
        assert_eq!(at(11, 0), [0; 0]);
        assert_eq!(at(12, 1), [0; 0]);
        assert_eq!(at(14, 1), [0; 0]);
        assert_eq!(at(15, 1), [11]);
    }

    #[test]
    fn without_an_announcement_nothing_is_wished() {
        let config = Config::parse(Path::new("test"), "[agent]\ninterfaces = [\"eth0\"]\n").expect("a configuration");
        assert_eq!(Policy::of(&config).wish(|_| 1, Instant::now()), Wish::default());
    }

    #[test]
    fn another_configuration_does_not_make_a_good_vip_wait() {
        let start = Instant::now();
        let mut before = policy("hold = \"3s\"");
        let later = start + Duration::from_secs(3);
        assert_eq!(announced(&mut before, [0, 0, 1], start), [0; 0]);
        assert_eq!(announced(&mut policy("hold = \"3s\"").after(&before), [0, 0, 1], later), [11]);
        assert_eq!(announced(&mut policy("hold = \"3s\""), [0, 0, 1], later), [0; 0]);
    }
}
