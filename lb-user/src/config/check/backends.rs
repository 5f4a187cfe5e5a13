//! Back-ends of a service: what each is by itself, and what the service asks of it.

use super::Checker;
use crate::config::file;
use crate::config::model::{Backend, FixedNextHop, Scheduler};
use crate::config::problems::Seen;
use lb_common::abi::MAX_BACKENDS_PER_SERVICE;
use std::net::IpAddr;
use toml::Spanned;

/// What a service asks of its back-ends, as far as it is right itself.
pub(super) struct Terms {
    /// The VIP, when back-ends have to be on the balancer's segment and take packets as they are.
    pub(super) segment_of: Option<IpAddr>,
    /// What makes use of weights, or does not.
    pub(super) scheduler: Option<Scheduler>,
}

/// What the back-ends of a service before have taken.
#[derive(Default)]
struct Taken {
    names: Seen<String>,
    addresses: Seen<IpAddr>,
}

impl Checker<'_> {
    pub(super) fn backends(
        &mut self,
        about: &str,
        backends: &Spanned<Vec<Spanned<file::Backend>>>,
        terms: &Terms,
    ) -> Option<Vec<Backend>> {
        if backends.get_ref().is_empty() {
            let message = format!("{about}: backends is empty: list who answers, or leave the service out");
            self.problems.add(backends, message);
        }
        let backends = backends.get_ref();
        if let Some(surplus) = backends.get(MAX_BACKENDS_PER_SERVICE) {
            let message =
                format!("{about}: this back-end is one too many: at most {MAX_BACKENDS_PER_SERVICE} are possible");
            self.problems.add(surplus, message);
        }
        let mut taken = Taken::default();
        let checked: Vec<_> =
            backends.iter().map(|backend| self.backend(about, backend.get_ref(), terms, &mut taken)).collect();
        checked.into_iter().collect()
    }

    fn backend(&mut self, about: &str, backend: &file::Backend, terms: &Terms, taken: &mut Taken) -> Option<Backend> {
        let about = &format!("{about}: back-end {:?}", backend.name.get_ref());
        let name = self.name(about, &backend.name);
        taken.names.once(backend.name.get_ref().clone(), &backend.name, &mut self.problems, |line| {
            format!("{about}: the name is already taken in line {line}")
        });
        let address = self.backend_address(about, &backend.address, terms, &mut taken.addresses);
        let weight = self.weight(about, backend.weight.as_ref(), terms);
        let vlans = self.vlans(about, backend.vlan.as_ref());
        let next_hop = self.fixed_next_hop(about, backend);
        Some(Backend { name: name?, address: address?, weight: weight?, vlans: vlans?, next_hop: next_hop? })
    }

    fn backend_address(
        &mut self,
        about: &str,
        text: &Spanned<String>,
        terms: &Terms,
        seen: &mut Seen<IpAddr>,
    ) -> Option<IpAddr> {
        let address = self.address(&format!("{about}: address"), text)?;
        seen.once(address, text, &mut self.problems, |line| {
            format!("{about}: {address} is already a back-end of this service, in line {line}")
        });
        if let Some(line) = self.vips.get(&address) {
            let message = format!(
                "{about}: {address} is a VIP, in line {line}: give the back-end's own address, the one it has besides the VIP"
            );
            self.problems.add(text, message);
        }
        if let Some(vip) = terms.segment_of.filter(|vip| vip.is_ipv4() != address.is_ipv4()) {
            let family = if vip.is_ipv4() { "IPv4" } else { "IPv6" };
            let message = format!(
                "{about}: {address} is not of the VIP's family, which l2-dsr needs: give its {family} address, or use a tunnel, \
                 ipip or gue"
            );
            self.problems.add(text, message);
        }
        Some(address)
    }

    fn weight(&mut self, about: &str, weight: Option<&Spanned<i64>>, terms: &Terms) -> Option<u16> {
        let Some(given) = weight else {
            return Some(Backend::DEFAULT_WEIGHT);
        };
        let weight = self.whole(&format!("{about}: weight"), given, Backend::WEIGHTS)?;
        let unweighted = terms.scheduler.filter(|scheduler| !scheduler.is_weighted());
        if let Some(scheduler) = unweighted.filter(|_| weight != Backend::DEFAULT_WEIGHT) {
            let message = format!(
                "{about}: weight {weight} has no meaning with {scheduler}: use a weighted scheduler, source-hash or maglev"
            );
            self.problems.add(given, message);
        }
        Some(weight)
    }

    fn vlans(&mut self, about: &str, tags: Option<&Spanned<Vec<Spanned<i64>>>>) -> Option<Option<Vec<u16>>> {
        let Some(tags) = tags else {
            return Some(None);
        };
        const MOST: usize = Backend::MAX_VLANS;
        if tags.get_ref().len() > MOST {
            self.problems.add(tags, format!("{about}: vlan has too many tags: at most {MOST} are possible"));
        }
        let key = format!("{about}: vlan");
        let checked: Vec<_> = tags.get_ref().iter().map(|tag| self.whole(&key, tag, Backend::VLANS)).collect();
        checked.into_iter().collect::<Option<_>>().map(Some)
    }

    fn fixed_next_hop(&mut self, about: &str, backend: &file::Backend) -> Option<Option<FixedNextHop>> {
        match (&backend.mac, &backend.interface) {
            (None, None) => Some(None),
            (Some(mac), Some(interface)) => {
                let mac = self.mac(&format!("{about}: mac"), mac);
                let interface = self.interface_name(&format!("{about}: interface"), interface);
                Some(Some(FixedNextHop { interface: interface?, mac: mac? }))
            }
            (Some(mac), None) => self.problems.reject(mac, format!("{about}: mac needs an interface: name it as well")),
            (None, Some(interface)) => {
                self.problems.reject(interface, format!("{about}: interface needs a mac: give it as well"))
            }
        }
    }
}
